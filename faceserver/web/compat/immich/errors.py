"""How errors are told: as the original server's framework does."""

from flask import Response, jsonify

from faceserver.web.protocol import Failure


def render(failure: Failure) -> Response:
    """The answer to a request that failed; Immich reads the status, its log shows the rest."""
    response = jsonify(detail=failure.message, code=failure.code)
    response.status_code = failure.status
    return response
