"""The pages to look after people, jobs and the server; like all pages they ask the API."""

from uuid import UUID

from flask import Blueprint, render_template

from faceserver.web.guard.scopes import scope

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


@blueprint.get("/status")
@scope("read", reach="none")
def status() -> str:
    """How the server is, and the keys for whom may make some."""
    return render_template("status.html")
