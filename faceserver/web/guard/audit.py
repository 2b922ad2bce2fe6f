"""Writes down who asked for what, and how it ended."""

from flask import Flask, Response, current_app, g, request

from faceserver.access.audit import Event
from faceserver.runtime import logs
from faceserver.web.guard.auth import caller, gate
from faceserver.web.guard.scopes import scope_of

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def register(app: Flask) -> None:
    """Write an event for each request, except for what anybody may read."""

    @app.after_request
    def write(response: Response) -> Response:
        endpoint = request.endpoint
        if endpoint is None or "caller" not in g or _is_idle(endpoint):
            return response
        gate().audit.write(_event(response.status_code))
        return response


def _is_idle(endpoint: str) -> bool:
    return request.method in _SAFE_METHODS and scope_of(current_app, endpoint) == "public"


def _event(status: int) -> Event:
    who = caller()
    return Event(
        who=f"{who.name} ({who.key_id})" if who.key_id else who.name,
        what=f"{request.method} {request.url_rule}",
        # The variables of a route are names and ids; a body is never written down.
        target=request.view_args or {},
        result=g.get("error_code", "ok" if status < 400 else f"status {status}"),
        status=status,
        address=request.remote_addr,
        request_id=logs.request_id.get(),
    )
