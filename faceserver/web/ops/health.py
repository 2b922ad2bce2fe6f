"""Whether the server is alive, whether it is ready, and why it is not."""

from flask import Blueprint
from flask.typing import ResponseReturnValue

from faceserver.web.context import backend
from faceserver.web.guard.auth import caller
from faceserver.web.guard.scopes import scope

blueprint = Blueprint("health", __name__)

_FOR_EVERYBODY = ("status", "version")
_FRESH = {"Cache-Control": "no-store"}


@blueprint.get("/health")
@scope("public", vital=True)
def health() -> ResponseReturnValue:
    """Answer 200 when ready, 503 while starting, stopping or failed.

    Without a key, where one is needed, the answer leaves out what the server holds and why it
    failed.
    """
    state = dict(backend().health())
    ready = state["status"] == "ready"
    if caller().scope is None:
        state = {name: state[name] for name in _FOR_EVERYBODY if name in state}
    return {**state, "live": True, "ready": ready}, 200 if ready else 503, _FRESH


@blueprint.get("/health/live")
@scope("public", vital=True)
def live() -> ResponseReturnValue:
    """Answer 200 as long as the process answers at all: starting it anew would not help."""
    return {"live": True}, 200, _FRESH


@blueprint.get("/health/ready")
@scope("public", vital=True)
def ready() -> ResponseReturnValue:
    """Answer 200 when requests are served, 503 otherwise."""
    is_ready = backend().health()["status"] == "ready"
    return {"ready": is_ready}, 200 if is_ready else 503, _FRESH
