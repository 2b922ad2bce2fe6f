"""Faces that nobody has named, grouped into likely people."""

from uuid import UUID

from flask import Response
from flask_openapi3 import APIBlueprint, Tag

from faceserver.api.base import CollectionPath
from faceserver.api.faces import Person
from faceserver.api.unnamed import LikelyPerson, Lookalike, UnnamedFaces, UnnamedQuery
from faceserver.models.distances import SimilarityCurve
from faceserver.services import unnamed
from faceserver.web.context import services
from faceserver.web.guard.scopes import scope
from faceserver.web.v1 import shown
from faceserver.web.v1.answers import answers, reply

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
    found = services().unnamed.group(path.collection, limit=query.limit, threshold=query.threshold)
    people = tuple(_person(item, found.similarity, path.collection) for item in found.people)
    return reply(
        UnnamedFaces(
            threshold=found.threshold,
            examined=found.examined,
            complete=found.is_complete,
            groups=found.groups,
            people=people,
        )
    )


def _person(
    found: unnamed.LikelyPerson, curve: SimilarityCurve | None, collection: str
) -> LikelyPerson:
    return LikelyPerson(
        ids=tuple(UUID(face.id) for face in found.faces),
        faces=tuple(shown.face(face, collection) for face in found.faces[:_SHOWN]),
        lookalike=_lookalike(found.lookalike, curve) if found.lookalike else None,
    )


def _lookalike(found: unnamed.Lookalike, curve: SimilarityCurve | None) -> Lookalike:
    return Lookalike(
        person=Person(id=UUID(found.person.id), name=found.person.name),
        distance=shown.distance(found.distance),
        similarity=shown.similarity(curve, found.distance),
    )
