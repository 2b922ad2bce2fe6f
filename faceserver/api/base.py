"""What the requests and answers are made of."""

import re
from datetime import datetime
from typing import Annotated, Generic, TypeVar
from uuid import UUID

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    JsonValue,
    PlainSerializer,
    WithJsonSchema,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

MAX_LIMIT = 1000
MAX_TAGS = 100
MAX_URL = 2048

Item = TypeVar("Item")


class Answer(BaseModel):
    """What the server sends."""

    model_config = ConfigDict(frozen=True)


class Request(BaseModel):
    """What the server takes: a field that it does not know is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class _Texts(BaseModel):
    """What comes as texts: a field can be left out, but cannot be null."""

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return _without_null(handler.resolve_ref_schema(handler(core_schema)))


class Form(_Texts):
    """What the server takes as ``multipart/form-data``."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Path(BaseModel):
    """The variables of an address."""

    model_config = ConfigDict(frozen=True, title="path")


class Header(_Texts):
    """The headers that count; others are passed over."""

    model_config = ConfigDict(frozen=True, title="header")


class Query(_Texts):
    """What stands behind the question mark of an address."""

    model_config = ConfigDict(frozen=True, extra="forbid", title="query")


def _without_null(schema: JsonSchemaValue) -> JsonSchemaValue:
    """The schema of an object whose fields can be left out, but cannot be null."""
    for name, field in schema["properties"].items():
        kinds = [kind for kind in field.get("anyOf", ()) if kind != {"type": "null"}]
        if len(kinds) == 1:
            rest = {key: value for key, value in field.items() if key not in ("anyOf", "default")}
            schema["properties"][name] = {**rest, **kinds[0]}
    return schema


_UUID = re.compile("(?i)[0-9a-f]{8}(-?)[0-9a-f]{4}\\1[0-9a-f]{4}\\1[0-9a-f]{4}\\1[0-9a-f]{12}")


def _uuid(value: object) -> object:
    """The store's ids are uuids of 32 digits without dashes."""
    if not isinstance(value, str):
        return value
    if not _UUID.fullmatch(value):
        raise ValueError("this is no uuid")
    return UUID(value)


Id = Annotated[UUID, BeforeValidator(_uuid)]
"""A uuid; written with dashes, read with or without."""

_PRINTED = r"[^\x00-\x1f\x7f]"
Name = Annotated[
    str,
    Field(max_length=200, pattern=rf"^{_PRINTED}*[^\s\x00-\x1f\x7f]{_PRINTED}*$"),
]
"""Of a person: some character is not blank."""

COLLECTION_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
CollectionName = Annotated[str, Field(pattern=COLLECTION_NAME)]

Tag = Annotated[str, Field(max_length=200, pattern=rf"^{_PRINTED}+$")]
Tags = Annotated[tuple[Tag, ...], Field(max_length=MAX_TAGS)]

Text = Annotated[str, Field(max_length=500, pattern=rf"^{_PRINTED}+$")]
"""An external id, or what a picture is called."""

_URL = re.compile(r"(?i)https?://\S+")


def _web_address(value: object) -> object:
    if isinstance(value, str) and not _URL.fullmatch(value):
        raise ValueError("this is no http or https URL")
    return value


Url = Annotated[
    str,
    BeforeValidator(_web_address),
    Field(max_length=MAX_URL),
    WithJsonSchema({"type": "string", "format": "uri", "maxLength": MAX_URL}),
]
"""Of a picture: http or https. Whether it may be fetched is found out when it is."""

Metadata = dict[str, JsonValue]
"""At most 16,384 bytes."""


Similarity = Annotated[float, Field(ge=0, le=1)]
"""See docs/api.md; only a model that is calibrated has it."""

Distance = Annotated[float, Field(ge=0, le=4.001)]
"""Squared L2 distance of unit vectors: 0 to 4."""


def _rfc3339(time: datetime) -> str:
    return time.isoformat(timespec="microseconds").replace("+00:00", "Z")


Time = Annotated[
    datetime,
    PlainSerializer(_rfc3339, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
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
