"""The values that pass between the parts: frozen, and made of numbers, text and numpy alone."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from faceserver.conditions import Condition

Image = NDArray[np.uint8]
"""A picture: RGB, shape (height, width, 3), uint8, upright."""

Note = Literal["picture_incomplete", "further_pages_ignored", "picture_scaled_down"]
"""What is worth knowing of a picture that was taken: its last bytes are missing; the file holds
more pictures, which nobody looked at; it was looked at, and is kept, at half its size."""

Floats = NDArray[np.float32]
"""Any float32 array; the docstring at its use gives the shape."""

AttributeValue: TypeAlias = (
    "bool | int | float | str | Sequence[AttributeValue] | Mapping[str, AttributeValue] | None"
)
"""What JSON can hold."""

Point = tuple[float, float]
"""x and y in the picture's pixels."""


@dataclass(frozen=True, eq=False)
class DecodedPicture:
    """A picture as it came out of its file.

    Attributes:
        image: its pixels, read-only; half as wide and high as the picture if that is very large.
        width: of the upright picture as it was sent, in pixels.
        height: likewise.
        notes: what is worth knowing about it.
    """

    image: Image
    width: int
    height: int
    notes: tuple[Note, ...] = ()

    @property
    def scale(self) -> float:
        """Pixels of the picture as it was sent for each pixel of the image: 1.0 or about 2."""
        return self.width / int(self.image.shape[1])


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

    def overlap(self, other: "Box") -> float:
        """The area that two boxes share, of that which they cover together: 0 to 1."""
        width = min(self.x2, other.x2) - max(self.x1, other.x1)
        height = min(self.y2, other.y2) - max(self.y1, other.y1)
        shared = max(width, 0.0) * max(height, 0.0)
        return shared / (self.area + other.area - shared) if shared else 0.0


_USUAL_POINTS = ((0.31, 0.4), (0.69, 0.4), (0.5, 0.6), (0.34, 0.78), (0.66, 0.78))


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

    @classmethod
    def filling(cls, box: Box) -> "Detection":
        """An upright face that fills a box, with its points where most faces have them."""
        a, b, c, d, e = (
            (box.x1 + x * box.width, box.y1 + y * box.height) for x, y in _USUAL_POINTS
        )
        return cls(box, (a, b, c, d, e), 1.0)

    def moved(self, dx: float, dy: float) -> "Detection":
        """The same face where the picture's origin lies ``dx`` and ``dy`` pixels further back."""
        return self._mapped(lambda x, y: (x + dx, y + dy))

    def scaled(self, factor: float) -> "Detection":
        """The same face in a picture that is larger by a factor."""
        return self._mapped(lambda x, y: (x * factor, y * factor))

    def _mapped(self, where: Callable[[float, float], Point]) -> "Detection":
        box = Box(*where(self.box.x1, self.box.y1), *where(self.box.x2, self.box.y2))
        a, b, c, d, e = (where(x, y) for x, y in self.points)
        return Detection(box, (a, b, c, d, e), self.score)


NOWHERE = Detection(
    Box(0, 0, 0, 0), ((0.0, 0.0), (0.0, 0.0), (0.0, 0.0), (0.0, 0.0), (0.0, 0.0)), 0.0
)
"""Of a face whose place in a picture is not known, such as one that came as an embedding."""

FARTHEST = 1_000_000.0
"""No corner and no point of a face lies farther from the picture's origin, in pixels."""


def place_fault(place: Detection) -> str | None:
    """What is wrong with a face's place; None where it can be one, or is :data:`NOWHERE`.

    Comparisons are written so that NaN fails them.
    """
    box = place.box
    corners = (box.x1, box.y1, box.x2, box.y2)
    if not all(-FARTHEST <= number <= FARTHEST for number in corners):
        return "its box is no place in a picture"
    if not all(-FARTHEST <= number <= FARTHEST for point in place.points for number in point):
        return "its points are no places in a picture"
    if not 0 <= place.score <= 1:
        return "its score is not between 0 and 1"
    if not (box.x1 < box.x2 and box.y1 < box.y2) and place != NOWHERE:
        return "its box is empty"
    return None


NEVER = datetime.min.replace(tzinfo=UTC)
"""The time of a face that no store has taken yet."""


@dataclass(frozen=True, eq=False)
class Face:
    """A face of a collection, or on its way into one.

    Attributes:
        embedding: float32, shape (dims,), unit length.
        detection: where in the picture it is.
        picture: file name of the stored picture, None if it is not kept.
        source: what the sender called the picture: a file name or a URL.
        crop: file name of the stored aligned crop, None if it is not kept.
        subject: id of the person it shows, None if nobody said.
        tags: whatever the sender wants to filter by; of a stored face in alphabetical order, each
            once.
        external_id: what another system calls it.
        attributes: what else is known of it, by name; small values that JSON can hold.
        id: a uuid, as 32 hexadecimal digits; no two collections share one. The store makes it
            where it is empty.
        created: when it was stored, in UTC. The store fills it in where it is ``NEVER``.
    """

    embedding: Floats
    detection: Detection
    picture: str | None
    source: str
    crop: str | None = None
    subject: str | None = None
    tags: tuple[str, ...] = ()
    external_id: str | None = None
    attributes: Mapping[str, AttributeValue] = field(default_factory=dict)
    id: str = ""
    created: datetime = NEVER

    @property
    def quality(self) -> float | None:
        """The attribute of that name, 0 to 1; None if nobody judged it."""
        value = self.attributes.get("quality")
        return float(value) if isinstance(value, int | float) else None


@dataclass(frozen=True)
class Subject:
    """A person of a collection.

    Attributes:
        id: a uuid, as 32 hexadecimal digits.
        name: unique in its collection, without regard to case.
        tags: in alphabetical order, each once.
        metadata: whatever JSON holds; the store does not look into it.
        created: in UTC.
        faces: how many show this person.
        cover: id of the face that stands for the person, None if no face has a picture or a crop:
            the one that was chosen, else the best of the first of them.
        cover_chosen: whether somebody chose it.
        hidden: of no interest: found in searches, but in no list that does not ask for it.
    """

    id: str
    name: str
    tags: tuple[str, ...]
    metadata: Mapping[str, Any]
    created: datetime
    faces: int
    cover: str | None = None
    cover_chosen: bool = False
    hidden: bool = False


@dataclass(frozen=True)
class Filter:
    """Which faces of a collection are meant: those that fit all that is set.

    Attributes:
        subject: they show this person, by id.
        tags: they, or the people they show, have each of these.
        external_id: another system calls them so.
        picture: they are in this picture, by file name.
        named: True: somebody said whom they show; False: nobody did.
        without: they show none of these people, by id.
        where: what is told of them fits each of these.
    """

    subject: str | None = None
    tags: tuple[str, ...] = ()
    external_id: str | None = None
    picture: str | None = None
    named: bool | None = None
    without: tuple[str, ...] = ()
    where: tuple[Condition, ...] = ()


@dataclass(frozen=True, eq=False)
class Match:
    """A stored face near a probe.

    Attributes:
        face: the face.
        distance: squared L2 distance of the unit vectors, 0 to 4.
        name: of the person whom it shows, None if nobody said whom.
    """

    face: Face
    distance: float
    name: str | None = None


@dataclass(frozen=True, eq=False)
class SubjectMatch:
    """A person near a probe.

    Attributes:
        subject: id of the person, None if nobody said whom the face shows.
        best: the nearest face.
        faces: how many faces of this person lie under the threshold.
    """

    subject: str | None
    best: Match
    faces: int


@dataclass(frozen=True)
class Merge:
    """Two people made one.

    Attributes:
        id: to undo it by.
        into: id of the person who stays.
        subject: id of the person who went.
        name: of the person who went.
        faces: how many faces were moved.
        at: when, in UTC.
        until: it can be undone so long, in UTC.
    """

    id: str
    into: str
    subject: str
    name: str
    faces: int
    at: datetime
    until: datetime


@dataclass(frozen=True)
class MergeRecord:
    """A merge with all that undoing it needs, so that it can move to another gallery.

    Attributes:
        merge: what was merged, and when.
        gone: the person who went, as he or she was; ``faces`` is 0.
        faces: ids of the faces that were moved, in the order they were stored.
        exemplars: ids of what was remembered about the person who went, likewise.
    """

    merge: Merge
    gone: Subject
    faces: tuple[str, ...]
    exemplars: tuple[str, ...] = ()
