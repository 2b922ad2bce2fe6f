"""How errors are told: the app takes any status but 200 for a failure, and logs the text."""

from flask import Response, jsonify

from faceserver.web.protocol import Failure

_TOO_LARGE = 412
_STATUS = {"too_many_pixels": _TOO_LARGE, "file_too_large": _TOO_LARGE}
"""What the reference server answers where a picture is larger than its ``maximum_area``."""


def render(failure: Failure) -> Response:
    """The answer to a request that failed."""
    response = jsonify(error=failure.message, code=failure.code)
    response.status_code = _STATUS.get(failure.code, failure.status)
    return response
