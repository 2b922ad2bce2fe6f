"""Unnamed faces, grouped into likely people."""

from pydantic import Field

from faceserver.api.base import Answer, Distance, Id, Query, Similarity
from faceserver.api.faces import Face, Person


class UnnamedQuery(Query):
    """How to group, and how much to answer."""

    limit: int = Field(default=50, ge=1, le=1000, description="Maximum number of groups.")
    threshold: float | None = Field(
        default=None,
        gt=0,
        le=4,
        description="Squared L2 distance; the collection's threshold by default.",
    )


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
        description="The nearest named person; null if none is below the threshold."
    )


class UnnamedFaces(Answer):
    """Unnamed faces, grouped."""

    threshold: float = Field(description="Minimum average distance between groups.")
    examined: int = Field(description="Number of faces examined, at most the first 10,000.")
    complete: bool = Field(description="Whether all unnamed faces were examined.")
    groups: int = Field(description="Number of groups found.")
    people: tuple[LikelyPerson, ...] = Field(description="The largest groups, largest first.")
