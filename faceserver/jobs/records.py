"""What is known of a job and its pictures."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import uuid4

from faceserver.api.pictures import Credentials

State = Literal["queued", "running", "done", "cancelled", "failed"]
ItemState = Literal["waiting", "stored", "present", "refused", "left_out"]
Kind = Literal["urls", "zip"]


@dataclass(frozen=True)
class NewItem:
    """A picture that is to be taken in; see :class:`faceserver.services.outcomes.NewPicture`."""

    source: str
    person: str | None = None
    tags: tuple[str, ...] = ()
    external_id: str | None = None
    credentials: Credentials | None = None


@dataclass(frozen=True)
class Request:
    """What somebody asks for.

    Attributes:
        collection: name of the collection that the pictures go to.
        kind: where the pictures come from.
        largest: of a picture with a person's name the largest face is that person.
        fingerprint: equal for equal requests.
        key: the sender's idempotency key.
        id: of the job to be: a uuid, as 32 hexadecimal digits.
        update: of pictures that are in, the person and the tags given now count.
    """

    collection: str
    kind: Kind
    largest: bool
    fingerprint: str
    key: str | None = None
    id: str = field(default_factory=lambda: uuid4().hex)
    update: bool = False


@dataclass(frozen=True)
class Job:
    """How far a job is.

    Attributes:
        row: its row.
        id: a uuid, as 32 hexadecimal digits.
        collection: name of the collection that the pictures go to.
        kind: where the pictures come from.
        largest: of a picture with a person's name the largest face is that person.
        state: only ``queued`` and ``running`` change again.
        reason: why it failed.
        created: in UTC.
        finished: likewise.
        total: how many pictures it has.
        stored: how many had their faces stored.
        present: how many were in already.
        refused: how many were refused.
        faces: how many faces were stored.
        update: of pictures that are in, the person and the tags given now count.
        left_out: how many files of the zip were not tried; they are not in ``total``.
    """

    row: int
    id: str
    collection: str
    kind: Kind
    largest: bool
    state: State
    reason: str | None
    created: datetime
    finished: datetime | None
    total: int
    stored: int
    present: int
    refused: int
    faces: int
    update: bool = False
    left_out: int = 0

    @property
    def is_open(self) -> bool:
        """Whether there is something left to do."""
        return self.state in ("queued", "running")


@dataclass(frozen=True)
class Result:
    """What became of a picture.

    Attributes:
        number: its place in the job, counted from 1.
        state: ``present`` was in the collection already, ``left_out`` was not tried.
        faces: ids of those that were stored.
        code: why it was refused, for programs; of one that was in already, ``changed`` where it was
            brought up to date, ``differs`` where something else is said than is stored.
        reason: likewise, for people.
    """

    number: int
    state: ItemState
    faces: tuple[str, ...] = ()
    code: str | None = None
    reason: str | None = None


@dataclass(frozen=True)
class JobItem:
    """A picture of a job, and what became of it."""

    item: NewItem
    result: Result
