"""Attributes: arithmetic number by number, and what they tell of real photographs."""

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from faceserver.app import make_analyzer, make_attributes
from faceserver.config import Settings, load_settings
from faceserver.engines import Engine, EngineOptions, make_engine
from faceserver.errors import ModelError, UnknownAttribute
from faceserver.models.spec import AttributeSpec
from faceserver.pictures import codec
from faceserver.types import Box, Detection, Image
from faceserver.vision.analyzer import Analyzer, FoundFace
from faceserver.vision.architectures import make_attribute
from faceserver.vision.attributes.base import Attribute, Value
from faceserver.vision.attributes.pool import AttributePool
from faceserver.vision.attributes.pose import HEAD, pose_of
from faceserver.vision.attributes.quality import share_inside, sharpness
from faceserver.vision.base import Loading
from faceserver.vision.geometry import blurred
from faceserver.vision.orientation import turned
from tests.support.fakes import detection
from tests.support.nets import dot_net
from tests.support.photographs import Photographs

RANDOM = np.random.default_rng(5)


@pytest.fixture(scope="module")
def engine() -> Engine:
    return make_engine("openvino", EngineOptions(threads=1))


@pytest.fixture(scope="module")
def settings() -> Settings:
    return load_settings()


@pytest.fixture(scope="module")
def analyzer(settings: Settings) -> Analyzer:
    return make_analyzer(settings)


def decoded(path: Path) -> Image:
    return codec.decode(path.read_bytes(), max_bytes=10**8, max_pixels=10**8).image


def told(analyzer: Analyzer, image: Image, *names: str) -> Mapping[str, Value]:
    """What attributes tell of a picture's largest face."""
    faces = analyzer.find(image, names)
    return analyzer.tell(faces)[0]


def number(value: Value, field: str) -> float:
    found = value[field]
    assert isinstance(found, float)
    return found


def made(architecture: str, onnx: Path, engine: Engine, **changed: object) -> Attribute:
    described: dict[str, object] = {
        "kind": "attribute",
        "name": architecture,
        "architecture": architecture,
        "source": "made by a test",
        "licence": "MIT",
        "input": {"normalization": {"kind": "fixed", "mean": 0, "scale": 1 / 255}},
        "crop": {"kind": "centred", "side": 1.5, "size": 24},
        "networks": {"net": {"onnx": onnx}},
    }
    spec = AttributeSpec.model_validate({**described, **changed})
    return make_attribute(spec, Loading(engine))


def constant_net(path: Path, answers: list[float]) -> Path:
    """It says the same of every crop."""
    return dot_net(path, np.zeros((len(answers), 3, 24, 24)), np.array(answers))


def seen(pitch: float, roll: float, yaw: float) -> list[tuple[float, float]]:
    """The five points of the mean head, turned so, as a viewer sees them."""
    a, b, c = math.radians(-pitch), math.radians(roll), math.radians(-yaw)
    nod = [[1, 0, 0], [0, math.cos(a), -math.sin(a)], [0, math.sin(a), math.cos(a)]]
    tilt = [[math.cos(b), -math.sin(b), 0], [math.sin(b), math.cos(b), 0], [0, 0, 1]]
    turn = [[math.cos(c), 0, math.sin(c)], [0, 1, 0], [-math.sin(c), 0, math.cos(c)]]
    points = HEAD @ (np.array(tilt) @ nod @ turn).T
    return [(3 * x + 100, 3 * y + 50) for x, y in points[:, :2].tolist()]


@pytest.mark.parametrize(
    "angles", [(0, 0, 0), (10, 20, 30), (-25, -40, 55), (30, 100, -10), (0, 180, 45)]
)
def test_a_turned_head_has_the_pose_that_it_was_turned_to(
    angles: tuple[float, float, float],
) -> None:
    pose = pose_of(seen(*angles))
    difference = np.subtract((pose.pitch, pose.roll, pose.yaw), angles)
    assert np.abs((difference + 180) % 360 - 180).max() < 1e-6


def test_signs_are_those_that_a_viewer_sees() -> None:
    """The nose goes where the face turns: to the right, up; a clockwise tilt lowers the right."""
    frontal = np.array(seen(0, 0, 0))
    assert np.array(seen(0, 0, 20))[2, 0] > frontal[2, 0]
    assert np.array(seen(20, 0, 0))[2, 1] < frontal[2, 1]
    tilted = np.array(seen(0, 20, 0))
    assert tilted[1, 1] > tilted[0, 1]


def test_a_mirrored_photograph_has_the_mirrored_pose(
    analyzer: Analyzer, photographs: Photographs
) -> None:
    image = decoded(photographs["obama2.jpg"])
    pose = told(analyzer, image, "pose")["pose"]
    other = told(analyzer, np.ascontiguousarray(image[:, ::-1]), "pose")["pose"]
    assert number(pose, "yaw") < -8
    assert abs(number(pose, "yaw") + number(other, "yaw")) < 5
    assert abs(number(pose, "roll") + number(other, "roll")) < 3
    assert abs(number(pose, "pitch") - number(other, "pitch")) < 5


def test_landmarks_are_the_detections_points(analyzer: Analyzer, photographs: Photographs) -> None:
    image = decoded(photographs["biden.jpg"])
    (face,) = analyzer.find(image, ["landmarks"])
    points = analyzer.tell([face])[0]["landmarks"]
    assert list(points) == ["left_eye", "right_eye", "nose", "left_mouth", "right_mouth"]
    assert np.allclose(list(points.values()), face.detection.points, atol=0.01)


def test_age_and_gender_of_people_whose_age_is_known(
    analyzer: Analyzer, photographs: Photographs
) -> None:
    for name, gender, age in (
        ("obama.jpg", "male", 47),
        ("obama2.jpg", "male", 51),
        ("biden.jpg", "male", 70),
        ("astronaut.png", "female", 42),
    ):
        found = told(analyzer, decoded(photographs[name]), "age", "gender")
        assert found["gender"]["value"] == gender
        assert number(found["gender"], "probability") > 0.9
        assert abs(number(found["age"], "value") - age) < 10
        assert number(found["age"], "low") <= number(found["age"], "high")


def test_quality_falls_with_blur_and_names_it(analyzer: Analyzer, photographs: Photographs) -> None:
    image = decoded(photographs["obama.jpg"])
    good = told(analyzer, image, "quality")["quality"]
    small = codec.encode_jpeg(np.ascontiguousarray(image[::8, ::8]))
    few = codec.decode(small, max_bytes=10**8, max_pixels=10**8).image
    coarse = few.repeat(8, axis=0).repeat(8, axis=1)
    bad = told(analyzer, coarse, "quality")["quality"]
    assert number(good, "value") > 0.9
    assert number(bad, "value") < number(good, "value") - 0.2
    dark = told(analyzer, image // 4, "quality")["quality"]
    assert number(dark, "brightness") < 0.5 * number(good, "brightness")


def test_a_face_at_the_border_is_said_to_be_cut_off(
    analyzer: Analyzer, photographs: Photographs
) -> None:
    image = decoded(photographs["obama_partial_face.jpg"])
    whole = decoded(photographs["obama.jpg"])
    partial = told(analyzer, image, "quality")["quality"]
    assert number(partial, "occlusion") > 0.15
    assert number(told(analyzer, whole, "quality")["quality"], "occlusion") < 0.1
    assert number(partial, "value") < 0.8


def test_sharpness_tells_fine_from_coarse() -> None:
    noise = RANDOM.normal(128, 30, (112, 112)).astype(np.float32)
    assert sharpness(noise) > 0.9
    assert sharpness(blurred(noise, 3)) < 0.3
    assert sharpness(np.full((112, 112), 9, np.float32)) == 0


def test_the_share_of_a_box_inside() -> None:
    assert share_inside(Box(-10, 0, 10, 20), 100, 100) == 0.5
    assert share_inside(Box(10, 10, 20, 20), 100, 100) == 1
    assert share_inside(Box(-30, 10, -10, 20), 100, 100) == 0


def test_106_points_lie_in_the_picture(tmp_path: Path, engine: Engine) -> None:
    places = RANDOM.uniform(-1, 1, (106, 2))
    onnx = constant_net(tmp_path / "net.onnx", places.ravel().tolist())
    points = made("landmarks106", onnx, engine)
    box = Box(30, 40, 50, 90)
    face = Detection(box, detection(30, 40, 20).points, 0.9)
    (value,) = points.tell([points.cut(np.zeros((200, 200, 3), np.uint8), face)])
    side = 1.5 * 50
    expected = np.array([40, 65]) + places * side / 2
    assert np.abs(np.array(value["points"]) - expected).max() < 0.006


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_106_points_of_a_turned_face_are_turned(tmp_path: Path, engine: Engine, turns: int) -> None:
    places = RANDOM.uniform(-1, 1, (106, 2))
    points = made(
        "landmarks106", constant_net(tmp_path / "n.onnx", places.ravel().tolist()), engine
    )
    face = detection(30, 40, 20)
    lying = turned(face, turns, 160, 200)
    upright, found = points.tell(
        [
            points.cut(np.zeros((200, 160, 3), np.uint8), face),
            points.cut(np.rot90(np.zeros((200, 160, 3), np.uint8), turns), lying),
        ]
    )
    x, y = np.array(upright["points"]).T
    expected = {1: (y, 160 - x), 2: (160 - x, 200 - y), 3: (200 - y, x)}[turns]
    assert np.abs(np.array(found["points"]) - np.stack(expected, axis=1)).max() < 0.02


def test_points_are_those_of_the_picture_as_it_was_sent() -> None:
    face = detection(20, 30, 40)
    pool = AttributePool()
    image = np.zeros((100, 100, 3), np.uint8)
    found = FoundFace(face, image, pool.cut(image, face, ["landmarks"])).scaled(2)
    (told_of_it,) = pool.tell([found.cuts])
    x, y = face.points[0]
    assert told_of_it["landmarks"]["left_eye"] == [round(2 * x, 2), round(2 * y, 2)]


def test_a_centred_crop_shows_the_square_around_the_box(tmp_path: Path, engine: Engine) -> None:
    onnx = constant_net(tmp_path / "net.onnx", [0.0] * 212)
    image = np.zeros((100, 100, 3), np.uint8)
    image[38:62, 38:62] = 200  # exactly the square: 1.5 times 16 around (50, 50)
    face = Detection(Box(42, 42, 58, 58), detection(42, 42, 16).points, 0.9)
    crop = made("landmarks106", onnx, engine).cut(image, face).crop
    assert crop is not None
    assert crop.shape == (24, 24, 3)
    assert crop.min() == 200


@pytest.mark.parametrize(
    ("answers", "ends", "expected"),
    [
        ([0.25, 0.75], "probabilities", ("without", 0.75)),
        ([2.0, 0.0], "softmax", ("with", 1 / (1 + math.exp(-2)))),
        ([0.8], "probabilities", ("without", 0.8)),
        ([-1.0], "sigmoid", ("with", 1 - 1 / (1 + math.exp(1)))),
    ],
)
def test_mask_and_liveness_are_classes(
    tmp_path: Path,
    engine: Engine,
    answers: list[float],
    ends: str,
    expected: tuple[str, float],
) -> None:
    onnx = constant_net(tmp_path / "net.onnx", answers)
    label, probability = expected
    mask = made("classes", onnx, engine, labels=["with", "without"], options={"ends": ends})
    image = np.zeros((100, 100, 3), np.uint8)
    cuts = [mask.cut(image, detection(20, 20, 40))] * 3
    for value in mask.tell(cuts):
        assert value["value"] == label
        assert abs(number(value, "probability") - probability) < 1e-3
    assert mask.tell([]) == []


def test_what_the_network_sees_decides(tmp_path: Path, engine: Engine) -> None:
    weights = np.zeros((2, 3, 24, 24))
    weights[0, 0] = weights[1, 2] = 1 / 24**2  # red speaks for the first, blue for the second
    onnx = dot_net(tmp_path / "net.onnx", weights)
    image = np.zeros((100, 200, 3), np.uint8)
    image[:, :100, 0] = image[:, 100:, 2] = 255
    faces = [detection(30, 30, 20), detection(130, 30, 20)]
    for channels, expected in (("rgb", ["red", "blue"]), ("bgr", ["blue", "red"])):
        given = {
            "channels": channels,
            "normalization": {"kind": "fixed", "mean": 0, "scale": 1 / 255},
        }
        colour = made("classes", onnx, engine, labels=["red", "blue"], input=given)
        values = colour.tell([colour.cut(image, face) for face in faces])
        assert [value["value"] for value in values] == expected
        assert all(abs(number(value, "probability") - 1) < 1e-3 for value in values)


def test_an_expectation_is_the_mean_by_probability(tmp_path: Path, engine: Engine) -> None:
    onnx = constant_net(tmp_path / "net.onnx", [0.05, 0.15, 0.6, 0.15, 0.05])
    age = made("expectation", onnx, engine, values=[10, 20, 30, 40, 80])
    (value,) = age.tell([age.cut(np.zeros((90, 90, 3), np.uint8), detection(20, 20, 40))])
    assert value == {"value": 31.5, "low": 20.0, "high": 40.0}


def test_insightfaces_gender_and_age(tmp_path: Path, engine: Engine) -> None:
    onnx = constant_net(tmp_path / "net.onnx", [-0.5, 1.5, 0.372])
    both = made("genderage", onnx, engine)
    (value,) = both.tell([both.cut(np.zeros((90, 90, 3), np.uint8), detection(20, 20, 40))])
    assert value == {"gender": "male", "age": 37.2}


@pytest.mark.parametrize(
    ("architecture", "changed", "says"),
    [
        ("classes", {"labels": ["a", "b", "c"]}, "3 labels, its network 2 outputs"),
        ("expectation", {"values": [1, 2, 3]}, "3 values, its network 2 outputs"),
        ("landmarks106", {}, "gives 2 numbers, not 212"),
        ("genderage", {}, "gives 2 numbers, not 3"),
    ],
)
def test_a_network_that_does_not_fit_is_said(
    tmp_path: Path, engine: Engine, architecture: str, changed: dict[str, object], says: str
) -> None:
    onnx = constant_net(tmp_path / "net.onnx", [0.5, 0.5])
    attribute = made(architecture, onnx, engine, **changed)
    cut = attribute.cut(np.zeros((90, 90, 3), np.uint8), detection(20, 20, 40))
    with pytest.raises(ModelError, match=says):
        attribute.tell([cut])


def test_the_pool_knows_what_is_built_and_other_names_for_it(settings: Settings) -> None:
    pool = make_attributes(settings)
    assert {"age", "gender", "landmarks", "pose", "quality", "sharpness"} <= set(pool.names())
    assert pool.wanted(["rude_carnie.age", "pose", "age"]) == ("age", "pose")
    with pytest.raises(UnknownAttribute, match="there is no attribute 'mask'; there are: age, "):
        pool.wanted(["mask"])


@pytest.mark.parametrize("runtime", ["opencv", "openvino"])
def test_every_attribute_works_whatever_the_engine_is(
    runtime: str, analyzer: Analyzer, photographs: Photographs
) -> None:
    pool = make_attributes(load_settings(engine=runtime))
    image = decoded(photographs["obama.jpg"])
    (face,) = analyzer.find(image)
    (told_,) = pool.tell([pool.cut(image, face.detection, pool.names())])
    assert told_["gender"]["value"] == "male"
    assert number(told_["quality"], "value") > 0.9
    assert set(told_) == set(pool.names())


def test_nothing_is_loaded_until_it_is_asked_for_and_then_once() -> None:
    loaded: list[str] = []

    def load(spec: AttributeSpec) -> Attribute:
        loaded.append(spec.name)
        raise ModelError("broken")

    pool = AttributePool(load=load)
    assert loaded == []
    image, face = np.zeros((9, 9, 3), np.uint8), detection(0, 0, 9)
    for _ in range(2):  # the next one who asks tries anew
        with pytest.raises(ModelError, match="broken"):
            pool.cut(image, face, ["pose"])
    assert loaded == ["pose", "pose"]


def test_one_batch_for_the_faces_of_several_pictures(tmp_path: Path, engine: Engine) -> None:
    onnx = constant_net(tmp_path / "net.onnx", [0.5, 0.5])
    attribute = made("classes", onnx, engine, labels=["a", "b"])
    asked: list[int] = []

    class Counting:
        name = "classes"
        cut = staticmethod(attribute.cut)

        def tell(self, cuts: list[object]) -> list[Value]:
            asked.append(len(cuts))
            return [{} for _ in cuts]

    pool = AttributePool(load=lambda _: Counting())  # type: ignore[arg-type, return-value]
    image = np.zeros((90, 90, 3), np.uint8)
    cuts = [pool.cut(image, detection(10, 10, 20), ["pose"]) for _ in range(5)]
    assert pool.tell(cuts) == [{"pose": {}}] * 5
    assert asked == [5]
