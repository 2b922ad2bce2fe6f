"""Unnamed faces, grouped into likely people."""

from typing import Annotated

from pydantic import FailFast, Field

from faceserver.api.base import Answer, Distance, Id, Query, Request, Similarity
from faceserver.api.faces import Face, Person

MAX_HIDDEN = 1_000
"""Faces that are hidden at once."""


class GroupingQuery(Query):
    """How to group."""

    min_size: float = Field(
        default=32,
        ge=0,
        le=100_000,
        description="Leave out faces with fewer pixels along the shorter side of their box.",
    )
    min_sharpness: float = Field(
        default=0.05,
        ge=0,
        le=1,
        description="Leave out faces whose attribute `sharpness` is lower; faces without it stay.",
    )
    min_quality: float = Field(
        default=0.2,
        ge=0,
        le=1,
        description="Leave out faces whose attribute `quality` is lower; faces without it stay.",
    )
    threshold: float | None = Field(
        default=None,
        gt=0,
        le=4,
        description="Squared L2 distance; the collection's threshold by default.",
    )


class UnnamedQuery(GroupingQuery):
    """How to group, and how much to answer."""

    limit: int = Field(default=50, ge=1, le=1000, description="Maximum number of groups.")
    hidden: bool = Field(default=False, description="Include hidden groups.")


class Lookalike(Answer):
    """A named person who looks like a group."""

    person: Person
    distance: Distance = Field(
        description="Distance from the group's most typical face to this person's nearest one."
    )
    similarity: Similarity | None = Field(
        description="Calibrated; null if the model is not calibrated."
    )


class LikelyPerson(Answer):
    """Faces that are likely to show one person."""

    ids: tuple[Id, ...] = Field(description="All of the faces, the most typical first.")
    faces: tuple[Face, ...] = Field(description="The first twelve of them.")
    lookalike: Lookalike | None = Field(
        description="The nearest named person; null if none is below the threshold. Hidden people "
        "are not suggested."
    )
    hidden: bool = Field(description="Whether one of the faces is hidden.")


class UnnamedFaces(Answer):
    """Unnamed faces, grouped."""

    threshold: float = Field(description="Minimum average distance between groups.")
    examined: int = Field(description="Number of faces grouped, at most the first 10,000.")
    left_out: int = Field(description="Number of faces that were too small or blurred.")
    complete: bool = Field(description="Whether all unnamed faces were examined.")
    groups: int = Field(description="Number of groups found, without hidden ones unless asked for.")
    hidden: int = Field(description="Number of hidden groups.")
    people: tuple[LikelyPerson, ...] = Field(description="The largest groups, largest first.")


class HideFaces(Request):
    """Unnamed faces that are of no interest, or are again."""

    faces: Annotated[tuple[Id, ...], Field(min_length=1, max_length=MAX_HIDDEN), FailFast()]
    hidden: bool = Field(
        default=True, description="False shows them, and the groups that they are in, again."
    )


class HiddenFaces(Answer):
    """Result of hiding faces."""

    faces: int = Field(description="Number of faces found.")
