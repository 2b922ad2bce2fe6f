"""Collections, and the people in them."""

from typing import Literal

from pydantic import Field

from faceserver.api.base import (
    Answer,
    CollectionName,
    CollectionPath,
    Id,
    Metadata,
    Name,
    PageOf,
    Paging,
    Request,
    Tags,
    Time,
)

IndexState = Literal["exact", "graph", "building"]
"""`exact` computes every distance; so does `building`, until its graph is complete."""

SubjectOrder = Literal["stored", "name", "newest", "faces"]
"""Who comes first in a list of people."""


class Rate(Answer):
    """Error rates at a threshold, measured on labelled pairs."""

    threshold: float = Field(description="Squared L2 distance.")
    false_match: float = Field(
        ge=0, le=1, description="Share of pairs of different people below the threshold."
    )
    false_non_match: float = Field(
        ge=0, le=1, description="Share of pairs of the same person not below the threshold."
    )


class Calibration(Answer):
    """Calibration of a model's distances, measured on labelled pairs.

    The similarity of a distance is 1 / (1 + exp(steepness * (distance - midpoint))).
    """

    midpoint: float = Field(description="Distance at which the similarity is 0.5.")
    steepness: float = Field(description="Slope at the midpoint.")
    same_pairs: int = Field(description="Number of pairs of the same person.")
    different_pairs: int = Field(description="Number of pairs of different people.")
    rates: tuple[Rate, ...] = Field(
        description="Error rates at some thresholds, in ascending order."
    )


class NewCollection(Request):
    """A collection of one embedding model."""

    name: CollectionName
    model: str | None = Field(
        default=None,
        max_length=200,
        description="Embedding model; the server's default if omitted.",
    )


class Collection(Answer):
    """A gallery, and the state of its index."""

    name: str
    model: str = Field(description="Its embedding model.")
    dims: int = Field(description="Length of its embeddings.")
    faces: int
    subjects: int
    threshold: float | None = Field(
        description="Faces closer than this are considered the same person; null if the model "
        "is unknown."
    )
    calibration: Calibration | None = Field(
        description="Null if the model is not calibrated or unknown."
    )
    index: IndexState
    progress: float = Field(ge=0, le=1, description="Share of the graph that is built.")
    indexed: int = Field(description="Number of indexed faces.")
    recall: float | None = Field(
        ge=0,
        le=1,
        description="Recall@1 of the graph, measured on stored faces; null "
        "without a graph, when search is exhaustive.",
    )
    changing_to: str | None = Field(description="The model it is being migrated to.")


class Collections(PageOf[Collection]):
    """Some of the collections, by name."""


class DeletedCollection(Answer):
    """The deleted collection."""

    name: str
    faces: int
    subjects: int
    pictures: int
    at: Time
    beyond: tuple[str, ...] = Field(
        default=(),
        description="Where something of it may be left that the server cannot reach; empty where "
        "the gallery is in the data folder.",
    )


class SubjectPath(CollectionPath):
    """A person by id."""

    subject: Id


class NewSubject(Request):
    """A person."""

    name: Name = Field(description="Unique in the collection, ignoring case.")
    tags: Tags = ()
    metadata: Metadata = Field(default={}, description="Any JSON object of at most 16,384 bytes.")


class SubjectChange(Request):
    """The fields to change; omitted ones stay unchanged."""

    name: Name | None = None
    tags: Tags | None = None
    metadata: Metadata | None = None
    hidden: bool | None = Field(
        default=None,
        description="Whether lists and suggestions leave this person out. Searches still find "
        "hidden people.",
    )
    cover: Id | None = Field(
        default=None,
        description="The face that represents this person, one of the person's own with a "
        "picture; null lets the server choose the best.",
    )


class SubjectQuery(Paging):
    """Which people."""

    tag: Tags = Field(default=(), description="Only people that have all of these tags.")
    name: Name | None = Field(
        default=None, description="Only the person with this name, ignoring case."
    )
    called: Name | None = Field(
        default=None,
        description="Only people whose names contain this, ignoring case and accents.",
    )
    hidden: bool = Field(default=False, description="Include hidden people.")
    sort: SubjectOrder = Field(
        default="stored",
        description="`stored`: in the order they were stored; `name`: alphabetically, ignoring "
        "case and accents; `newest`: newest first; `faces`: most faces first. A cursor is only "
        "valid for the order it came with.",
    )
    alike: Id | None = Field(
        default=None,
        description="Sort by similarity to this stored face, most similar first, then by name. "
        "There is one page only.",
    )


class Subject(Answer):
    """A person."""

    id: Id
    name: str
    tags: tuple[str, ...]
    metadata: Metadata
    created: Time
    faces: int = Field(description="Number of this person's faces.")
    cover: Id | None = Field(
        description="The face that represents the person: the chosen one, otherwise the one of the "
        "first 100 with a picture that has the best `quality`, or is the largest and surest. Null "
        "if none has a picture."
    )
    cover_chosen: bool = Field(description="Whether somebody chose the cover.")
    hidden: bool = Field(description="Whether lists and suggestions leave this person out.")


class Subjects(PageOf[Subject]):
    """Some of the people."""

    total: int | None = Field(
        description="Number of people on all pages; null except on the first page."
    )
    hidden: int | None = Field(
        description="Number of hidden people that match, listed or not; null except on the first "
        "page."
    )


class DeletedSubject(Answer):
    """The deleted person and the number of deleted faces."""

    id: Id
    faces: int


class MergeRequest(Request):
    """Into whom."""

    into: Id = Field(
        description="The person who receives the faces and keeps name, tags and metadata."
    )


class Merge(Answer):
    """Two people made one."""

    id: Id = Field(description="Identifies the merge when undoing it.")
    into: Id = Field(description="The person who remains.")
    subject: Id = Field(description="The person who was merged.")
    name: str = Field(description="Name of the person who was merged.")
    faces: int = Field(description="Number of faces moved.")
    at: Time
    until: Time = Field(description="When undoing it stops being possible.")


class Merges(PageOf[Merge]):
    """Some of those that can be undone, in the order they were made."""


class MergePath(CollectionPath):
    """A merge by id."""

    merge: Id
