"""Which faces are good enough to be registered, and which examples of a person are the best."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from faceserver.errors import LowQuality
from faceserver.store.base import Collection
from faceserver.types import NOWHERE, Detection, Face, Filter
from faceserver.vision.analyzer import FoundFace
from faceserver.vision.attributes.base import Value
from faceserver.vision.attributes.pose import pose_of

_MOST_COMPARED = 10_000
"""So many faces of a person are compared with each other."""

_FULL_SIZE = 112.0
"""Pixels from which a face is large enough for any model."""

_MIDDLING = 0.5
"""Sharpness of a face of which nobody has measured it."""


@dataclass(frozen=True)
class Requirements:
    """What a face must have to be registered; None asks for nothing.

    Attributes:
        size: shorter side of its box, in pixels.
        sharpness: 0 to 1; see :mod:`faceserver.vision.attributes.sharpness`.
        angle: most degrees that the head is turned aside, up or down.
        quality: 0 to 1; the attribute ``quality``.
    """

    size: float | None = None
    sharpness: float | None = None
    angle: float | None = None
    quality: float | None = None

    def attributes(self) -> tuple[str, ...]:
        """What must be told of faces to judge them."""
        wanted = {"sharpness": self.sharpness, "quality": self.quality}
        return tuple(name for name, least in wanted.items() if least is not None)


ANYTHING = Requirements()

NOT_AMONG_BEST = "other faces of the person are better"


@dataclass(frozen=True)
class LeftOut:
    """A face of a picture that was not registered.

    Attributes:
        detection: where in the picture it is.
        code: ``small``, ``blurred``, ``turned`` or ``low_quality``; or ``not_among_best``.
        reason: the same in words, with the figures.
    """

    detection: Detection
    code: str
    reason: str


def sorted_out(
    faces: Sequence[FoundFace], told: Sequence[Mapping[str, Value]], needed: Requirements
) -> tuple[list[int], tuple[LeftOut, ...]]:
    """Judge the faces of a picture.

    Args:
        faces: at least one.
        told: of each face what :meth:`Requirements.attributes` asks for.
        needed: what a face must have.

    Returns:
        The places of those that are good enough, and the others with the reasons.

    Raises:
        LowQuality: none is good enough.
    """
    left_out: list[LeftOut] = []
    good: list[int] = []
    for place, (face, known) in enumerate(zip(faces, told, strict=True)):
        fault = _fault(face.detection, known, needed)
        if fault is None:
            good.append(place)
        else:
            left_out.append(LeftOut(face.detection, *fault))
    if not good:
        reasons = "; ".join(dict.fromkeys(fault.reason for fault in left_out))
        raise LowQuality(f"no face in the picture is good enough: {reasons}")
    return good, tuple(left_out)


def keep_best(collection: Collection, subject: str, count: int) -> set[str]:
    """Delete the worst faces of a person, so that as many are left as are wanted.

    Faces are ranked by their attribute ``quality``; where it was not measured, by sharpness, size
    and how frontal they are. Faces that came as embeddings are neither counted nor deleted.

    Args:
        collection: of the person.
        subject: the person's id.
        count: so many are kept.

    Returns:
        The ids of the faces that were deleted.
    """
    held = collection.faces(limit=_MOST_COMPARED, only=Filter(subject=subject)).items
    placed = [face for face in held if face.detection != NOWHERE]
    worst = sorted(placed, key=_rank, reverse=True)[count:]  # of equal ones the earlier stays
    gone = {face.id for face in worst}
    if gone:
        collection.delete(sorted(gone))
    return gone


def _fault(
    place: Detection, told: Mapping[str, Value], needed: Requirements
) -> tuple[str, str] | None:
    """Why a face is not good enough, as code and reason."""
    size = _size(place)
    if needed.size is not None and size < needed.size:
        return "small", f"a face is {size:.0f} pixels large, less than {needed.size:g}"
    angle = _angle(place)
    if needed.angle is not None and angle > needed.angle:
        return "turned", f"a face is turned by {angle:.0f} degrees, more than {needed.angle:g}"
    for name, code, least in (
        ("sharpness", "blurred", needed.sharpness),
        ("quality", "low_quality", needed.quality),
    ):
        if least is not None:
            value = _value(told, name)
            if value < least:
                return code, f"a face has a {name} of {value:g}, less than {least:g}"
    return None


def _rank(face: Face) -> float:
    if face.quality is not None:
        return face.quality
    measured = face.attributes.get("sharpness")
    sharpness = measured if isinstance(measured, int | float) else _MIDDLING
    size = min(_size(face.detection) / _FULL_SIZE, 1.0)
    return float(sharpness * size * pose_of(face.detection.points).frontality)


def _size(place: Detection) -> float:
    return min(place.box.width, place.box.height)


def _angle(place: Detection) -> float:
    pose = pose_of(place.points)
    return max(abs(pose.yaw), abs(pose.pitch))


def _value(told: Mapping[str, Value], name: str) -> float:
    value = told[name]["value"]
    return float(value) if isinstance(value, int | float) else 0.0
