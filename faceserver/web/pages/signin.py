"""Signing in and out, for browsers.

The browser shows a key once and gets a cookie that scripts cannot read and other sites cannot
send. Every page then carries a token that a change must come with.
"""

from flask import Blueprint, Flask, g, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from faceserver.web.context import backend
from faceserver.web.guard.auth import COOKIE, CSRF_FIELD, Caller, caller, caller_of, gate, shown_key
from faceserver.web.guard.scopes import scope
from faceserver.web.pages.languages import cookie_path, own_address

blueprint = Blueprint("signin", __name__)


def register(app: Flask) -> None:
    """Tell every page who is signed in."""

    @app.context_processor
    def who() -> dict[str, object]:
        # Before the caller is known a request may be refused, and the answer is a page as well.
        known: Caller = g.get("caller", Caller())
        return {
            "scope": known.scope,
            "is_administrator": known.scope == "admin" and known.collection is None,
            "is_bound": known.collection is not None,
            "signed_in": known.session is not None,
            "signed_in_as": known.name,
            "csrf_field": CSRF_FIELD,
            "csrf_token": known.session.csrf_token if known.session else "",
            "open_to_all": known.key_id is None and known.scope is not None,
        }


@blueprint.get("/signIn")
@scope("public")
def page() -> ResponseReturnValue:
    """Ask for a key; lead on where none is needed."""
    if caller().scope is not None:
        return redirect(_next())
    return render_template("signin.html", next=_next(), refused=False)


@blueprint.post("/signIn")
@scope("public", body="small")
def sign_in() -> ResponseReturnValue:
    """Begin a session for who shows a good key."""
    key = gate().keys.find(shown_key())
    if key is None:
        g.error_code = "not_authenticated"
        return make_response(render_template("signin.html", next=_next(), refused=True), 401)
    _end_session()
    secret, session = gate().sessions.begin(key.id)
    g.caller = caller_of(key, session)
    answer = make_response(redirect(_next(), 303))
    answer.set_cookie(
        COOKIE,
        secret,
        path=cookie_path(),
        max_age=int(gate().sessions.seconds),
        httponly=True,
        samesite="Strict",
        secure=backend().settings.secure_cookies or request.is_secure,
    )
    return answer


@blueprint.post("/signOut")
@scope("public", body="small")
def sign_out() -> ResponseReturnValue:
    """End the session."""
    _end_session()
    answer = make_response(redirect(url_for(".page"), 303))
    answer.delete_cookie(COOKIE, path=cookie_path(), httponly=True, samesite="Strict")
    # Stored pictures may be kept by the browser for a year, as long as somebody is signed in.
    answer.headers["Clear-Site-Data"] = '"cache"'
    return answer


def _end_session() -> None:
    gate().sessions.end(request.cookies.get(COOKIE, ""))


def _next() -> str:
    """Where to go on: a path of ours that the request names, or the start."""
    return own_address(request.values.get("next", "")) or url_for("pages.home")
