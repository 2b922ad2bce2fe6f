"""How errors are told: the status once more as ``code``, beside the request's id."""

from flask import Response, g, jsonify

from faceserver.web.protocol import Failure


def render(failure: Failure) -> Response:
    """The answer to a request that failed."""
    response = jsonify(id=g.get("vision_id", ""), code=failure.status, error=failure.message)
    response.status_code = failure.status
    return response
