"""The HTML pages; what they show they get from the API, through scripts."""

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from faceserver import __version__
from faceserver.web.guard.scopes import scope
from faceserver.web.pages.errors import is_for_a_person

blueprint = Blueprint("pages", __name__)


@blueprint.get("/")
@scope("public")
def home() -> ResponseReturnValue:
    """Lead people to the first page; programs that only look whether somebody is there hear so."""
    if "Accept" in request.headers and not is_for_a_person():
        return {"name": "faceserver", "version": __version__}
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


@blueprint.get("/faceCompare.html")
@scope("read", reach="none")
def compare() -> str:
    """Say whether two pictures show the same person."""
    return render_template("compare.html")
