"""Is this the same person? Suggestions, and those that were refused."""

from uuid import UUID

from flask import Response
from flask_openapi3 import APIBlueprint, Tag

from faceserver.api.base import CollectionPath, Paging
from faceserver.api.suggestions import (
    RefusedSuggestion,
    RefusedSuggestionPath,
    RefusedSuggestions,
    RefuseSuggestion,
    Side,
    Suggestion,
    SuggestionQuery,
    Suggestions,
    UndoneSuggestion,
)
from faceserver.models.distances import SimilarityCurve
from faceserver.services import suggesting
from faceserver.services.apart import Apart
from faceserver.web.context import services
from faceserver.web.guard.scopes import scope
from faceserver.web.v1 import shown
from faceserver.web.v1.answers import BODY, answers, reply
from faceserver.web.v1.bodies import json_body, takes
from faceserver.web.v1.unnamed import rules_of

blueprint = APIBlueprint(
    "v1_suggestions",
    __name__,
    url_prefix="/v1/collections/<collection>/suggestions",
    abp_security=[{"key": []}],
    abp_tags=[Tag(name="subjects", description="The people of a collection.")],
)

_SHOWN = 4
"""Faces of a group that are told in full."""


@blueprint.get(
    "",
    operation_id="list_suggestions",
    responses=answers("not_found", "invalid_cursor", "timed_out", ok=Suggestions),
)
@scope("read")
def listed(path: CollectionPath, query: SuggestionQuery) -> Response:
    """List pairs that may be the same person.

    Accept one with merge_subject or move_faces. Left out are hidden people and groups, two who are
    in one picture, and pairs that were refused.
    """
    suggestions = services().suggestions
    if query.among == "people":
        found = suggestions.people(path.collection, limit=query.limit, cursor=query.cursor)
    else:
        found = suggestions.groups(path.collection, rules_of(query), limit=query.limit)
    items = tuple(_suggestion(item, found.similarity, path.collection) for item in found.page.items)
    return reply(Suggestions(items=items, next=found.page.cursor))


@blueprint.post(
    "/refused",
    operation_id="refuse_suggestion",
    responses=answers(*BODY, "not_found", "conflict", "store_full", created=RefusedSuggestion),
    openapi_extensions=takes(blueprint, RefuseSuggestion),
)
@scope("write", body="fields")
def refuse(path: CollectionPath) -> Response:
    """Remember that two faces show different people: they are not suggested again."""
    one, other = json_body(RefuseSuggestion).faces
    made = services().suggestions.refuse(path.collection, one.hex, other.hex)
    return reply(_refused(made), 201)


@blueprint.get(
    "/refused",
    operation_id="list_refused_suggestions",
    responses=answers("not_found", "invalid_cursor", ok=RefusedSuggestions),
)
@scope("read")
def refused(path: CollectionPath, query: Paging) -> Response:
    """List refused suggestions in the order they were refused."""
    page = services().suggestions.refused(path.collection, limit=query.limit, cursor=query.cursor)
    return reply(RefusedSuggestions(items=tuple(map(_refused, page.items)), next=page.cursor))


@blueprint.delete(
    "/refused/<refusal>",
    operation_id="undo_refused_suggestion",
    responses=answers("not_found", "conflict", ok=UndoneSuggestion),
)
@scope("write")
def undo(path: RefusedSuggestionPath) -> Response:
    """Undo a refusal: the two are suggested again."""
    services().suggestions.undo(path.collection, path.refusal.hex)
    return reply(UndoneSuggestion(id=path.refusal))


def _suggestion(
    found: suggesting.Suggestion, curve: SimilarityCurve | None, collection: str
) -> Suggestion:
    return Suggestion(
        one=_side(found.one, collection),
        other=_side(found.other, collection),
        distance=shown.distance(found.distance),
        similarity=shown.similarity(curve, found.distance),
    )


def _side(side: suggesting.Side, collection: str) -> Side:
    is_group = side.person is None
    return Side(
        person=shown.subject(side.person) if side.person else None,
        faces=tuple(shown.face(face, collection) for face in side.faces[:_SHOWN]),
        ids=tuple(UUID(face.id) for face in side.faces) if is_group else (),
    )


def _refused(made: Apart) -> RefusedSuggestion:
    one, other = made.faces
    return RefusedSuggestion(id=UUID(made.id), faces=(UUID(one), UUID(other)), created=made.created)
