"""The detector finds what the slow and obvious version finds, where a person would point."""

from pathlib import Path

import numpy as np
import pytest

from faceserver import images
from faceserver.engines import Engine, EngineOptions, make_engine
from faceserver.models import DetectorSpec, load_spec
from faceserver.plugins.mtcnn import MtcnnDetector, MtcnnOptions
from faceserver.types import Detection, Image
from tests.photographs import Photographs
from tests.plugins import reference_mtcnn

MODEL = Path(__file__).resolve().parents[2] / "models" / "mtcnn"

# Where a person sees the eyes, the nose and the corners of the mouth, to about 2 % of the face.
SEEN = {
    "obama.jpg": [(443, 212), (552, 211), (497, 275), (437, 322), (555, 321)],
    "biden.jpg": [(535, 320), (655, 345), (597, 405), (519, 460), (627, 478)],
}


@pytest.fixture(scope="module")
def engine() -> Engine:
    return make_engine("openvino", EngineOptions(threads=2))


@pytest.fixture(scope="module")
def spec() -> DetectorSpec:
    return load_spec(MODEL, DetectorSpec)


@pytest.fixture(scope="module")
def detector(spec: DetectorSpec, engine: Engine) -> MtcnnDetector:
    return MtcnnDetector(spec, engine, MtcnnOptions())


def decoded(path: Path) -> Image:
    return images.decode(path.read_bytes(), max_bytes=10**8, max_pixels=10**8)


def crowd(photographs: Photographs) -> Image:
    """Three photographs side by side, one cut at the edge, one twice as small."""
    left, middle, right = (
        decoded(photographs[name])[:700] for name in ("obama.jpg", "biden.jpg", "obama2.jpg")
    )
    picture = np.zeros((700, 2000, 3), np.uint8)
    picture[:, :700] = left[:, 200:900]
    picture[:350, 800:1285] = middle[::2, ::2]
    picture[:, 1374:] = right[:, :626]
    return picture


@pytest.mark.parametrize("name", ["obama.jpg", "obama3.jpg", "biden.jpg", "astronaut.png", "crowd"])
def test_it_finds_what_the_obvious_version_finds(
    name: str,
    detector: MtcnnDetector,
    spec: DetectorSpec,
    engine: Engine,
    photographs: Photographs,
) -> None:
    image = crowd(photographs) if name == "crowd" else decoded(photographs[name])
    pnet, rnet, onet = (engine.load(spec.networks[n], "f32") for n in ("pnet", "rnet", "onet"))
    expected = reference_mtcnn.detect(image, (pnet, rnet, onet))
    found = sorted(detector.detect(image), key=lambda face: -face.score)
    expected.sort(key=lambda face: -face.score)
    assert len(found) == len(expected) > 0
    for face, truth in zip(found, expected, strict=True):
        assert face.score == pytest.approx(truth.score, abs=1e-3)
        edges = (truth.x1 - 1, truth.y1 - 1, truth.x2, truth.y2)
        box = face.box
        assert (box.x1, box.y1, box.x2, box.y2) == pytest.approx(edges, abs=0.1)
        assert np.allclose(face.points, truth.points, atol=0.1)


@pytest.mark.parametrize("name", sorted(SEEN))
def test_points_lie_where_a_person_sees_them(
    name: str, detector: MtcnnDetector, photographs: Photographs
) -> None:
    (face,) = detector.detect(decoded(photographs[name]))
    assert np.abs(np.array(face.points) - SEEN[name]).max() < 0.04 * face.box.width


def inside(face: Detection) -> bool:
    box = face.box
    return all(box.x1 < x < box.x2 and box.y1 < y < box.y2 for x, y in face.points)


def test_largest_first_and_points_inside(detector: MtcnnDetector, photographs: Photographs) -> None:
    faces = detector.detect(crowd(photographs))
    assert len(faces) == 3
    assert [face.box.area for face in faces] == sorted((f.box.area for f in faces), reverse=True)
    assert all(inside(face) for face in faces)


def test_smaller_faces_than_asked_for_are_not_looked_for(
    spec: DetectorSpec, engine: Engine, photographs: Photographs
) -> None:
    image = decoded(photographs["obama.jpg"])
    patient = MtcnnDetector(spec, engine, MtcnnOptions(min_face=600))
    assert patient.detect(image) == []


@pytest.mark.parametrize("shape", [(12, 12), (40, 12), (39, 500), (40, 40), (41, 333)])
def test_pictures_with_nothing_to_find(detector: MtcnnDetector, shape: tuple[int, int]) -> None:
    noise = np.random.default_rng(shape).integers(0, 256, (*shape, 3), np.uint8)
    assert detector.detect(noise) == []
    assert detector.detect(np.zeros((*shape, 3), np.uint8)) == []
