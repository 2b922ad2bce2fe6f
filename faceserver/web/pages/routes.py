"""The HTML pages; what they show they get from the API, through scripts."""

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from faceserver.web.guard.scopes import scope

blueprint = Blueprint("pages", __name__)


@blueprint.get("/")
@scope("public")
def home() -> ResponseReturnValue:
    """Lead to the first page."""
    return redirect(url_for(".register"))


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
