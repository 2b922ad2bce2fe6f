"""Writes down who asked for what, and how it ended."""

from collections.abc import Mapping

from flask import Flask, Response, current_app, g, request

from faceserver.access.event import Event
from faceserver.runtime import logs
from faceserver.web.guard.auth import Caller, gate
from faceserver.web.guard.bodies import is_question
from faceserver.web.guard.scopes import mark_of
from faceserver.web.protocol import KEY_VARIABLE

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_REFUSALS = frozenset(
    {
        "untrusted_host",
        "cross_origin",
        "csrf_failed",
        "not_authenticated",
        "invalid_signature",
        "not_permitted",
        "rate_limited",
    }
)
"""Anybody can bring these about, as often as they like."""

_SHOWN = 100
"""Characters of what a caller has made up."""


def register(app: Flask) -> None:
    """Write an event for each request, except for what anybody may read, and for each refusal."""

    @app.after_request
    def write(response: Response) -> Response:
        if is_question():
            return response
        if g.get("error_code") in _REFUSALS:
            gate().audit.refused(_event(response.status_code))
        elif request.endpoint is not None and "caller" in g:
            is_public = mark_of(current_app, request.endpoint).scope == "public"
            if not is_public or request.method not in _SAFE_METHODS:
                gate().audit.write(_event(response.status_code))
        return response


def note_target(**named: str) -> None:
    """Have the current request's event tell what was asked for, where its address does not.

    Args:
        named: names and ids, never what is in a picture.
    """
    g.audit_target = {**g.get("audit_target", {}), **named}


def _event(status: int) -> Event:
    # Who is refused by host or by origin was not asked for a key.
    who: Caller = g.get("caller", Caller())
    return Event(
        who=f"{who.name} ({who.key_id})" if who.key_id else who.name,
        what=f"{request.method[:_SHOWN]} {request.url_rule or 'no route'}",
        target=_target(),
        result=g.get("error_code", "ok" if status < 400 else f"status {status}"),
        status=status,
        address=request.remote_addr,
        request_id=logs.request_id.get(),
    )


def _target() -> Mapping[str, object]:
    """What was asked for; a body is never written down."""
    refused = {"untrusted_host": "Host", "cross_origin": "Origin"}.get(g.get("error_code", ""))
    if refused is not None:
        return {refused.lower(): request.headers.get(refused, "")[:_SHOWN]}
    # The variables of a route are names and ids; but for the one.
    named = {**(request.view_args or {}), **g.get("audit_target", {})}
    named.pop(KEY_VARIABLE, None)
    return {name: str(value)[:_SHOWN] for name, value in named.items()}
