"""The values that pass between the parts: frozen, and made of numbers, text and numpy alone."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
"""A picture: RGB, shape (height, width, 3), uint8, upright."""

Floats = NDArray[np.float32]
"""Any float32 array; the docstring at its use gives the shape."""

Point = tuple[float, float]
"""x and y in the picture's pixels."""


@dataclass(frozen=True)
class Box:
    """A rectangle in the picture's pixels; it may reach beyond the picture's edges."""

    x1: float
    y1: float
    x2: float
    y2: float

    @property
    def width(self) -> float:
        """Pixels from the left edge to the right."""
        return self.x2 - self.x1

    @property
    def height(self) -> float:
        """Pixels from the top edge to the bottom."""
        return self.y2 - self.y1

    @property
    def area(self) -> float:
        """Square pixels."""
        return self.width * self.height


@dataclass(frozen=True)
class Detection:
    """A face in a picture.

    Attributes:
        box: where it is.
        points: left eye, right eye, nose, left and right corner of the mouth, as seen by the
            viewer.
        score: how sure the detector is, 0 to 1.
    """

    box: Box
    points: tuple[Point, Point, Point, Point, Point]
    score: float


@dataclass(frozen=True, eq=False)
class NewFace:
    """A face on its way into the store.

    Attributes:
        embedding: float32, shape (dims,), unit length.
        detection: where in the picture it is.
        picture: the stored picture's file name.
        source: what the sender called the picture: a file name or a URL.
    """

    embedding: Floats
    detection: Detection
    picture: str
    source: str


@dataclass(frozen=True, eq=False)
class StoredFace:
    """A face in the store.

    Attributes:
        id: a uuid, as 32 hexadecimal digits.
        embedding: float32, shape (dims,), unit length.
        detection: where in the picture it is.
        picture: the stored picture's file name.
        source: what the sender called the picture: a file name or a URL.
        created: when it was stored, in UTC.
    """

    id: str
    embedding: Floats
    detection: Detection
    picture: str
    source: str
    created: datetime


@dataclass(frozen=True, eq=False)
class Match:
    """A stored face near a probe; distance is the squared L2 distance of the unit vectors (0-4)."""

    face: StoredFace
    distance: float
