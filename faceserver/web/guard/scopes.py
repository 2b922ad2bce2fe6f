"""What a caller must be allowed to do, written beside each view.

Every view function of the app carries a mark; :func:`check` refuses to start an app that has one
without. Whoever adds a route decides who may call it, or the server does not come up.

    @blueprint.get("/collections/<collection>/faces")
    @scope("read")
    def faces(collection: str) -> ResponseReturnValue: ...

The mark stands below the route's decorator, so that what is registered has it.
"""

from collections.abc import Callable
from typing import Any, Literal, TypeVar

from flask import Flask

Scope = Literal["public", "read", "write", "admin"]
"""Who may call: anybody, or holders of a key with this scope or a greater one."""

Reach = Literal["path", "default", "none", "view"]
"""Which collection a view touches, for keys that are bound to one.

path: the one that the URL names in its variable ``collection``; without such a variable the view
    concerns the server as a whole, and bound keys are refused.
default: the default collection.
none: no collection at all, so that every key will do.
view: the view finds out by itself, and calls ``auth.require_collection``.
"""

View = TypeVar("View", bound=Callable[..., Any])


def scope(name: Scope, *, reach: Reach = "path") -> Callable[[View], View]:
    """Mark a view function with what its caller must be allowed to do."""

    def marked(view: View) -> View:
        view.scope = name  # type: ignore[attr-defined]
        view.reach = reach  # type: ignore[attr-defined]
        return view

    return marked


def mark(app: Flask, endpoint: str, name: Scope, *, reach: Reach = "path") -> None:
    """Mark a view that a library has registered; methods, which take no marks, are wrapped."""
    view: Callable[..., Any] = app.view_functions[endpoint]

    @scope(name, reach=reach)
    def marked(**variables: Any) -> Any:
        return view(**variables)

    app.view_functions[endpoint] = marked


def scope_of(app: Flask, endpoint: str) -> Scope:
    """The scope that an endpoint's view is marked with."""
    found: Scope = vars(app.view_functions[endpoint])["scope"]
    return found


def reach_of(app: Flask, endpoint: str) -> Reach:
    """Which collection an endpoint's view touches."""
    found: Reach = vars(app.view_functions[endpoint])["reach"]
    return found


def check(app: Flask) -> None:
    """Refuse an app with a view that carries no mark.

    Raises:
        RuntimeError: with the endpoints that lack it; this is a mistake in the code.
    """
    bare = sorted(name for name, view in app.view_functions.items() if not hasattr(view, "scope"))
    if bare:
        raise RuntimeError(f"these endpoints have no scope, see web/scopes.py: {', '.join(bare)}")
