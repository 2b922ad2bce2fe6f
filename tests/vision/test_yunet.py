"""YuNet and SFace on real photographs, and the arithmetic of YuNet's places."""

from pathlib import Path

import numpy as np
import pytest

from faceserver.engines import Engine, EngineOptions, make_engine
from faceserver.models.spec import DetectorSpec, EmbedderSpec, load_spec
from faceserver.pictures import codec
from faceserver.types import Detection, Image
from faceserver.vision.architectures import make_detector, make_embedder
from faceserver.vision.base import Detector, Loading
from faceserver.vision.yunet import _places
from tests.support.counting import CountingEngine
from tests.support.photographs import Photographs
from tests.vision.test_mtcnn import SEEN

MODELS = Path(__file__).resolve().parents[2] / "models"


@pytest.fixture(scope="module")
def engine() -> Engine:
    return make_engine("openvino", EngineOptions(threads=2))


@pytest.fixture(scope="module")
def spec() -> DetectorSpec:
    return load_spec(MODELS / "yunet", DetectorSpec)


@pytest.fixture(scope="module")
def detector(spec: DetectorSpec, engine: Engine) -> Detector:
    return make_detector(spec, Loading(engine))


def decoded(path: Path) -> Image:
    return codec.decode(path.read_bytes(), max_bytes=10**8, max_pixels=10**8).image


def told(spec: DetectorSpec, **options: float) -> DetectorSpec:
    return spec.model_copy(update={"options": {**spec.options, **options}})


@pytest.mark.parametrize("name", sorted(SEEN))
def test_points_lie_where_a_person_sees_them(
    name: str, detector: Detector, photographs: Photographs
) -> None:
    (face,) = detector.detect(decoded(photographs[name]))
    assert np.abs(np.array(face.points) - SEEN[name]).max() < 0.04 * face.box.width
    assert face.score > 0.9


@pytest.mark.parametrize("runtime", ["openvino", "opencv"])
def test_every_runtime_finds_the_same(
    runtime: str, spec: DetectorSpec, detector: Detector, photographs: Photographs
) -> None:
    other = make_detector(spec, Loading(make_engine(runtime, EngineOptions(threads=1))))
    image = decoded(photographs["obama.jpg"])
    for one, same in zip(detector.detect(image), other.detect(image), strict=True):
        assert np.allclose(one.points, same.points, atol=0.5)
        assert abs(one.score - same.score) < 1e-3


@pytest.mark.parametrize("times", [1, 2, 6])
def test_faces_are_found_however_large_the_picture_is(
    times: int, detector: Detector, photographs: Photographs
) -> None:
    image = decoded(photographs["obama.jpg"])
    (small,) = detector.detect(image)
    (face,) = detector.detect(image.repeat(times, axis=0).repeat(times, axis=1))
    wide = small.box.width
    assert np.abs(np.array(face.points) / times - np.array(small.points)).max() < 0.05 * wide


def test_a_large_picture_is_seen_twice_and_a_usual_one_once(
    spec: DetectorSpec, engine: Engine
) -> None:
    counting = CountingEngine(engine)
    watched = make_detector(spec, Loading(counting))
    for side, calls in ((600, 1), (4000, 2)):
        counting.calls.clear()
        watched.detect(np.zeros((side, side, 3), np.uint8))
        assert len(counting.calls) == calls
        assert all(rows % 64 == columns % 64 == 0 for _, rows, columns, _ in counting.shapes())


@pytest.mark.parametrize(
    ("sides", "smallest", "shapes"),
    [
        ((1200, 960), 40, [(448, 384)]),  # a face of 40 pixels is seen with 15
        ((1200, 960), 20, [(640, 512), (768, 576)]),  # one of 20 needs a second look for 12
        ((1200, 1000), 400, [(448, 384)]),
        ((400, 300), 40, [(448, 320)]),  # never larger than it is
        ((1200, 1600), 40, [(448, 576)]),
        ((1600, 2000), 40, [(512, 640)]),
        ((2400, 3200), 40, [(512, 640), (768, 960)]),
    ],
)
def test_a_picture_is_seen_no_larger_than_its_smallest_faces_need(
    sides: tuple[int, int],
    smallest: int,
    shapes: list[tuple[int, int]],
    spec: DetectorSpec,
    engine: Engine,
) -> None:
    counting = CountingEngine(engine)
    make_detector(told(spec, min_face=smallest), Loading(counting)).detect(
        np.zeros((*sides, 3), np.uint8)
    )
    assert [(rows, columns) for _, rows, columns, _ in counting.shapes()] == shapes


def test_smaller_faces_than_asked_for_are_not_reported(
    spec: DetectorSpec, engine: Engine, photographs: Photographs
) -> None:
    image = decoded(photographs["obama.jpg"])
    patient = make_detector(told(spec, min_face=600), Loading(engine))
    assert patient.detect(image) == []


def test_without_the_second_look_its_own_points_are_taken(
    spec: DetectorSpec, engine: Engine, detector: Detector, photographs: Photographs
) -> None:
    networks = {"yunet": spec.networks["yunet"]}
    plain = make_detector(spec.model_copy(update={"networks": networks}), Loading(engine))
    image = decoded(photographs["biden.jpg"])
    (own,), (exact,) = plain.detect(image), detector.detect(image)
    assert own.box == exact.box
    apart = np.abs(np.array(own.points) - np.array(exact.points)).max()
    assert 0 < apart < 0.15 * own.box.width


def test_a_place_tells_a_box_and_five_points() -> None:
    answers = {
        "cls_16": np.full((1, 1, 3, 4), -9, np.float32),
        "obj_16": np.full((1, 1, 3, 4), 9, np.float32),
        "bbox_16": np.zeros((1, 4, 3, 4), np.float32),
        "kps_16": np.zeros((1, 10, 3, 4), np.float32),
    }
    answers["cls_16"][0, 0, 1, 2] = 9
    answers["bbox_16"][0, :, 1, 2] = (0.5, 0.25, np.log(2), np.log(4))
    answers["kps_16"][0, :, 1, 2] = np.arange(10) / 10
    scores, boxes, points = _places(answers, 16, 0.6)
    assert scores.shape == (1,)
    assert scores[0] > 0.99
    assert np.allclose(boxes, [[40 - 16, 20 - 32, 40 + 16, 20 + 32]])
    assert np.allclose(points[0, :, 0], 32 + 16 * np.array([0, 0.2, 0.4, 0.6, 0.8]))
    assert np.allclose(points[0, :, 1], 16 + 16 * np.array([0.1, 0.3, 0.5, 0.7, 0.9]))


@pytest.mark.parametrize("shape", [(12, 12), (13, 700), (64, 64)])
def test_pictures_with_nothing_to_find(detector: Detector, shape: tuple[int, int]) -> None:
    noise = np.random.default_rng(shape).integers(0, 256, (*shape, 3), np.uint8)
    assert detector.detect(noise) == []


def largest(faces: list[Detection]) -> Detection:
    return faces[0]


def test_sface_tells_two_men_apart(
    engine: Engine, detector: Detector, photographs: Photographs
) -> None:
    embedder = make_embedder(load_spec(MODELS / "sface", EmbedderSpec), Loading(engine))
    images = [decoded(photographs[f"{name}.jpg"]) for name in ("obama", "obama2", "biden")]
    crops = [embedder.crop(image, largest(detector.detect(image))) for image in images]
    assert {crop.shape for crop in crops} == {(112, 112, 3)}
    one, again, other = embedder.embed(crops)
    assert one.shape == (128,)
    threshold = embedder.distances.threshold
    assert np.square(one - again).sum() < threshold - 0.2
    assert np.square(one - other).sum() > threshold + 0.2
