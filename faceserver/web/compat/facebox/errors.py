"""How Facebox tells errors."""

from flask import Response, jsonify

from faceserver.web.protocol import Failure

_BAD_REQUEST = 400
_OTHER_STATUSES = frozenset({401, 403, 404, 405, 413, 429})


def render(failure: Failure) -> Response:
    """The answer to a request that failed."""
    is_other = failure.status in _OTHER_STATUSES and failure.code != "file_too_large"
    response = jsonify(success=False, error=failure.message)
    response.status_code = failure.status if is_other or failure.status >= 500 else _BAD_REQUEST
    return response
