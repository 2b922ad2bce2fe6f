"""How errors are told: as a line of text, since the answer is text."""

from flask import Response

from faceserver.web.protocol import Failure


def render(failure: Failure) -> Response:
    """The answer to a request that failed."""
    line = f"{failure.code}: {failure.message}\n"
    return Response(line, failure.status, mimetype="text/plain")
