"""What an attribute offers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from faceserver.types import Detection, Image

Value = Mapping[str, float | str | bool | Sequence[float] | Sequence[Sequence[float]]]
"""What is told of one face: fields that JSON can hold."""


@dataclass(frozen=True, eq=False)
class Cut:
    """What an attribute needs to know of a face; small next to its picture.

    Attributes:
        detection: where it is.
        crop: uint8, shape (size, size, 3); None where the detection suffices.
        inside: share of the box that lies in the picture, 0 to 1.
    """

    detection: Detection
    crop: Image | None = None
    inside: float = 1.0


class Attribute(Protocol):
    """Tells something of faces. Safe to call from several threads at once.

    Attributes:
        name: by which it is asked for.
    """

    name: str

    def cut(self, image: Image, detection: Detection) -> Cut:
        """Take what is needed out of a picture, which need not be kept."""
        ...

    def tell(self, cuts: Sequence[Cut]) -> list[Value]:
        """What is told of each face, in order, as one batch."""
        ...
