"""Faces that nobody has named, as likely people."""

from pydantic import Field

from faceserver.api.base import Answer, Distance, Id, Query, Similarity
from faceserver.api.faces import Face, Person


class UnnamedQuery(Query):
    """How to group, and how much to answer."""

    limit: int = Field(default=50, ge=1, le=1000, description="At most so many groups.")
    threshold: float | None = Field(
        default=None, gt=0, le=4, description="Squared L2 distance; left out: the collection's."
    )


class Lookalike(Answer):
    """A person with a name who looks like a group."""

    person: Person
    distance: Distance = Field(
        description="Of the group's middle face to this person's nearest one."
    )
    similarity: Similarity | None = Field(
        description="Calibrated; null where the model has no calibration."
    )


class LikelyPerson(Answer):
    """Faces that are likely to show one person."""

    ids: tuple[Id, ...] = Field(description="All of the faces, the most typical first.")
    faces: tuple[Face, ...] = Field(description="The first twelve of them.")
    lookalike: Lookalike | None = Field(
        description="The nearest person with a name; null where none is under the threshold."
    )


class UnnamedFaces(Answer):
    """The faces that nobody has named, grouped."""

    threshold: float = Field(description="Groups are farther from each other, on average.")
    examined: int = Field(description="How many faces were grouped: the first 10,000 at most.")
    complete: bool = Field(description="Whether those are all that nobody has named.")
    groups: int = Field(description="How many groups they make.")
    people: tuple[LikelyPerson, ...] = Field(description="The largest groups, largest first.")
