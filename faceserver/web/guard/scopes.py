"""Who may call a view, and how much they may send it, written beside each view.

Every view function of the app carries a mark; :func:`check` refuses to start an app that has one
without, or one that takes a body and does not say how large. Whoever adds a route decides both, or
the server does not come up.

    @blueprint.post("/collections/<collection>/faces")
    @scope("write", body="picture")
    def add(collection: str) -> ResponseReturnValue: ...

The mark stands below the route's decorator, so that what is registered has it. How many bytes a
kind of body may have is told in :mod:`faceserver.web.guard.bodies`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from flask import Flask

Scope = Literal["public", "read", "write", "admin"]
"""Who may call: anybody, or holders of a key with this scope or a greater one."""

Reach = Literal["path", "default", "own", "none", "view"]
"""Which collection a view touches, for keys that are bound to one.

path: the one that the URL names in its variable ``collection``; without such a variable the view
    concerns the server as a whole, and bound keys are refused.
default: the default collection.
own: the one that the caller's key is bound to, or the default one; see ``auth.own_collection``.
none: no collection at all, so that every key will do.
view: the view finds out by itself, and calls ``auth.require_collection``.
"""

Body = Literal[
    "small",
    "fields",
    "ids",
    "urls",
    "picture",
    "two pictures",
    "frames",
    "pictures",
    "pictures in JSON",
    "embeddings",
    "job",
]
"""What a view takes, which says how large its requests may be."""

_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})

View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True)
class Mark:
    """What is written beside a view.

    Attributes:
        scope: what its caller must be allowed to do.
        reach: which collection it touches.
        body: what it takes; None where it does not say, which is little.
        vital: it is answered however busy the server is.
    """

    scope: Scope
    reach: Reach
    body: Body | None
    vital: bool


def scope(
    name: Scope, *, reach: Reach = "path", body: Body | None = None, vital: bool = False
) -> Callable[[View], View]:
    """Mark a view function.

    Args:
        name: what its caller must be allowed to do.
        reach: which collection it touches.
        body: what it takes; a view of POST, PUT or PATCH has to say.
        vital: it is answered however busy the server is. It must be quick, and its address must
            have no variables.
    """

    def marked(view: View) -> View:
        view.mark = Mark(name, reach, body, vital)  # type: ignore[attr-defined]
        return view

    return marked


def mark(app: Flask, endpoint: str, name: Scope, *, reach: Reach = "path") -> None:
    """Mark a view that a library has registered; methods, which take no marks, are wrapped."""
    view: Callable[..., Any] = app.view_functions[endpoint]

    @scope(name, reach=reach)
    def marked(**variables: Any) -> Any:
        return view(**variables)

    app.view_functions[endpoint] = marked


def mark_of(app: Flask, endpoint: str) -> Mark:
    """What an endpoint's view is marked with."""
    found: Mark = vars(app.view_functions[endpoint])["mark"]
    return found


def vital_paths(app: Flask) -> frozenset[str]:
    """The addresses of the views that are answered however busy the server is."""
    return frozenset(
        rule.rule for rule in app.url_map.iter_rules() if mark_of(app, rule.endpoint).vital
    )


def check(app: Flask) -> None:
    """Refuse an app with a view that carries no mark, or takes a body of any size.

    Raises:
        RuntimeError: with the endpoints that lack it; this is a mistake in the code.
    """
    bare = sorted(name for name, view in app.view_functions.items() if not hasattr(view, "mark"))
    if bare:
        raise RuntimeError(
            f"these endpoints have no scope; see web/guard/scopes.py: {', '.join(bare)}"
        )
    unbounded = sorted(
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if (rule.methods or set()) & _WITH_BODY and mark_of(app, rule.endpoint).body is None
    )
    if unbounded:
        raise RuntimeError(
            f"these endpoints do not say what body they take, see web/guard/scopes.py: "
            f"{', '.join(unbounded)}"
        )
