"""The HTML pages; what they show they get from the API, through scripts."""

from flask import Blueprint, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from faceserver import __version__
from faceserver.web.guard.auth import Caller
from faceserver.web.guard.scopes import scope
from faceserver.web.pages.errors import is_for_a_person

blueprint = Blueprint("pages", __name__)


@blueprint.get("/")
@scope("public")
def home() -> ResponseReturnValue:
    """Lead people to the first page that they can use; tell programs that only ping who is here."""
    if "Accept" in request.headers and not is_for_a_person():
        return {"name": "faceserver", "version": __version__}
    known: Caller = g.get("caller", Caller())
    return redirect(url_for(".retrieve" if known.scope == "read" else ".register"))


@blueprint.get("/faceRegister.html")
@scope("read", reach="none")
def register() -> str:
    """Register faces from pictures and URLs."""
    return render_template("register.html")


@blueprint.get("/faceRetrieve.html")
@scope("read", reach="none")
def retrieve() -> str:
    """Find a face again."""
    return render_template("retrieve.html")


@blueprint.get("/live")
@scope("read", reach="none")
def live() -> str:
    """Name who is before the camera."""
    return render_template("live.html")


@blueprint.get("/faceCompare.html")
@scope("read", reach="none")
def compare() -> str:
    """Say whether two pictures show the same person."""
    return render_template("compare.html")
