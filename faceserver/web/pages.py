"""The HTML pages."""

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from faceserver.web.context import backend

blueprint = Blueprint("pages", __name__)


@blueprint.get("/")
def home() -> ResponseReturnValue:
    """Lead to the first page."""
    return redirect(url_for(".register"))


@blueprint.get("/faceRegister.html")
def register() -> str:
    """Register faces from pictures and URLs."""
    return render_template("register.html", settings=backend().settings)


@blueprint.get("/faceRetrieve.html")
def retrieve() -> str:
    """Find a face again."""
    return render_template("retrieve.html", settings=backend().settings)
