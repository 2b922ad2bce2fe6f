"""Faces that nobody has named, grouped into likely people."""

from uuid import UUID

from flask import Response
from flask_openapi3 import APIBlueprint, Tag

from faceserver.api.base import CollectionPath
from faceserver.api.faces import Person
from faceserver.api.unnamed import (
    GroupingQuery,
    HiddenFaces,
    HideFaces,
    LikelyPerson,
    Lookalike,
    UnnamedFaces,
    UnnamedQuery,
)
from faceserver.models.distances import SimilarityCurve
from faceserver.services import unnamed
from faceserver.web.context import services
from faceserver.web.guard.scopes import scope
from faceserver.web.v1 import shown
from faceserver.web.v1.answers import BODY, answers, reply
from faceserver.web.v1.bodies import json_body, takes

blueprint = APIBlueprint(
    "v1_unnamed",
    __name__,
    url_prefix="/v1/collections/<collection>/unnamed",
    abp_security=[{"key": []}],
    abp_tags=[Tag(name="faces", description="The stored faces of a collection.")],
)

_SHOWN = 12
"""Faces of a group that are told in full."""


@blueprint.get(
    "",
    operation_id="group_unnamed",
    responses=answers("not_found", "timed_out", ok=UnnamedFaces),
)
@scope("read")
def grouped(path: CollectionPath, query: UnnamedQuery) -> Response:
    """Group unnamed faces into likely people.

    Nothing is changed. With move_faces a group gets its name.
    """
    found = services().unnamed.group(
        path.collection, rules_of(query, hidden=query.hidden), limit=query.limit
    )
    people = tuple(_person(item, found.similarity, path.collection) for item in found.people)
    return reply(
        UnnamedFaces(
            threshold=found.threshold,
            examined=found.examined,
            left_out=found.left_out,
            complete=found.is_complete,
            groups=found.groups,
            hidden=found.hidden,
            people=people,
        )
    )


@blueprint.post(
    "/hide",
    operation_id="hide_unnamed",
    responses=answers(*BODY, "not_found", "conflict", "store_full", ok=HiddenFaces),
    openapi_extensions=takes(blueprint, HideFaces),
)
@scope("write", body="ids")
def hide(path: CollectionPath) -> Response:
    """Hide unnamed faces that are of no interest, or show them again.

    A group with a hidden face is only listed on request. Searches still find hidden faces.
    """
    asked = json_body(HideFaces)
    ids = [face.hex for face in asked.faces]
    faces = services().ignored.hide(path.collection, ids, hidden=asked.hidden)
    return reply(HiddenFaces(faces=faces))


def rules_of(query: GroupingQuery, *, hidden: bool = False) -> unnamed.Grouping:
    """How to group, as a service takes it."""
    return unnamed.Grouping(
        threshold=query.threshold,
        min_size=query.min_size,
        min_sharpness=query.min_sharpness,
        min_quality=query.min_quality,
        hidden=hidden,
    )


def _person(
    found: unnamed.LikelyPerson, curve: SimilarityCurve | None, collection: str
) -> LikelyPerson:
    return LikelyPerson(
        ids=tuple(UUID(face.id) for face in found.faces),
        faces=tuple(shown.face(face, collection) for face in found.faces[:_SHOWN]),
        lookalike=_lookalike(found.lookalike, curve) if found.lookalike else None,
        hidden=found.hidden,
    )


def _lookalike(found: unnamed.Lookalike, curve: SimilarityCurve | None) -> Lookalike:
    return Lookalike(
        person=Person(id=UUID(found.person.id), name=found.person.name),
        distance=shown.distance(found.distance),
        similarity=shown.similarity(curve, found.distance),
    )
