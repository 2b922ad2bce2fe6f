"""Who calls, and whether they may.

A program shows its key where its protocol says; a browser that has signed in holds a session
cookie. As long as no API key exists, a server on loopback is open, and everybody is its
administrator.
"""

import hmac
from collections.abc import Callable
from dataclasses import dataclass

from flask import Flask, Request, current_app, g, request

from faceserver.access.base import Keys
from faceserver.access.guard import Gate
from faceserver.access.keys import KEY_SCOPES, Key, KeyScope
from faceserver.access.sessions import Session
from faceserver.errors import CsrfFailed, NotAuthenticated, NotPermitted, StoreError
from faceserver.runtime.admission import HEADERS_ALONE
from faceserver.store.results import DEFAULT
from faceserver.web import protocol
from faceserver.web.doors import listener_of, path_key
from faceserver.web.guard.scopes import Reach, mark_of

COOKIE = "faceserver_session"
CSRF_HEADER = "X-CSRF-Token"
CSRF_FIELD = "csrf_token"

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

_FOR_SUPERVISORS = frozenset({"health.live", "health.ready"})
"""They are the same for everybody, and must not wait for the disk where the keys are."""


@dataclass(frozen=True)
class Caller:
    """Who sent a request.

    Attributes:
        name: the key's; "anonymous" without one.
        key_id: of the key, None without one.
        scope: what they may do, None for nothing but what is public.
        collection: the only one that they reach, None for all.
        session: of a browser that has signed in.
    """

    name: str = "anonymous"
    key_id: str | None = None
    scope: KeyScope | None = None
    collection: str | None = None
    session: Session | None = None

    def may(self, needed: KeyScope) -> bool:
        """Whether their scope is the needed one or a greater one."""
        if self.scope is None:
            return False
        return KEY_SCOPES.index(self.scope) >= KEY_SCOPES.index(needed)


def gate_of(app: Flask) -> Gate:
    """The gate of an app."""
    found: Gate = app.extensions["faceserver_gate"]
    return found


def gate() -> Gate:
    """The gate of the app that serves the current request."""
    found: Gate = current_app.extensions["faceserver_gate"]
    return found


def caller() -> Caller:
    """Who sent the current request."""
    found: Caller = g.caller
    return found


def require_collection(name: str) -> None:
    """Refuse callers whose key is bound to another collection.

    Raises:
        NotPermitted: the caller's key is.
    """
    bound = caller().collection
    if bound is not None and name != bound:
        raise NotPermitted(f"this key is restricted to the collection {bound!r}")


def own_collection() -> str:
    """The collection that the caller's key is bound to; the default one, if it reaches all."""
    return caller().collection or DEFAULT


def require_scope(needed: KeyScope) -> None:
    """Refuse callers who may not do this; for what only some requests to a view need.

    Raises:
        NotAuthenticated: no key came, or none that is good.
        NotPermitted: the caller's scope is another.
    """
    who = caller()
    if who.scope is None and g.bad_signature is not None:
        raise g.bad_signature
    if who.scope is None:
        reason = "this key is not good, or not any more" if _token() else "a key is needed"
        raise NotAuthenticated(f"{reason}: send `{protocol.current().key_place}`")
    if not who.may(needed):
        raise NotPermitted(f"this needs the scope {needed!r}; the key has {who.scope!r}")


def identify(app: Flask) -> None:
    """Find out, before each request, who calls; nobody is refused yet.

    Where the keys cannot be read, everybody is a stranger.
    """

    @app.before_request
    def find_out() -> None:
        g.caller, g.unreadable_keys, g.bad_signature = Caller(), None, None
        if request.endpoint in _FOR_SUPERVISORS:
            return
        try:
            known = _at_listener() or _with_key() or _with_session()
            g.caller = known or Caller(scope="admin" if gate().is_open() else None)
        except StoreError as error:
            g.unreadable_keys = error


def authorize(app: Flask) -> None:
    """Refuse, before each request, who may not do what it asks for.

    Raises (in requests):
        NotAuthenticated: no key came, or none that is good.
        CsrfFailed: a signed-in browser sent a change without the token of its session.
        NotPermitted: the caller's scope or collection is another.
        StoreError: the keys cannot be read.
    """

    @app.before_request
    def refuse() -> None:
        # Without a rule the answer is 404 or 405; OPTIONS is Flask's own and tells the methods.
        if request.endpoint is None or request.method == "OPTIONS":
            return
        _require_csrf_token()
        mark = mark_of(current_app, request.endpoint)
        if mark.scope != "public" and not _may_yet_show_a_key():
            if g.unreadable_keys is not None:
                raise g.unreadable_keys
            require_scope(mark.scope)
            if caller().collection is not None:
                _require_reach(mark.reach)


def caller_of(key: Key, session: Session | None = None) -> Caller:
    """The caller that holds a key."""
    return Caller(key.name, key.id, key.scope, key.collection, session)


def shown_key() -> str:
    """The key in the form that a browser signs in with; empty without one."""
    return request.form.get("key", "").strip()


def _at_listener() -> Caller | None:
    """Whoever comes to an address of its own: clients of its protocol have no keys."""
    listener = listener_of(request.environ)
    if listener is None:
        return None
    return Caller(f"listener {listener.name}", None, listener.scope, listener.collection)


def _with_key() -> Caller | None:
    authenticate = protocol.current().authenticate
    key = _signer(authenticate) if authenticate else None
    token = None if key else _token()
    if token:
        key = gate().keys.find(token)
    return caller_of(key) if key else None


def _signer(authenticate: Callable[[Request, Keys], Key | None]) -> Key | None:
    """The key that the request is signed with; what is wrong with the signature is told later."""
    try:
        return authenticate(request, gate().keys)
    except NotAuthenticated as error:
        g.bad_signature = error
        return None


def _token() -> str | None:
    """The key, from where clients of the request's protocol put it."""
    return protocol.current().credentials(request) or path_key(request.environ)


def _with_session() -> Caller | None:
    secret = request.cookies.get(COOKIE)
    if not secret or _token():  # a bad key is not made good by a cookie
        return None
    session = gate().sessions.find(secret)
    key = gate().keys.get(session.key_id) if session else None
    return caller_of(key, session) if key else None


def _require_csrf_token() -> None:
    session = caller().session
    if session is None or request.method in _SAFE_METHODS:
        return
    sent = request.headers.get(CSRF_HEADER)
    if sent is None and request.mimetype == "application/x-www-form-urlencoded":
        if request.environ.get(HEADERS_ALONE):
            return  # it may stand in the form, which is judged when it is there
        sent = request.form.get(CSRF_FIELD)
    if not hmac.compare_digest((sent or "").encode(), session.csrf_token.encode()):
        raise CsrfFailed("this page has expired: reload it")


def _may_yet_show_a_key() -> bool:
    """Whether the body, which is not there yet, can hold the key; it is judged when it is there."""
    if caller().scope is not None or g.bad_signature is not None:
        return False
    in_body = protocol.current().key_in_body
    may_come = in_body(request) if callable(in_body) else in_body
    return may_come and bool(request.environ.get(HEADERS_ALONE))


def _require_reach(reach: Reach) -> None:
    """Refuse a caller who is bound to a collection where another one is reached."""
    if reach in {"own", "none", "view"}:
        return
    if reach == "default":
        require_collection(DEFAULT)
    elif "collection" in (request.view_args or {}):
        require_collection(str((request.view_args or {})["collection"]))
    else:
        raise NotPermitted("this concerns all collections; the key is restricted to one")
