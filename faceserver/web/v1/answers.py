"""Answers out, and how OpenAPI tells of them."""

from collections import defaultdict
from http import HTTPStatus
from typing import Any

from flask import Response
from flask_openapi3.types import ResponseDict
from pydantic import BaseModel

from faceserver.web.errors import STATUS
from faceserver.web.problems import MIMETYPE

_PROBLEM = {MIMETYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
_ALWAYS = ("invalid_request", "internal_error", "not_ready")
PICTURE = (
    "request_too_large",
    "unsupported_media_type",
    "file_too_large",
    "empty_file",
    "not_an_image",
    "truncated_image",
    "image_too_small",
    "too_many_pixels",
    "too_many_faces",
    "invalid_url",
    "url_forbidden",
    "url_timeout",
    "url_failed",
    "busy",
)
"""What can be wrong with a picture, however it comes."""

BODY = ("request_too_large", "unsupported_media_type")
"""What can be wrong with a body."""


def answers(*codes: str, **models: type[BaseModel]) -> ResponseDict:
    """What a route answers: ``answers("not_found", ok=Face)``.

    Args:
        codes: of its errors, apart from those that every route has.
        models: of its successes, by the names of :class:`http.HTTPStatus` in lower case.
    """
    told: ResponseDict = {HTTPStatus[name.upper()].value: model for name, model in models.items()}
    return {**told, **_problems(codes)}


def picture_answer(*codes: str, mimetype: str = "image/jpeg") -> ResponseDict:
    """What a route answers that sends a picture."""
    sent = {"content": {mimetype: {"schema": {"type": "string", "format": "binary"}}}}
    return {200: {**sent, "description": "The picture."}, **_problems(codes)}


def reply(model: BaseModel, status: int = 200) -> Response:
    """An answer that is as its model says."""
    return Response(model.model_dump_json(by_alias=True), status, mimetype="application/json")


def _problems(codes: tuple[str, ...]) -> ResponseDict:
    by_status: defaultdict[int, list[str]] = defaultdict(list)
    for code in (*codes, *_ALWAYS):
        by_status[_status(code)].append(f"`{code}`")
    described: dict[Any, Any] = {
        status: {"description": ", ".join(names), "content": _PROBLEM}
        for status, names in sorted(by_status.items())
    }
    # Who calls, and how often, is judged before the route is reached: 401, 403, 429 and others.
    return {**described, "default": {"description": "Any other error.", "content": _PROBLEM}}


def _status(code: str) -> int:
    return 415 if code == "unsupported_media_type" else STATUS[code]
