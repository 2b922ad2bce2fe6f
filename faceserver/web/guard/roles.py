"""A worker is no server for users: it tells how it is, and nothing else."""

from flask import Flask, request

from faceserver.errors import NotServed
from faceserver.web.context import backend_of
from faceserver.web.guard.draining import FOR_OPERATORS


def register(app: Flask) -> None:
    """Refuse requests that a server in the role of a worker is not there for.

    Raises (in requests):
        NotServed: it is one.
    """
    if backend_of(app).settings.role != "worker":
        return

    @app.before_request
    def refuse() -> None:
        if request.endpoint not in FOR_OPERATORS:
            raise NotServed(
                "this server only runs jobs (FACESERVER_ROLE=worker): ask one that answers requests"
            )
