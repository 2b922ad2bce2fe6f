"""What face id's clients send: JSON, read as leniently as the original reads it."""

from typing import Annotated, TypeVar

from flask import request
from pydantic import ConfigDict, Field, ValidationError

from faceserver.api.base import Input
from faceserver.api.pictures import MAX_DIMS, Base64
from faceserver.config import Settings
from faceserver.errors import TooManyItems
from faceserver.services.outcomes import NewPicture
from faceserver.web.forms import within_limit
from faceserver.web.guard.bodies import check_values
from faceserver.web.jsontext import utf8_json
from faceserver.web.problems import invalid_fields

Id = Annotated[int, Field(ge=-(2**63), lt=2**63)]
"""A number that stands for a person; a text of digits will do."""

Vector = Annotated[tuple[float, ...], Field(min_length=1, max_length=MAX_DIMS)]


class _Body(Input):
    """What is sent beside counts for nothing."""

    model_config = ConfigDict(extra="ignore")


class Picture(_Body):
    """A picture as base64."""

    image: Base64


class Generate(_Body):
    """Pictures of a person."""

    id: Id
    images: tuple[Picture, ...]


class Embeddings(_Body):
    """Vectors of a person, of any length but zero."""

    embeddings: Annotated[tuple[Vector, ...], Field(min_length=1, max_length=400)]


class Merge(_Body):
    """Who stays."""

    into: Id


Model = TypeVar("Model", bound=_Body)


def body(model: type[Model]) -> Model:
    """The body as JSON, whatever it says that it is.

    Raises:
        InvalidFields: it is not what the model describes.
        RequestTooLarge: it holds too many values.
    """
    text = utf8_json(request.get_data(parse_form_data=False))
    check_values(text)
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        raise invalid_fields(error) from error


def portraits(sent: Generate, settings: Settings) -> list[NewPicture]:
    """The pictures of a person.

    Raises:
        TooManyItems: there are more than one call takes.
        FileTooLarge: one has too many bytes.
    """
    if len(sent.images) > settings.max_files:
        raise TooManyItems(f"at most {settings.max_files} pictures are allowed")
    return [
        NewPicture.of_bytes(f"{sent.id}-{at}", within_limit(picture.image))
        for at, picture in enumerate(sent.images, start=1)
    ]
