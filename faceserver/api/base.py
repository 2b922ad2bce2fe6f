"""What the requests and answers are made of."""

import re
from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

from pydantic import (
    AfterValidator,
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

from faceserver.api.urls import tellable, trimmed
from faceserver.texts import (
    MAX_NAME,
    MAX_TEXT,
    NAME_PATTERN,
    TEXT_PATTERN,
    check_text,
    clean_name,
)

MAX_LIMIT = 1000
MAX_TAGS = 100
MAX_URL = 2048

Item = TypeVar("Item")


class Answer(BaseModel):
    """What the server sends."""

    model_config = ConfigDict(frozen=True)


class Input(BaseModel):
    """What comes from outside, however it comes: of numbers only those that are finite.

    Nothing that is taken is made of answers: those are not looked at so closely. Errors do not
    repeat what was sent, which may be a picture, a face or a password.
    """

    model_config = ConfigDict(frozen=True, allow_inf_nan=False, hide_input_in_errors=True)


class Request(Input):
    """What the server takes: a field that it does not know is refused."""

    model_config = ConfigDict(extra="forbid", strict=True)


class _Texts(Input):
    """What comes as texts: a field can be left out, but cannot be null."""

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return _without_null(handler.resolve_ref_schema(handler(core_schema)))


class Form(_Texts):
    """What the server takes as ``multipart/form-data``."""

    model_config = ConfigDict(extra="forbid")


class Path(Input):
    """The variables of an address."""

    model_config = ConfigDict(title="path")


class Header(_Texts):
    """The headers that count; others are passed over."""

    model_config = ConfigDict(title="header")


class Query(_Texts):
    """What stands behind the question mark of an address."""

    model_config = ConfigDict(extra="forbid", title="query")

    @classmethod
    def model_json_schema(cls, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """The schema; made once, since flask-openapi3 asks for it with each request."""
        if args or kwargs:
            return super().model_json_schema(*args, **kwargs)
        if cls not in _SCHEMAS:
            _SCHEMAS[cls] = super().model_json_schema()
        return _SCHEMAS[cls]


_SCHEMAS: dict[type[Query], dict[str, Any]] = {}


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
        raise ValueError("this is not a UUID")
    return UUID(value)


Id = Annotated[UUID, BeforeValidator(_uuid)]
"""A uuid; written with dashes, read with or without."""


def _name(text: str) -> str:
    try:
        return clean_name(text)
    except ValueError as error:
        raise ValueError(f"this {error}") from error


def _text(text: str) -> str:
    try:
        return check_text(text)
    except ValueError as error:
        raise ValueError(f"this {error}") from error


Name = Annotated[
    str,
    AfterValidator(_name),
    WithJsonSchema({"type": "string", "maxLength": MAX_NAME, "pattern": NAME_PATTERN}),
]
"""Of a person; :mod:`faceserver.texts` has the rule."""

COLLECTION_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
CollectionName = Annotated[str, Field(pattern=COLLECTION_NAME)]

Tag = Name
Tags = Annotated[tuple[Tag, ...], Field(max_length=MAX_TAGS)]

Text = Annotated[
    str,
    AfterValidator(_text),
    WithJsonSchema({"type": "string", "maxLength": MAX_TEXT, "pattern": TEXT_PATTERN}),
]
"""An external id, or what a picture is called."""

_URL = re.compile(r"(?i)https?://[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*")


def _web_address(value: object) -> object:
    if not isinstance(value, str):
        return value
    url = trimmed(value)
    if not _URL.fullmatch(url):
        raise ValueError("this is not an http or https URL")
    if tellable(url) != url:  # what cannot be kept is not taken
        raise ValueError("send the user name and password in auth, not in the URL")
    return url


Url = Annotated[
    str,
    BeforeValidator(_web_address),
    Field(max_length=MAX_URL),
    WithJsonSchema({"type": "string", "format": "uri", "maxLength": MAX_URL}),
]
"""Of a picture: http or https, without blanks around it.

Whether it may be fetched is found out when it is.
"""


def _whole(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


WHOLE = BeforeValidator(_whole)
"""Of a whole number in JSON, where 5.0 is the same number as 5."""

WholeNumber = Annotated[int, WHOLE]
"""One of any size."""

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

    limit: int = Field(default=100, ge=1, le=MAX_LIMIT, description="Maximum number of items.")
    cursor: str | None = Field(
        default=None, min_length=1, max_length=500, description="`next` of the previous page."
    )


class PageOf(Answer, Generic[Item]):
    """Some of a list."""

    items: tuple[Item, ...]
    next: str | None = Field(description="The `cursor` of the next page; null after the last.")


class CollectionPath(Path):
    """A collection by its name."""

    collection: CollectionName = Field(
        description="Name of the collection; `default` always exists."
    )


class FieldProblem(Answer):
    """What is wrong with one field."""

    detail: str
    pointer: str | None = Field(default=None, description="JSON pointer to the field in the body.")
    parameter: str | None = Field(default=None, description="Name of the path or query parameter.")


class Problem(Answer):
    """An error in the format of RFC 9457."""

    type: str = "about:blank"
    title: str = Field(description="The status in words.")
    status: int
    detail: str = Field(description="Human-readable; may change.")
    code: str = Field(description="Machine-readable; stable.")
    request_id: str = Field(description="Identifies this request in the server's log.")
    errors: tuple[FieldProblem, ...] = Field(default=(), description="The invalid fields.")
