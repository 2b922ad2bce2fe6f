"""People whom nobody has named, and who are recognised all the same."""

from pydantic import Field, model_validator

from faceserver.api.base import (
    Answer,
    CollectionPath,
    Id,
    Metadata,
    Name,
    PageOf,
    Request,
    Tags,
)
from faceserver.api.faces import Face
from faceserver.api.gallery import Subject
from faceserver.api.stranger import Stranger


class Strangers(PageOf[Stranger]):
    """Some of the strangers, in the order they were first seen."""


class StrangerPath(CollectionPath):
    """A stranger by id."""

    stranger: Id


class Promotion(Request):
    """Who the stranger is: a new person by name, or a person who is there."""

    name: Name | None = Field(default=None, description="Name of the new person.")
    tags: Tags = Field(default=(), description="Of the new person.")
    metadata: Metadata = Field(default={}, description="Of the new person.")
    subject: Id | None = Field(default=None, description="Or the person who it is.")

    @model_validator(mode="after")
    def _is_one_of_both(self) -> "Promotion":
        if (self.name is None) == (self.subject is None):
            raise ValueError("either a name or a subject is needed")
        if self.subject is not None and (self.tags or self.metadata):
            raise ValueError("tags and metadata are for a new person")
        return self


class Promoted(Answer):
    """The person whom the stranger has become."""

    subject: Subject
    face: Face = Field(description="The face that was stored, of no picture.")


class ForgottenStranger(Answer):
    """The stranger who was forgotten."""

    id: Id
