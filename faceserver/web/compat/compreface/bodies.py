"""Bodies of JSON: names, ids and embeddings."""

import json
import math
import re
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Request
from werkzeug.exceptions import RequestEntityTooLarge

from faceserver.errors import RequestTooLarge
from faceserver.web.compat.compreface.errors import (
    BAD_NAME,
    BAD_VALUE,
    FEW_EMBEDDINGS,
    NO_FIELD,
    Refusal,
    malformed,
)
from faceserver.web.guard.bodies import check_json
from faceserver.web.jsontext import strict_json, utf8_json

_PICTURES = (b'"file"', b'"source_image"', b'"embeddings"', b'"targets"')
"""The keys of what may be large."""

_UUID = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}", re.I)
_MOST_CHARACTERS = 50
_FORBIDDEN = frozenset(";/\\")


def json_object(request: Request) -> Mapping[str, Any]:
    """The JSON object of a request; nobody looks at its Content-Type.

    Raises:
        Refusal: it is none.
        RequestTooLarge: it is over its limit.
    """
    body = _json(request)
    if not isinstance(body, dict):
        raise malformed()
    return body


def new_name(request: Request) -> str:
    """The name in a body, as a subject can be called.

    Raises:
        Refusal: it cannot.
    """
    name = json_object(request).get("subject")
    if isinstance(name, int | float):
        name = json.dumps(name)
    if isinstance(name, list | dict):
        raise malformed()
    if name is None or not name.strip():
        raise Refusal(BAD_VALUE, "Subject name cannot be empty")
    if len(name) > _MOST_CHARACTERS:
        raise Refusal(BAD_VALUE, "Subject name size must be between 1 and 50")
    if not _FORBIDDEN.isdisjoint(name):
        raise Refusal(
            BAD_NAME,
            "The name cannot contain the following special characters: ';', '/', '\\'",
        )
    return str(name)


def image_ids(request: Request) -> list[str]:
    """The ids in a body.

    Raises:
        Refusal: it is no list of ids.
    """
    body = _json(request)
    if not isinstance(body, list):
        raise malformed()
    return [image_id(item) for item in body]


def image_id(text: object) -> str:
    """An id of an image, as 32 hexadecimal digits.

    Raises:
        Refusal: it is no UUID.
    """
    if not isinstance(text, str) or not _UUID.fullmatch(text):
        raise malformed()
    return UUID(text).hex


def embeddings(body: Mapping[str, Any], field: str) -> list[list[float]]:
    """The embeddings in a field of a body; one at least.

    Raises:
        Refusal: there are none, or they are no numbers.
    """
    found = _present(body, field)
    if not isinstance(found, list):
        raise malformed()
    if not found:
        raise Refusal(FEW_EMBEDDINGS, "1 embeddings were expected, but 0 were provided")
    return [_numbers(item) for item in found]


def embedding(body: Mapping[str, Any], field: str) -> list[float]:
    """The embedding in a field of a body.

    Raises:
        Refusal: there is none, or it is no list of numbers.
    """
    found = _numbers(_present(body, field))
    if not found:
        raise Refusal(NO_FIELD, f"Field {field} cannot be empty")
    return found


def _present(body: Mapping[str, Any], field: str) -> object:
    if body.get(field) is None:
        raise Refusal(NO_FIELD, f"Field {field} cannot be empty")
    return body[field]


def _numbers(value: object) -> list[float]:
    if not isinstance(value, list):
        raise malformed()
    if not all(type(item) in {int, float} and abs(item) < math.inf for item in value):
        raise malformed()
    try:
        return [float(item) for item in value]
    except OverflowError as error:
        raise malformed() from error


def _json(request: Request) -> object:
    try:
        data = utf8_json(request.get_data())
        check_json(data, _PICTURES)
        body = strict_json(data)
    except RequestEntityTooLarge as error:
        raise RequestTooLarge("the body is too large") from error
    except (ValueError, RecursionError) as error:
        raise malformed() from error
    return body
