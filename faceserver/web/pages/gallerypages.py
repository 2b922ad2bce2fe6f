"""The pages to look after people, jobs and the server; like all pages they ask the API."""

from uuid import UUID

from flask import Blueprint, render_template

from faceserver.web.context import backend
from faceserver.web.guard.scopes import scope
from faceserver.web.pages.shownsettings import shown_settings

blueprint = Blueprint("gallery", __name__)


@blueprint.get("/people")
@scope("read", reach="none")
def people() -> str:
    """Everybody with a name, and likely people among the faces without."""
    return render_template("people.html")


@blueprint.get("/people/<uuid:subject>")
@scope("read", reach="none")
def person(subject: UUID) -> str:
    """One person and all faces."""
    return render_template("person.html", subject=subject)


@blueprint.get("/jobs")
@scope("read", reach="none")
def jobs() -> str:
    """Many pictures at once: what runs, and what became of it."""
    return render_template("jobs.html")


@blueprint.get("/collections")
@scope("read", reach="none")
def collections() -> str:
    """The collections: opened, made, deleted."""
    return render_template("collections.html")


@blueprint.get("/status")
@scope("read", reach="none")
def status() -> str:
    """How the server is."""
    return render_template("status.html")


@blueprint.get("/status/keys")
@scope("admin")
def keys() -> str:
    """API keys: made, shown once, revoked."""
    return render_template("keys.html")


@blueprint.get("/status/settings")
@scope("admin")
def settings() -> str:
    """What the server is set to; it is changed where the server is started."""
    return render_template("settings.html", settings=shown_settings(backend().settings))
