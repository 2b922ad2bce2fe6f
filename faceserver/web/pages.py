"""The HTML pages."""

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from faceserver.web.context import backend
from faceserver.web.scopes import scope

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
    return render_template("register.html", settings=backend().settings)


@blueprint.get("/faceRetrieve.html")
@scope("read", reach="none")
def retrieve() -> str:
    """Find a face again."""
    return render_template("retrieve.html", settings=backend().settings)
