"""The HTML pages; what they show they get from the API, through scripts."""

from flask import Blueprint, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from faceserver.web.guard.auth import Caller
from faceserver.web.guard.scopes import scope

blueprint = Blueprint("pages", __name__)


@blueprint.get("/")
@scope("public")
def home() -> ResponseReturnValue:
    """Lead to the first page that its visitor can use."""
    known: Caller = g.get("caller", Caller())
    if known.scope is None:
        return redirect(url_for("signin.page", next=url_for(".home")))
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
