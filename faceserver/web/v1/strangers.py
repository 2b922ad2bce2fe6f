"""Strangers: list, get, promote to a person, forget."""

from flask import Response
from flask_openapi3 import APIBlueprint, Tag

from faceserver.api.base import CollectionPath, Paging
from faceserver.api.stranger import Stranger
from faceserver.api.strangers import (
    ForgottenStranger,
    Promoted,
    Promotion,
    StrangerPath,
    Strangers,
)
from faceserver.web.context import services
from faceserver.web.guard.scopes import scope
from faceserver.web.v1 import shown
from faceserver.web.v1.answers import BODY, answers, reply
from faceserver.web.v1.bodies import json_body, takes

blueprint = APIBlueprint(
    "v1_strangers",
    __name__,
    url_prefix="/v1/collections/<collection>/strangers",
    abp_security=[{"key": []}],
    abp_tags=[Tag(name="strangers", description="People whom nobody has named.")],
)


@blueprint.get(
    "",
    operation_id="list_strangers",
    responses=answers("not_found", "invalid_cursor", ok=Strangers),
)
@scope("read")
def listed(path: CollectionPath, query: Paging) -> Response:
    """List the strangers in the order they were first seen."""
    page = services().strangers.page(path.collection, limit=query.limit, cursor=query.cursor)
    return reply(Strangers(items=tuple(map(shown.stranger, page.items)), next=page.cursor))


@blueprint.get(
    "/<stranger>",
    operation_id="get_stranger",
    responses=answers("not_found", ok=Stranger),
)
@scope("read")
def get(path: StrangerPath) -> Response:
    """Get a stranger."""
    return reply(shown.stranger(services().strangers.get(path.collection, path.stranger.hex)))


@blueprint.post(
    "/<stranger>/promote",
    operation_id="promote_stranger",
    responses=answers(
        *BODY, "not_found", "already_exists", "conflict", "store_full", created=Promoted
    ),
    openapi_extensions=takes(blueprint, Promotion),
)
@scope("write", body="fields")
def promote(path: StrangerPath) -> Response:
    """Make a stranger a person: a new one, who keeps the id, or one who is there."""
    new = json_body(Promotion)
    strangers, where = services().strangers, (path.collection, path.stranger.hex)
    if new.subject is not None:
        person, face = strangers.give(*where, new.subject.hex)
    else:
        person, face = strangers.name(*where, new.name or "", tags=new.tags, metadata=new.metadata)
    made = Promoted(subject=shown.subject(person), face=shown.face(face, path.collection))
    return reply(made, 201)


@blueprint.delete(
    "/<stranger>",
    operation_id="forget_stranger",
    responses=answers("not_found", "conflict", ok=ForgottenStranger),
)
@scope("write")
def forget(path: StrangerPath) -> Response:
    """Forget a stranger."""
    services().strangers.forget(path.collection, path.stranger.hex)
    return reply(ForgottenStranger(id=path.stranger))
