"""Which collection a page works on: the one that its address names, and all links lead on with it.

``?collection=NAME`` stands in the address of a page, so that two tabs may work in two collections
and a link shows others the same. A key that is bound to a collection knows no other.
"""

from typing import Any

from flask import Flask, g, has_request_context, request

from faceserver.errors import NotFound
from faceserver.store.results import DEFAULT
from faceserver.web.context import backend, services
from faceserver.web.guard.auth import Caller

PARAMETER = "collection"

PAGE_BLUEPRINTS = frozenset({"pages", "gallery"})
_DOCS = "v1_docs.page"


def register(app: Flask) -> None:
    """Read the collection from each page's address, and put it into all addresses of pages."""
    app.before_request(_read)
    app.url_defaults(_keep)


def chosen() -> str:
    """The collection that this page works on."""
    # Before the caller is known a request may be refused, and the answer is a page as well.
    known: Caller = g.get("caller", Caller())
    return known.collection or str(g.get("chosen_collection", DEFAULT))


def in_address() -> str | None:
    """What the addresses of pages name; None where there is no choice, or the default one."""
    known: Caller = g.get("caller", Caller())
    return None if known.collection or chosen() == DEFAULT else chosen()


def _read() -> None:
    """Take the collection that a page's address names.

    Raises:
        NotFound: there is none of that name; nothing is told to who is not signed in.
    """
    name = request.args.get(PARAMETER, "")
    known: Caller = g.get("caller", Caller())
    if not name or not _is_page(request.endpoint) or known.scope is None or known.collection:
        return
    # A server that is still starting knows no collections, and its pages open all the same.
    if backend().health()["status"] == "ready" and name not in services().collections.names():
        raise NotFound(f"there is no collection {name!r}")
    g.chosen_collection = name


def _keep(endpoint: str, values: dict[str, Any]) -> None:
    if has_request_context() and _is_page(endpoint) and (name := in_address()):
        values.setdefault(PARAMETER, name)


def _is_page(endpoint: str | None) -> bool:
    return endpoint == _DOCS or (endpoint or "").partition(".")[0] in PAGE_BLUEPRINTS
