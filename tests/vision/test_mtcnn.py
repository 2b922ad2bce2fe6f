"""The detector finds what the slow and obvious version finds, where a person would point."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from faceserver.engines import Engine, EngineOptions, make_engine
from faceserver.errors import ModelError
from faceserver.models.spec import DetectorSpec, load_spec
from faceserver.pictures import codec
from faceserver.runtime.parallel import Helpers
from faceserver.types import Box, Detection, Image
from faceserver.vision import geometry
from faceserver.vision.base import Loading
from faceserver.vision.mtcnn import MtcnnDetector, layout, pyramid
from tests.support.counting import CountingEngine
from tests.support.photographs import Photographs
from tests.vision import reference_mtcnn
from tests.vision.reference_mtcnn import Candidate

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
    return MtcnnDetector(spec, Loading(engine))


def decoded(path: Path) -> Image:
    return codec.decode(path.read_bytes(), max_bytes=10**8, max_pixels=10**8).image


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


NAMES = ["obama.jpg", "obama3.jpg", "biden.jpg", "astronaut.png", "crowd"]


@pytest.fixture(scope="module")
def pictures(photographs: Photographs) -> dict[str, Image]:
    alone = {name: decoded(photographs[name]) for name in NAMES if name != "crowd"}
    return {**alone, "crowd": crowd(photographs)}


@pytest.fixture(scope="module")
def expected(
    pictures: dict[str, Image], spec: DetectorSpec, engine: Engine
) -> dict[str, list[Candidate]]:
    """What the slow and obvious version finds, best first."""
    pnet, rnet, onet = (engine.load(spec.networks[n], "f32") for n in ("pnet", "rnet", "onet"))
    return {
        name: sorted(
            reference_mtcnn.detect(image, (pnet, rnet, onet)), key=lambda face: -face.score
        )
        for name, image in pictures.items()
    }


def edges_of(truth: Candidate) -> tuple[float, float, float, float]:
    return truth.x1 - 1, truth.y1 - 1, truth.x2, truth.y2


@pytest.fixture
def no_shortcuts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every level and crop is scaled from the whole picture."""
    monkeypatch.setattr(pyramid, "_FOR_LEVELS", 10**6)
    monkeypatch.setattr(pyramid, "_FOR_CROPS", 10**6)


@pytest.fixture(params=[512, 64])
def tiles(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Few large canvases, or many small ones."""
    monkeypatch.setattr(layout, "_TILE", request.param)
    monkeypatch.setattr(layout, "_CANVAS", request.param**2)
    layout.plan.cache_clear()
    yield
    layout.plan.cache_clear()


@pytest.mark.usefixtures("no_shortcuts", "tiles")
@pytest.mark.parametrize("name", NAMES)
def test_without_shortcuts_in_scaling_it_finds_exactly_what_the_obvious_version_finds(
    name: str,
    pictures: dict[str, Image],
    expected: dict[str, list[Candidate]],
    detector: MtcnnDetector,
) -> None:
    found = sorted(detector.detect(pictures[name]), key=lambda face: -face.score)
    assert len(found) == len(expected[name]) > 0
    for face, truth in zip(found, expected[name], strict=True):
        box = face.box
        assert face.score == pytest.approx(truth.score, abs=1e-3)
        assert (box.x1, box.y1, box.x2, box.y2) == pytest.approx(edges_of(truth), abs=0.1)
        assert np.allclose(face.points, truth.points, atol=0.1)


@pytest.mark.parametrize("name", NAMES)
def test_the_shortcuts_move_boxes_and_points_by_a_few_percent(
    name: str,
    pictures: dict[str, Image],
    expected: dict[str, list[Candidate]],
    detector: MtcnnDetector,
) -> None:
    found = detector.detect(pictures[name])
    for truth in expected[name]:
        edges = edges_of(truth)
        face = max(found, key=lambda each: overlap_of(each.box, Box(*edges)))
        assert overlap_of(face.box, Box(*edges)) > 0.85
        assert np.abs(np.array(face.points) - truth.points).max() < 0.03 * face.box.height
    assert len(found) == len(expected[name])


def overlap_of(a: Box, b: Box) -> float:
    """Intersection over union."""
    width = max(0.0, min(a.x2, b.x2) - max(a.x1, b.x1))
    height = max(0.0, min(a.y2, b.y2) - max(a.y1, b.y1))
    return width * height / (a.area + b.area - width * height)


@pytest.mark.parametrize("runtime", ["openvino", "opencv"])
def test_every_runtime_finds_the_same(
    runtime: str, pictures: dict[str, Image], spec: DetectorSpec, detector: MtcnnDetector
) -> None:
    other = MtcnnDetector(spec, Loading(make_engine(runtime, EngineOptions(threads=1))))
    for one, same in zip(
        detector.detect(pictures["crowd"]), other.detect(pictures["crowd"]), strict=True
    ):
        assert np.allclose(one.points, same.points, atol=0.1)


@pytest.mark.usefixtures("tiles")
def test_helpers_change_nothing(
    pictures: dict[str, Image], spec: DetectorSpec, engine: Engine, detector: MtcnnDetector
) -> None:
    helped = MtcnnDetector(spec, Loading(engine, helpers=Helpers(2)))
    for image in pictures.values():
        for one, same in zip(helped.detect(image), detector.detect(image), strict=True):
            assert np.allclose(one.points, same.points, atol=0.1)


@pytest.mark.parametrize(("pixels", "shared"), [(0, True), (10**9, False)])
def test_a_picture_is_shared_out_from_so_many_pixels_on(
    pixels: int,
    shared: bool,
    pictures: dict[str, Image],
    spec: DetectorSpec,
    engine: Engine,
) -> None:
    counting = CountingEngine(engine)
    watched = MtcnnDetector(spec, Loading(counting, helpers=Helpers(1), shared_pixels=pixels))
    counting.calls.clear()
    watched.detect(pictures["obama.jpg"])
    calls = [shape[0] for name, shape in counting.calls if name == "det2"]
    assert (len(calls) > 1) == shared


def test_calls_from_several_threads_do_not_mix(
    pictures: dict[str, Image], spec: DetectorSpec, engine: Engine
) -> None:
    shared = MtcnnDetector(spec, Loading(engine))
    several = list(pictures.values()) * 2
    alone = [shared.detect(image) for image in several]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(shared.detect, several)) == alone


def candidates(counting: CountingEngine, network: str) -> int:
    """How many crops a network was given."""
    return sum(shape[0] for name, shape in counting.calls if name == network)


def test_a_picture_takes_few_calls_and_passes(
    pictures: dict[str, Image],
    spec: DetectorSpec,
    engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What a detection costs, in counts that do not depend on the machine."""
    counting = CountingEngine(engine)
    frugal = MtcnnDetector(spec, Loading(counting))
    counting.calls.clear()
    image = pictures["obama.jpg"]
    sources: list[int] = []
    scale = geometry.resize_into

    def counted(target: Image, source: Image) -> None:
        sources.append(source.size)
        scale(target, source)

    monkeypatch.setattr(pyramid, "resize_into", counted)
    frugal.detect(image)
    canvases = [shape for name, shape in counting.calls if name == "det1"]
    assert len(canvases) == 2
    assert sum(np.prod(shape) for shape in canvases) < 0.21 * image.size
    assert len(counting.calls) == 4
    judged = {net: candidates(counting, net) for net in ("det2", "det3")}
    assert judged == {"det2": 64, "det3": 4}
    assert sources.count(image.size) == 2  # the first two levels; all else is scaled from less


def test_a_picture_full_of_candidates_takes_bounded_work(
    spec: DetectorSpec, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("faceserver.vision.mtcnn.candidates.MOST", 50)
    counting = CountingEngine(engine)
    options = {"pnet_threshold": 0.0, "rnet_threshold": 0.99, "onet_threshold": 0.99}
    eager = MtcnnDetector(spec.model_copy(update={"options": options}), Loading(counting))
    counting.calls.clear()
    eager.detect(np.random.default_rng(1).integers(0, 256, (300, 300, 3), np.uint8))
    assert 16 <= candidates(counting, "det2") <= 64  # of 50, those that do not overlap


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
    patient = MtcnnDetector(spec.model_copy(update={"options": {"min_face": 600}}), Loading(engine))
    assert patient.detect(image) == []


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("min_face", 3),
        ("pnet_threshold", "much"),
        ("zoom", 2),
    ],
)
def test_an_option_that_does_not_fit_is_named(
    spec: DetectorSpec, engine: Engine, option: str, value: str | float
) -> None:
    with pytest.raises(ModelError, match=rf"options of mtcnn: {option}: .*there are: min_face"):
        MtcnnDetector(spec.model_copy(update={"options": {option: value}}), Loading(engine))


@pytest.mark.parametrize("shape", [(12, 12), (40, 12), (39, 500), (40, 40), (41, 333)])
def test_pictures_with_nothing_to_find(detector: MtcnnDetector, shape: tuple[int, int]) -> None:
    noise = np.random.default_rng(shape).integers(0, 256, (*shape, 3), np.uint8)
    assert detector.detect(noise) == []
    assert detector.detect(np.zeros((*shape, 3), np.uint8)) == []
