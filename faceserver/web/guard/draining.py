"""While the server stops: what is under way finishes, nothing new begins."""

from flask import Flask, request

from faceserver.errors import ShuttingDown
from faceserver.web.context import backend

FOR_OPERATORS = frozenset({"health.health", "health.live", "health.ready", "metrics.show"})
"""Answered by every server, whatever it does besides."""


def register(app: Flask) -> None:
    """Refuse requests that come once the server is stopping.

    Raises (in requests):
        ShuttingDown: it is.
    """

    @app.before_request
    def refuse() -> None:
        if backend().draining and request.endpoint not in FOR_OPERATORS:
            raise ShuttingDown(
                "the server is shutting down; try again later, or use another server"
            )
