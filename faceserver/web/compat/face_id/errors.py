"""How errors are told: as FastAPI, which the original server is made with, tells them."""

from collections.abc import Iterator
from typing import Any

from flask import Response, jsonify

from faceserver.web.protocol import Failure

_UNPROCESSABLE = 422
_PLAIN = frozenset({401, 403, 404, 405, 429})


def render(failure: Failure) -> Response:
    """The answer to a request that failed: 422 with a list for whatever is wrong with its body."""
    is_plain = failure.status in _PLAIN or failure.status >= 500
    if is_plain or failure.code == "request_too_large":
        response = jsonify(detail=failure.message)
        response.status_code = failure.status
        return response
    response = jsonify(detail=list(_faults(failure)))
    response.status_code = _UNPROCESSABLE
    return response


def _faults(failure: Failure) -> Iterator[dict[str, Any]]:
    if not failure.fields:
        yield {"type": failure.code, "loc": ["body"], "msg": failure.message}
    for field in failure.fields:
        place = (field.pointer or "").lstrip("#").strip("/").split("/")
        yield {
            "type": failure.code,
            "loc": ["body", *(int(part) if part.isdecimal() else part for part in place if part)],
            "msg": field.detail,
        }
