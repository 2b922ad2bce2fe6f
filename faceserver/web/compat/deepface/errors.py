"""How errors are told: ``exception`` for what is missing, ``error`` for all else; no tracebacks."""

from flask import Response, jsonify, request

from faceserver.errors import FaceServerError
from faceserver.web.protocol import Failure

_BAD_REQUEST, _UNAUTHORIZED = 400, 401
_KEPT = frozenset({403, 404, 405, 413, 429})
"""Statuses that say more than 400 does; all others below 500 are 400 there."""

_DOING = {
    "represent": "representing",
    "verify": "verifying",
    "analyze": "analyzing",
    "register": "registering",
    "search": "searching",
}


class MissingArgument(FaceServerError):
    """An argument that must be there is not."""

    code = "missing_argument"


def render(failure: Failure) -> Response:
    """The answer to a request that failed."""
    status = failure.status
    if status == _UNAUTHORIZED:
        body = {"message": "Invalid or missing authentication token"}
    elif failure.code == MissingArgument.code:
        body = {"exception": failure.message}
    else:
        doing = _DOING.get((request.endpoint or "").rpartition(".")[2])
        told = f"Exception while {doing}: {failure.message}" if doing else failure.message
        body = {"error": told}
        if _BAD_REQUEST <= status < 500 and status not in _KEPT:
            status = _BAD_REQUEST
    response = jsonify(body)
    response.status_code = status
    return response
