"""What the requests and answers are made of."""

from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    PlainSerializer,
    WithJsonSchema,
)

MAX_LIMIT = 1000
MAX_TAGS = 100
MAX_URL = 2048

Item = TypeVar("Item")


class Answer(BaseModel):
    """What the server sends."""

    model_config = ConfigDict(frozen=True)


class Request(BaseModel):
    """What the server takes: a field that it does not know is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Path(BaseModel):
    """The variables of an address."""

    model_config = ConfigDict(frozen=True, title="path")


class Query(Request):
    """What stands behind the question mark of an address."""

    model_config = ConfigDict(title="query")


def _hex(value: object) -> object:
    """The store's ids are uuids of 32 digits without dashes."""
    return UUID(value) if isinstance(value, str) and len(value) == 32 else value


Id = Annotated[UUID, BeforeValidator(_hex)]
"""A uuid; written with dashes, read with or without."""

Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"\S")]
"""Of a person."""

COLLECTION_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
CollectionName = Annotated[str, Field(pattern=COLLECTION_NAME)]

Tag = Annotated[str, Field(min_length=1, max_length=200)]
Tags = Annotated[tuple[Tag, ...], Field(max_length=MAX_TAGS)]

Text = Annotated[str, Field(min_length=1, max_length=500)]
"""An external id, or what a picture is called."""

Url = Annotated[
    str,
    Field(min_length=1, max_length=MAX_URL),
    WithJsonSchema({"type": "string", "format": "uri", "minLength": 1, "maxLength": MAX_URL}),
]
"""Of a picture: http or https. Whether it may be fetched is found out when it is."""

Metadata = dict[str, JsonValue]

Similarity = Annotated[float, Field(ge=0, le=1)]
"""See docs/api.md; only a model that is calibrated has it."""

Distance = Annotated[float, Field(ge=0, le=4.001)]
"""Squared L2 distance of unit vectors: 0 to 4."""


def _rfc3339(time: datetime) -> str:
    return time.isoformat(timespec="microseconds").replace("+00:00", "Z")


Time = Annotated[datetime, PlainSerializer(_rfc3339, when_used="json")]
"""In UTC; written as RFC 3339 with ``Z``."""


class Paging(Query):
    """Which part of a list."""

    limit: int = Field(default=100, ge=1, le=MAX_LIMIT, description="At most so many.")
    cursor: str | None = Field(
        default=None, min_length=1, max_length=500, description="`next` of the page before."
    )


class PageOf(Answer, Generic[Item]):
    """Some of a list."""

    items: tuple[Item, ...]
    next: str | None = Field(description="The `cursor` of the next page; null after the last.")


class CollectionPath(Path):
    """A collection by its name."""

    collection: CollectionName = Field(description="Its name; `default` is always there.")


class FieldProblem(Answer):
    """What is wrong with one field."""

    detail: str
    pointer: str | None = Field(default=None, description="JSON pointer to the field of the body.")
    parameter: str | None = Field(default=None, description="Name of the parameter of the address.")


class Problem(Answer):
    """An error, as RFC 9457 has it."""

    type: str = "about:blank"
    title: str = Field(description="The status in words.")
    status: int
    detail: str = Field(description="For people; may change.")
    code: str = Field(description="For programs; stable.")
    request_id: str = Field(description="Names this request in the server's log.")
    errors: tuple[FieldProblem, ...] = Field(
        default=(), description="The fields that are at fault."
    )


def dumped(answer: BaseModel) -> Any:
    """An answer as JSON has it."""
    return answer.model_dump(mode="json", by_alias=True)
