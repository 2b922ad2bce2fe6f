"""How the v1 API tells errors: as problem details (RFC 9457)."""

from flask import Response

from faceserver.web.problems import problem
from faceserver.web.protocol import Failure, Protocol


def render(failure: Failure) -> Response:
    """The answer to a request that failed."""
    return problem(failure.status, failure.code, failure.message, failure.fields)


V1 = Protocol("v1", render, prefixes=("/v1/",))
