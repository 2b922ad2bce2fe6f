"""CompreFace's subjects: people, known by their names."""

from flask import request
from flask.typing import ResponseReturnValue

from faceserver.errors import NotFound
from faceserver.web.compat.compreface import bodies
from faceserver.web.compat.compreface.base import Answer, route
from faceserver.web.context import services
from faceserver.web.guard.auth import own_collection
from faceserver.web.guard.scopes import scope


@route("GET", "/recognition/subjects")
@scope("read", reach="own")
def list_all() -> Answer:
    """The names of all subjects."""
    return {"subjects": [person.name for person in services().people.every(own_collection())]}


@route("POST", "/recognition/subjects")
@scope("write", reach="own", body="fields")
def add() -> ResponseReturnValue:
    """Add a subject without examples."""
    name = bodies.new_name(request)
    services().people.add(own_collection(), name)
    return {"subject": name}, 201


@route("PUT", "/recognition/subjects/<path:subject>")
@scope("write", reach="own", body="fields")
def rename(subject: str) -> Answer:
    """Rename a subject; who has the new name already gets the examples."""
    new, old = bodies.new_name(request), _without_slash(subject)
    if new == old:
        return {"updated": False}
    services().people.rename(own_collection(), old, new)
    return {"updated": True}


@route("DELETE", "/recognition/subjects/<path:subject>")
@scope("write", reach="own")
def delete(subject: str) -> Answer:
    """Delete a subject with all examples."""
    name, collection = _without_slash(subject), own_collection()
    person = services().people.named(collection, name)
    if person is None:
        raise NotFound(f"there is no subject named {name!r}")
    services().named.delete_person(collection, person.name)
    return {"subject": person.name}


@route("DELETE", "/recognition/subjects")
@scope("write", reach="own")
def delete_all() -> Answer:
    """Delete all subjects with all examples."""
    return {"deleted": services().named.delete_all(own_collection())[0]}


def _without_slash(subject: str) -> str:
    return subject.removesuffix("/")
