"""Pictures that are to be registered, and what becomes of each."""

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Self

from faceserver.errors import InputError
from faceserver.services.context import ALL_FACES, Choice
from faceserver.services.gating import ANYTHING, NOT_AMONG_BEST, LeftOut, Requirements
from faceserver.types import Face, Note
from faceserver.vision.analyzer import FoundFace
from faceserver.vision.attributes.base import Value


@dataclass(frozen=True)
class NewPicture:
    """A picture that is to be registered.

    Attributes:
        source: what it is called.
        load: returns its bytes; raises InputError.
        person: name of whom its largest face shows, None if nobody said.
        subject: id of the person whom all of its faces show; the person must be there.
        tags: of its faces.
        external_id: likewise.
        choice: which of its faces are meant.
        attributes: what is to be known of its faces beside: names of attributes.
        needed: what its faces must have.
        by_name: it is the same picture if it has the same name, whatever its bytes.
        face_id: id of its first face, as another gallery had it; empty for one of our own.
    """

    source: str
    load: Callable[[], bytes]
    person: str | None = None
    tags: tuple[str, ...] = ()
    external_id: str | None = None
    by_name: bool = False
    subject: str | None = None
    choice: Choice = ALL_FACES
    attributes: tuple[str, ...] = ()
    face_id: str = ""
    needed: Requirements = ANYTHING

    @classmethod
    def of_bytes(cls, source: str, data: bytes) -> Self:
        """A picture that is at hand."""
        return cls(source, lambda: data)


@dataclass(frozen=True)
class Rules:
    """How pictures are registered.

    Attributes:
        largest: of a picture with a person's name the largest face is that person; otherwise one
            with several faces is refused, for nobody said which of them it is.
        update: where another person or other tags are said of a picture that is in, these count;
            otherwise what is stored stays, and the difference is told.
        complete: a picture that is in is read all the same: its size is told, and those of its
            faces that are missing are stored. Otherwise it is passed over.
        at_once: so many pictures are loaded and searched for faces at the same time.
        batch: so many are stored as one; 0 takes what fits the number above.
        whole: a picture that cannot be used refuses all of its batch; one without a face does not.
    """

    largest: bool = False
    update: bool = False
    complete: bool = False
    at_once: int = 1
    batch: int = 0
    whole: bool = False


@dataclass(frozen=True)
class Registered:
    """A picture whose faces are stored.

    Attributes:
        name: what the sender called it.
        picture: the stored picture's file name, None if originals are not kept.
        width: of the upright picture, in pixels.
        height: likewise.
        faces: at least one, largest first.
        notes: what is worth knowing about the picture.
        is_new: it was not in before.
        left_out: its faces that were not good enough.
        deleted: ids of faces that were deleted because others of their person are better.
    """

    name: str
    picture: str | None
    width: int
    height: int
    faces: tuple[Face, ...]
    notes: tuple[Note, ...] = ()
    is_new: bool = True
    left_out: tuple[LeftOut, ...] = ()
    deleted: tuple[str, ...] = ()

    def without(self, gone: AbstractSet[str]) -> "Registered":
        """The same where these faces were deleted: its own among them are left out."""
        own = [face for face in self.faces if face.id in gone]
        worse = tuple(LeftOut(face.detection, "not_among_best", NOT_AMONG_BEST) for face in own)
        return replace(
            self,
            faces=tuple(face for face in self.faces if face.id not in gone),
            left_out=self.left_out + worse,
            deleted=tuple(sorted(gone - {face.id for face in own})),
        )


@dataclass(frozen=True)
class Refused:
    """A picture of which nothing is stored, and why."""

    name: str
    error: InputError


@dataclass(frozen=True)
class Present:
    """A picture that was in already.

    Attributes:
        name: what it is called.
        known: its faces as they are stored now; None where it was passed over unread.
    """

    name: str
    known: Registered | None = None


@dataclass(frozen=True)
class Changed:
    """A picture that was in already, of which something is new now.

    Attributes:
        name: what it is called.
        change: what is new, for people.
        known: see :class:`Present`.
    """

    name: str
    change: str
    known: Registered | None = None


@dataclass(frozen=True)
class Differs:
    """A picture that was in already, of which something else is said; what was stored stays.

    Attributes:
        name: what it is called.
        reason: what differs, for people.
        known: see :class:`Present`.
    """

    name: str
    reason: str
    known: Registered | None = None


Outcome = Registered | Refused | Present | Changed | Differs


@dataclass(frozen=True, eq=False)
class Examined:
    """A picture whose faces are found, not yet embedded.

    Attributes:
        item: what is said of it, as it can be stored.
        picture: the stored picture's file name, None if originals are not kept.
        width: of the upright picture, in pixels.
        height: likewise.
        faces: at least one, largest first.
        crops: the stored crop of each face, None if crops are not kept.
        ids: those that each face may have; new faces get the first.
        notes: what is worth knowing about the picture.
        told: what is known of each face already, to be stored beside what its attributes tell.
        left_out: faces that are not good enough; they are not among the others.
        thumbnails: of each face; none where nothing of the picture is kept.
    """

    item: NewPicture
    picture: str | None
    width: int
    height: int
    faces: Sequence[FoundFace]
    crops: Sequence[str | None]
    ids: Sequence[Sequence[str]]
    notes: tuple[Note, ...] = ()
    told: Sequence[Mapping[str, Value]] | None = None
    left_out: tuple[LeftOut, ...] = ()
    thumbnails: tuple[bytes, ...] = ()

    def registered(self, faces: Sequence[Face]) -> Registered:
        """The same picture with its faces as they are stored."""
        return Registered(
            self.item.source,
            faces[0].picture,
            self.width,
            self.height,
            tuple(faces),
            self.notes,
            left_out=self.left_out,
        )


@dataclass(frozen=True, eq=False)
class Passed:
    """A picture that is in already and was not searched for faces.

    Attributes:
        name: what it is called.
        faces: the first of them.
    """

    name: str
    faces: Sequence[Face]


Found = Examined | Refused | Passed
