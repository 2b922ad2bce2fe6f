"""Which faces of a picture are used, where somebody judges each of them, and why others are not."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from faceserver.types import DecodedPicture, Detection
from faceserver.vision.analyzer import FoundFace
from faceserver.vision.attributes.base import Value


@dataclass(frozen=True, eq=False)
class Candidate:
    """A face that was found in a picture.

    Attributes:
        detection: where it is.
        attributes: what was asked for of it.
    """

    detection: Detection
    attributes: Mapping[str, Value]


Choose = Callable[[Sequence[Candidate]], Sequence[Sequence[str]]]
"""Tells of each face of a picture, largest first, why it is not used; nothing of those that are."""


@dataclass(frozen=True, eq=False)
class Candidates:
    """The faces of a picture, and what was decided.

    Attributes:
        width: of the upright picture, in pixels.
        height: likewise.
        faces: largest first.
        reasons: why each is not used; nothing of those that are.
    """

    width: int
    height: int
    faces: tuple[Candidate, ...]
    reasons: tuple[tuple[str, ...], ...]

    @property
    def chosen(self) -> list[int]:
        """The places of the faces that are used."""
        return [place for place, reasons in enumerate(self.reasons) if not reasons]


def judged(
    picture: DecodedPicture,
    found: Sequence[FoundFace],
    told: Sequence[Mapping[str, Value]],
    choose: Choose,
) -> Candidates:
    """Have somebody judge the faces of a picture.

    Args:
        picture: that they are in.
        found: the faces, largest first.
        told: what attributes tell of each.
        choose: judges.
    """
    faces = tuple(Candidate(face.detection, known) for face, known in zip(found, told, strict=True))
    reasons = tuple(tuple(why) for why in choose(faces))
    return Candidates(picture.width, picture.height, faces, reasons)
