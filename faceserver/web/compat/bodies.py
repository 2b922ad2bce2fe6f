"""What the bodies of several protocols have in common, read leniently and within the limits."""

from collections.abc import Mapping
from typing import Any

from flask import Request, request
from pydantic import TypeAdapter, ValidationError

from faceserver.api.pictures import Base64
from faceserver.errors import InvalidRequest
from faceserver.web.guard.bodies import check_values
from faceserver.web.jsontext import strict_json, utf8_json

_BASE64 = TypeAdapter(Base64)


def json_object(request_: Request) -> Mapping[str, Any]:
    """The body as a JSON object, whatever its ``Content-Type``.

    Raises:
        InvalidRequest: it is none.
        RequestTooLarge: it is over its limit.
    """
    body = utf8_json(request_.get_data(parse_form_data=False))
    check_values(body)  # pictures have other names here than in the API
    return parsed_object(body)


def parsed_object(text: str | bytes) -> dict[str, Any]:
    """A text as a JSON object.

    Raises:
        InvalidRequest: it is none.
    """
    try:
        found = strict_json(text)
    except (ValueError, RecursionError) as error:
        raise InvalidRequest("this is not valid JSON") from error
    if not isinstance(found, dict):
        raise InvalidRequest("this is not a JSON object")
    return found


def base64_bytes(text: object) -> bytes:
    """Bytes from base64 of either alphabet: in lines, without padding, or as a data URL.

    In an urlencoded form a plus that its sender has not quoted arrives as a blank.

    Raises:
        InvalidRequest: it is none.
    """
    if isinstance(text, str) and request.mimetype == "application/x-www-form-urlencoded":
        head, comma, rest = text.rpartition(",")
        text = head + comma + rest.strip("\r\n\t").lstrip().replace(" ", "+")
    try:
        return _BASE64.validate_python(text)
    except ValidationError as error:
        raise InvalidRequest("this is not base64") from error
