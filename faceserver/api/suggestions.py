"""Suggestions of who may be the same person, and those that were refused."""

from typing import Literal

from pydantic import Field

from faceserver.api.base import (
    Answer,
    CollectionPath,
    Distance,
    Id,
    PageOf,
    Paging,
    Request,
    Similarity,
    Time,
)
from faceserver.api.faces import Face
from faceserver.api.gallery import Subject
from faceserver.api.unnamed import GroupingQuery


class SuggestionQuery(Paging, GroupingQuery):
    """Which suggestions; the limits of size, sharpness and quality are those of unnamed faces."""

    among: Literal["people", "unnamed"] = Field(
        default="people",
        description="`people`: pairs of people who look alike; `limit` is the number of people "
        "examined, so that a page may hold fewer pairs, or none. `unnamed`: pairs of groups of "
        "unnamed faces, most similar first, on one page.",
    )


class Side(Answer):
    """One of the two: a person, or a group of unnamed faces."""

    person: Subject | None = Field(description="Null for a group.")
    faces: tuple[Face, ...] = Field(
        description="Of a person the cover, of a group the most typical faces, at most four."
    )
    ids: tuple[Id, ...] = Field(description="All faces of a group; empty for a person.")


class Suggestion(Answer):
    """Two who may be the same person."""

    one: Side
    other: Side
    distance: Distance = Field(description="Squared L2 distance between the two.")
    similarity: Similarity | None = Field(
        description="Calibrated; null if the model is not calibrated."
    )


class Suggestions(PageOf[Suggestion]):
    """Some of the suggestions."""


class RefuseSuggestion(Request):
    """Two faces of different people, such as the first one of each side of a suggestion."""

    faces: tuple[Id, Id]


class RefusedSuggestion(Answer):
    """Two faces of different people, who are not suggested again."""

    id: Id = Field(description="Identifies the refusal when undoing it.")
    faces: tuple[Id, Id]
    created: Time


class RefusedSuggestions(PageOf[RefusedSuggestion]):
    """Some of the refused suggestions, in the order they were refused."""


class RefusedSuggestionPath(CollectionPath):
    """A refused suggestion by id."""

    refusal: Id


class UndoneSuggestion(Answer):
    """The refusal that was undone."""

    id: Id
