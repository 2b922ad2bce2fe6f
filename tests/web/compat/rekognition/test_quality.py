import pytest

from faceserver.services.choosing import Candidate
from faceserver.vision.attributes.base import Value
from faceserver.web.compat.rekognition.quality import Best, Largest
from tests.support.fakes import detection

GOOD = {
    "pose": {"yaw": 5.0, "pitch": -5.0, "roll": 40.0},
    "quality": {"value": 0.9, "brightness": 0.5, "sharpness": 0.6},
}


def face(side: float = 100, **changed: Value) -> Candidate:
    attributes = {name: {**GOOD[name], **changed.get(name, {})} for name in GOOD}
    return Candidate(detection(0, 0, side), attributes)


@pytest.mark.parametrize(
    ("poor", "reason"),
    [
        (face(12), "SMALL_BOUNDING_BOX"),
        (face(pose={"yaw": -80.0}), "EXTREME_POSE"),
        (face(pose={"pitch": 75.0}), "EXTREME_POSE"),
        (face(quality={"brightness": 0.02}), "LOW_BRIGHTNESS"),
        (face(quality={"sharpness": 0.01}), "LOW_SHARPNESS"),
        (face(quality={"value": 0.01}), "LOW_FACE_QUALITY"),
    ],
)
def test_each_fault_has_its_reason(poor: Candidate, reason: str) -> None:
    assert Best("AUTO")([face(), poor]) == [[], [reason]]
    assert Best("NONE")([poor]) == [[]]


def test_who_is_not_surely_a_face_is_left_out() -> None:
    sure = face()
    unsure = Candidate(type(sure.detection)(sure.detection.box, sure.detection.points, 0.4), GOOD)
    assert Best("LOW")([unsure]) == [["LOW_CONFIDENCE"]]


def test_higher_bars_take_less() -> None:
    middling = face(quality={"value": 0.3})
    reasons = [Best(bar)([middling])[0] for bar in ("NONE", "AUTO", "LOW", "MEDIUM", "HIGH")]
    assert reasons == [[], [], [], [], ["LOW_FACE_QUALITY"]]


def test_what_is_not_known_is_not_held_against_a_face() -> None:
    assert Best("HIGH")([Candidate(detection(0, 0, 100), {})]) == [[]]


def test_of_too_many_faces_the_poor_ones_go_first_then_the_smallest() -> None:
    blurred, middle, small = face(200, quality={"sharpness": 0.0}), face(100), face(50)
    assert Best("NONE", 2)([blurred, middle, small]) == [["EXCEEDS_MAX_FACES"], [], []]
    assert Best("NONE", 1)([middle, small]) == [[], ["EXCEEDS_MAX_FACES"]]


def test_there_are_never_more_than_a_hundred() -> None:
    assert Best("NONE", 4096)([face()] * 101)[100:] == [["EXCEEDS_MAX_FACES"]]


def test_the_largest_of_the_good_ones_is_searched_for() -> None:
    dark = face(200, quality={"brightness": 0.0})
    assert Largest("AUTO")([dark, face(100), face(50)]) == [
        ["LOW_BRIGHTNESS"],
        [],
        ["FACE_NOT_LARGEST"],
    ]
