"""What is refused whoever sends it: all that comes while the server stops, and what cannot be read.

What is under way then finishes, nothing new begins.
"""

from flask import Flask, request

from faceserver.errors import ShuttingDown
from faceserver.runtime.admission import REFUSAL
from faceserver.web.context import backend

FOR_OPERATORS = frozenset({"health.health", "health.live", "health.ready", "metrics.show"})
"""Answered by every server, whatever it does besides."""


def register(app: Flask) -> None:
    """Refuse requests that come once the server is stopping, or in which it has found a fault.

    Raises (in requests):
        ShuttingDown: it is stopping.
        FaceServerError: what it has found before the application had the request.
    """

    @app.before_request
    def refuse() -> None:
        if backend().draining and request.endpoint not in FOR_OPERATORS:
            raise ShuttingDown(
                "the server is shutting down; try again later, or use another server"
            )
        refusal = request.environ.get(REFUSAL)
        if refusal is not None:
            raise refusal
