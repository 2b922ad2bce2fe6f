"""From what the services know to the shapes of Rekognition's service model.

What is not known is left out: the clients hand nulls on as they are.
"""

import re
from collections.abc import Iterable, Sequence
from uuid import UUID, uuid5

from faceserver.services.choosing import Candidate
from faceserver.types import NOWHERE, Box, Face, Subject
from faceserver.types import Detection as Found
from faceserver.vision.attributes.base import Value

Shape = dict[str, object]
Size = tuple[int, int]
"""Width and height of a picture in pixels."""

_DECIMALS = 4
_RATIO_DECIMALS = 6
_PICTURES = UUID("0d1f3a42-5f0e-4c57-9c0e-6f7a6c1c1b2e")
"""The namespace of the ids of pictures that are not kept."""

_LANDMARKS = ("eyeLeft", "eyeRight", "nose", "mouthLeft", "mouthRight")
_ALL = frozenset({"ALL"})


def arn(collection: str) -> str:
    """What Amazon would call a collection, of no region and no account."""
    return f"aws:rekognition:local:000000000000:collection/{collection}"


def model_version(model: str) -> str:
    """The numbers in a model's name: a version has digits and dots alone."""
    return ".".join(re.findall(r"[0-9]+", model)) or "1.0"


def face(stored: Face, model: str, user: str | None, size: Size | None) -> Shape:
    """A stored face.

    Args:
        stored: the face.
        model: of its collection.
        user: whom it shows.
        size: of its picture, None if that is not known.
    """
    shape: Shape = {
        "FaceId": str(UUID(stored.id)),
        "ImageId": image_id(stored),
        "IndexFacesModelVersion": model_version(model),
    }
    if stored.detection != NOWHERE:
        shape["Confidence"] = confidence(stored.detection)
        if size is not None:
            shape["BoundingBox"] = bounding_box(stored.detection.box, size)
    if stored.external_id is not None:
        shape["ExternalImageId"] = stored.external_id
    if user is not None:
        shape["UserId"] = user
    return shape


def image_id(stored: Face) -> str:
    """The same for all faces that came with a picture."""
    name = (stored.picture or "").removesuffix(".jpg")
    try:
        return str(UUID(name[:32]))
    except ValueError:
        return str(uuid5(_PICTURES, f"{stored.created.isoformat()}\0{stored.source}"))


def compared(found: Candidate, size: Size) -> Shape:
    """A face of a picture, without what nobody asked for."""
    shape: Shape = {
        "BoundingBox": bounding_box(found.detection.box, size),
        "Confidence": confidence(found.detection),
        "Landmarks": _landmarks(found.detection, size),
    }
    shape.update(_pose(found.attributes.get("pose")))
    shape.update(_quality(found.attributes.get("quality")))
    return shape


def detail(found: Candidate, size: Size, attributes: Iterable[str] = ()) -> Shape:
    """A face of a picture, with those of the attributes that are computed here."""
    wanted, shape = set(attributes), compared(found, size)
    if not wanted.isdisjoint(_ALL | {"AGE_RANGE"}):
        shape.update(_age(found.attributes.get("age")))
    if not wanted.isdisjoint(_ALL | {"GENDER"}):
        shape.update(_gender(found.attributes.get("gender")))
    return shape


def attribute_names(asked: Iterable[str], known: Sequence[str]) -> list[str]:
    """Our names of the attributes that faces are described with, as far as there are models."""
    wanted, names = set(asked), {"pose", "quality"}
    if not wanted.isdisjoint(_ALL | {"AGE_RANGE"}):
        names.add("age")
    if not wanted.isdisjoint(_ALL | {"GENDER"}):
        names.add("gender")
    return sorted(names.intersection(known))


def user(subject: Subject) -> Shape:
    """A person."""
    return {"UserId": subject.name, "UserStatus": status(subject.faces)}


def refusal(face_id: str, reason: str, user: str | None = None, **beside: object) -> Shape:
    """A face of a list with which nothing was done."""
    shape: Shape = {"FaceId": face_id, "Reasons": [reason], **beside}
    return shape if user is None else {**shape, "UserId": user}


def with_token(shape: Shape, cursor: str | None) -> Shape:
    """A page of a list, with what the next one is asked for by; the last page has nothing."""
    return shape if cursor is None else {**shape, "NextToken": cursor}


def status(faces: int) -> str:
    """What a user with so many faces is: who has none cannot be found."""
    return "ACTIVE" if faces else "CREATED"


def bounding_box(box: Box, size: Size) -> Shape:
    """A box in shares of its picture's sides; it may reach beyond the picture's edges."""
    width, height = size
    return {
        "Left": _ratio(box.x1, width),
        "Top": _ratio(box.y1, height),
        "Width": _ratio(box.width, width),
        "Height": _ratio(box.height, height),
    }


def confidence(found: Found) -> float:
    """How sure the detector is, 0 to 100."""
    return round(100 * found.score, _DECIMALS)


def _landmarks(found: Found, size: Size) -> list[Shape]:
    return [
        {"Type": name, "X": _ratio(x, size[0]), "Y": _ratio(y, size[1])}
        for name, (x, y) in zip(_LANDMARKS, found.points, strict=True)
    ]


def _pose(told: Value | None) -> Shape:
    if told is None:
        return {}
    return {"Pose": {"Roll": told["roll"], "Yaw": told["yaw"], "Pitch": told["pitch"]}}


def _quality(told: Value | None) -> Shape:
    if told is None:
        return {}
    fields = {"Brightness": told.get("brightness"), "Sharpness": told.get("sharpness")}
    known = {name: _percent(value) for name, value in fields.items() if value is not None}
    return {"Quality": known}


def _age(told: Value | None) -> Shape:
    """Between which years; a model that tells one number alone gives it as both."""
    if told is None:
        return {}
    low, high = (_years(told, name) for name in ("low", "high"))
    if low is None or high is None:
        return {}
    return {"AgeRange": {"Low": low, "High": high}}


def _years(told: Value, name: str) -> int | None:
    value = told.get(name, told.get("value", told.get("age")))
    return round(value) if isinstance(value, int | float) else None


def _gender(told: Value | None) -> Shape:
    label = str((told or {}).get("value", (told or {}).get("gender", ""))).capitalize()
    if told is None or label not in {"Male", "Female"}:
        return {}
    probability = told.get("probability", 1.0)
    return {"Gender": {"Value": label, "Confidence": _percent(probability)}}


def _percent(value: object) -> float:
    return round(100 * float(value), _DECIMALS) if isinstance(value, int | float) else 0.0


def _ratio(value: float, whole: int) -> float:
    return round(value / whole, _RATIO_DECIMALS)
