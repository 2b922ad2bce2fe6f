"""Many pictures at once, as a job."""

from typing import Annotated, Literal

from pydantic import FailFast, Field

from faceserver.api.base import (
    Answer,
    CollectionPath,
    Id,
    Name,
    PageOf,
    Paging,
    Request,
    Tags,
    Text,
    Time,
    Url,
)
from faceserver.api.pictures import Credentials

MAX_ITEMS = 10_000

JobState = Literal["queued", "running", "done", "cancelled", "failed"]
ItemState = Literal["waiting", "stored", "present", "refused", "left_out"]


class JobItem(Request):
    """A picture to fetch."""

    url: Url
    person: Name | None = Field(
        default=None, description="Name of whom it shows; made where it is new."
    )
    tags: Tags = ()
    external_id: Text | None = None
    auth: Credentials | None = Field(
        default=None, description="What the URL's host asks for; forgotten with the job's end."
    )


class JobOptions(Request):
    """How the pictures are taken in."""

    largest: bool = Field(
        default=False,
        description="Of a picture with a person's name take the largest face; otherwise one with "
        "several is refused, for nobody said which of them it is.",
    )
    update: bool = Field(
        default=False,
        description="Where a picture is in already, the person and the tags given now count; "
        "otherwise what is stored stays, and the difference is told.",
    )


class NewJob(JobOptions):
    """Pictures to fetch."""

    items: Annotated[tuple[JobItem, ...], Field(min_length=1, max_length=MAX_ITEMS), FailFast()]


class JobPath(CollectionPath):
    """A job by id."""

    job: Id


class Job(Answer):
    """How far it is."""

    id: Id
    collection: str
    state: JobState
    total: int
    waiting: int
    stored: int = Field(description="Pictures whose faces were stored.")
    present: int = Field(description="Pictures that were in already.")
    refused: int
    left_out: int = Field(
        default=0, description="Files of a zip that were not tried; they are not in the total."
    )
    faces: int = Field(description="How many faces were stored.")
    reason: str | None = Field(description="Why it failed.")
    created: Time
    finished: Time | None


class Jobs(PageOf[Job]):
    """Some of the jobs."""


class JobQuery(Paging):
    """Which jobs, and in which order."""

    newest: bool = Field(default=False, description="The newest first, not the oldest.")


class JobResult(Answer):
    """What became of one picture."""

    number: int = Field(description="Its place in the job, from 1.")
    source: str = Field(description="The URL, or the name in the zip.")
    person: str | None
    state: ItemState
    faces: tuple[Id, ...]
    code: str | None = Field(
        description="Why it was refused, for programs. Of a picture that was in already: `changed` "
        "where it was brought up to date, `differs` where something else is stored than is said "
        "now. `left_out` where it was not tried."
    )
    reason: str | None = Field(description="The same for people.")


class JobResults(PageOf[JobResult]):
    """Some of the pictures, in the order they came."""


class JobResultQuery(Paging):
    """Which pictures."""

    state: ItemState | None = None


class DeletedJob(Answer):
    """What is gone; the faces stay."""

    id: Id
