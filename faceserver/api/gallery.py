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


class Rate(Answer):
    """What a threshold would do, as counted on labelled pairs."""

    threshold: float = Field(description="Squared L2 distance.")
    false_match: float = Field(
        ge=0, le=1, description="Share of the pairs of different people that lie below it."
    )
    false_non_match: float = Field(
        ge=0, le=1, description="Share of the pairs of the same person that do not."
    )


class Calibration(Answer):
    """What a model's distances mean, as measured on labelled pairs.

    The similarity of a distance is 1 / (1 + exp(steepness * (distance - midpoint))).
    """

    midpoint: float = Field(description="The distance of similarity 0.5.")
    steepness: float = Field(description="How fast it falls there.")
    same_pairs: int = Field(description="How many pairs of the same person were measured.")
    different_pairs: int = Field(description="How many pairs of different people.")
    rates: tuple[Rate, ...] = Field(description="Of some thresholds, in ascending order.")


class NewCollection(Request):
    """A collection of one embedding model."""

    name: CollectionName
    model: str | None = Field(
        default=None, max_length=200, description="The model's name; the server's own unless given."
    )


class Collection(Answer):
    """A gallery, and the state of its index."""

    name: str
    model: str = Field(description="Whose embeddings it holds.")
    dims: int = Field(description="Their length.")
    faces: int
    subjects: int
    threshold: float | None = Field(
        description="Below this distance two faces are taken for one person; null where the "
        "model is not known."
    )
    calibration: Calibration | None = Field(
        description="Null where the model has none, or is not known."
    )
    index: IndexState
    progress: float = Field(ge=0, le=1, description="How much of the graph is built.")
    indexed: int = Field(description="Faces that the index holds.")
    recall: float | None = Field(
        ge=0,
        le=1,
        description="How often the graph finds the nearest face, measured on stored faces; null "
        "without a graph, for then every distance is computed.",
    )
    changing_to: str | None = Field(description="The model that it is being changed to.")


class Collections(PageOf[Collection]):
    """Some of the collections, by name."""


class DeletedCollection(Answer):
    """What is gone; nothing of it is left on the disk."""

    name: str
    faces: int
    subjects: int
    pictures: int
    at: Time


class SubjectPath(CollectionPath):
    """A person by id."""

    subject: Id


class NewSubject(Request):
    """A person."""

    name: Name = Field(description="Unique in the collection, without regard to case.")
    tags: Tags = ()
    metadata: Metadata = Field(default={}, description="Whatever you like; at most 16,384 bytes.")


class SubjectChange(Request):
    """What is to be different; what is left out stays."""

    name: Name | None = None
    tags: Tags | None = None
    metadata: Metadata | None = None


class SubjectQuery(Paging):
    """Which people."""

    tag: Tags = Field(default=(), description="They have each of these.")
    name: Name | None = Field(
        default=None, description="The one of this name, without regard to case."
    )
    called: Name | None = Field(
        default=None, description="Their names contain this, without regard to case."
    )


class Subject(Answer):
    """A person."""

    id: Id
    name: str
    tags: tuple[str, ...]
    metadata: Metadata
    created: Time
    faces: int = Field(description="How many show this person.")
    cover: Id | None = Field(description="The first of these faces with a picture; null: none has.")


class Subjects(PageOf[Subject]):
    """Some of the people, in the order they were stored."""


class DeletedSubject(Answer):
    """Who is gone, and with how many faces."""

    id: Id
    faces: int


class MergeRequest(Request):
    """Into whom."""

    into: Id = Field(description="Who gets the faces, and keeps name, tags and metadata.")


class Merge(Answer):
    """Two people made one."""

    id: Id = Field(description="To undo it by.")
    into: Id = Field(description="Who stays.")
    subject: Id = Field(description="Who went.")
    name: str = Field(description="Of who went.")
    faces: int = Field(description="How many faces were moved.")
    at: Time
    until: Time = Field(description="It can be undone so long.")


class Merges(PageOf[Merge]):
    """Some of those that can be undone, in the order they were made."""


class MergePath(CollectionPath):
    """A merge by id."""

    merge: Id
