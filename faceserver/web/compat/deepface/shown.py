"""From what the services know to DeepFace's names."""

from collections.abc import Mapping
from typing import Any

from faceserver.types import Box, Detection, Point
from faceserver.vision.attributes.base import Value

_DECIMALS = 2


def region(face: Detection) -> dict[str, Any]:
    """Where a face is; left and right are those of the person, as DeepFace has them."""
    right_eye, left_eye, nose, mouth_right, mouth_left = map(_point, face.points)
    return {
        **_rectangle(face.box),
        "left_eye": left_eye,
        "right_eye": right_eye,
        "nose": nose,
        "mouth_left": mouth_left,
        "mouth_right": mouth_right,
    }


def whole(width: int, height: int) -> dict[str, Any]:
    """The region of a picture that is taken for a face."""
    return {"x": 0, "y": 0, "w": width, "h": height, "left_eye": None, "right_eye": None}


def target(face: Detection | None) -> dict[str, int]:
    """Where a face was that was searched for."""
    box = face.box if face else Box(0, 0, 0, 0)
    return {f"target_{name}": value for name, value in _rectangle(box).items()}


def confidence(face: Detection) -> float:
    """How sure the detector is."""
    return round(face.score, _DECIMALS)


def analyzed(face: Detection, told: Mapping[str, Value]) -> dict[str, Any]:
    """What attributes tell of a face."""
    answer: dict[str, Any] = {"region": region(face), "face_confidence": confidence(face)}
    if "age" in told:
        answer["age"] = round(_number(told["age"], "value"))
    if "gender" in told:
        answer |= _gender(told["gender"])
    return answer


def _gender(told: Value) -> dict[str, Any]:
    likely = 100 * _number(told, "probability")
    is_man = told["value"] == "male"
    man = likely if is_man else 100 - likely
    return {
        "gender": {"Woman": round(100 - man, _DECIMALS), "Man": round(man, _DECIMALS)},
        "dominant_gender": "Man" if is_man else "Woman",
    }


def _number(told: Value, name: str) -> float:
    value = told[name]
    return float(value) if isinstance(value, int | float) else 0.0


def _rectangle(box: Box) -> dict[str, int]:
    return {
        "x": round(box.x1),
        "y": round(box.y1),
        "w": round(box.width),
        "h": round(box.height),
    }


def _point(point: Point) -> list[int]:
    return [round(point[0]), round(point[1])]
