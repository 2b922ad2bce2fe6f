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
        default=None, description="Name of the person it shows; created if new."
    )
    tags: Tags = ()
    external_id: Text | None = None
    auth: Credentials | None = Field(
        default=None, description="Credentials for the URL's host; discarded when the job ends."
    )


class JobOptions(Request):
    """How the pictures are imported."""

    largest: bool = Field(
        default=False,
        description="If a named person's picture shows several faces, use the largest; otherwise "
        "such a picture is refused.",
    )
    update: bool = Field(
        default=False,
        description="Update person and tags of pictures already stored; otherwise they are kept, "
        "and differences are reported.",
    )


class NewJob(JobOptions):
    """Pictures to fetch."""

    items: Annotated[tuple[JobItem, ...], Field(min_length=1, max_length=MAX_ITEMS), FailFast()]


class JobPath(CollectionPath):
    """A job by id."""

    job: Id


class Job(Answer):
    """A job and its progress."""

    id: Id
    collection: str
    state: JobState
    total: int
    waiting: int
    stored: int = Field(description="Pictures whose faces were stored.")
    present: int = Field(description="Pictures that were already stored.")
    refused: int
    left_out: int = Field(
        default=0, description="Files of a zip that were skipped; not part of the total."
    )
    faces: int = Field(description="Number of faces stored.")
    reason: str | None = Field(description="Why it failed; null otherwise.")
    created: Time
    finished: Time | None


class Jobs(PageOf[Job]):
    """Some of the jobs."""


class JobQuery(Paging):
    """Which jobs, and in which order."""

    newest: bool = Field(default=False, description="Newest first instead of oldest first.")


class JobResult(Answer):
    """Result for one picture."""

    number: int = Field(description="Position in the job, starting at 1.")
    source: str = Field(description="URL, or name in the zip.")
    person: str | None
    state: ItemState
    faces: tuple[Id, ...]
    code: str | None = Field(
        description="Why it was refused, for programs. Of a picture that was in already: `changed` "
        "where it was brought up to date, `differs` where something else is stored than is said "
        "now. `left_out` where it was not tried."
    )
    reason: str | None = Field(description="Human-readable reason.")


class JobResults(PageOf[JobResult]):
    """Some of the pictures, in the order they came."""


class JobResultQuery(Paging):
    """Which pictures."""

    state: ItemState | None = None


class DeletedJob(Answer):
    """The deleted job."""

    id: Id
