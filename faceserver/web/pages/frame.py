"""What every page has around its content: navigation, and data for its scripts."""

from collections.abc import Mapping

from flask import Flask, Response, g, request
from flask_babel import LazyString, lazy_gettext

from faceserver.web.context import backend
from faceserver.web.guard.auth import Caller
from faceserver.web.pages.assets import asset
from faceserver.web.pages.chosen import PAGE_BLUEPRINTS, chosen, in_address
from faceserver.web.pages.languages import script_texts
from faceserver.web.pages.sentences import sentence, sentences

_ = lazy_gettext

NAVIGATION: Mapping[str, LazyString] = {
    "pages.register": _("Register"),
    "pages.retrieve": _("Retrieve"),
    "pages.live": _("Live"),
    "pages.compare": _("Compare"),
    "gallery.people": _("People"),
    "gallery.jobs": _("Jobs"),
    "gallery.status": _("Status"),
}
"""The pages of the bar, by their endpoints."""


def register(app: Flask) -> None:
    """Give every template what ``base.html`` shows."""
    app.after_request(_may_come_back)
    app.context_processor(
        lambda: {
            "navigation": NAVIGATION,
            "page_data": page_data,
            "sentence": _sentence,
            "collection": chosen(),
        }
    )


def _may_come_back(response: Response) -> Response:
    """Let a browser keep a page that one has left, for Back; ``js/frame.js`` looks who comes back.

    The page is asked for anew whenever it is opened: it holds who is signed in.
    """
    if response.status_code == 200 and request.blueprint in PAGE_BLUEPRINTS:
        response.headers["Cache-Control"] = "private, no-cache"
    return response


def page_data() -> Mapping[str, object]:
    """What the scripts of every page know; ``js/page.js`` reads it."""
    settings = backend().settings
    # Before the caller is known a request may be refused, and the answer is a page as well.
    known: Caller = g.get("caller", Caller())
    return {
        "root": f"{request.script_root}/",
        "assets": asset(""),
        "collection": chosen(),
        "inAddress": in_address(),
        "isBound": known.collection is not None,
        "scope": known.scope,
        "isOpen": known.key_id is None and known.scope is not None,
        "maxFileBytes": settings.max_file_bytes,
        "maxUrls": settings.max_job_items,
        "texts": script_texts(),
        "sentences": sentences(settings),
    }


def _sentence(code: str) -> str:
    return sentence(code, backend().settings)
