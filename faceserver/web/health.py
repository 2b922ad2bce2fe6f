"""Whether the server is ready, and why it is not."""

from flask import Blueprint
from flask.typing import ResponseReturnValue

from faceserver.web.context import backend

blueprint = Blueprint("health", __name__)


@blueprint.get("/health")
def health() -> ResponseReturnValue:
    """Answer 200 when ready, 503 while starting or failed."""
    state = dict(backend().health())
    status = 200 if state["status"] == "ready" else 503
    return state, status, {"Cache-Control": "no-store"}
