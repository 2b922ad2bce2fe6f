"""Not this person: refuse a face as a match, list what was refused, undo it."""

from uuid import UUID

from flask import Response
from flask_openapi3 import APIBlueprint, Tag
from pydantic import Field

from faceserver.api.base import CollectionPath, Form
from faceserver.api.gallery import SubjectPath
from faceserver.api.pictures import Which
from faceserver.api.refusals import (
    Refusal,
    RefusalPath,
    RefusalQuery,
    Refusals,
    RefuseEmbedding,
    RefuseFace,
    RefuseRequest,
    UndoneRefusal,
)
from faceserver.services import refusing
from faceserver.web.context import services
from faceserver.web.forms import file_bytes
from faceserver.web.guard.scopes import scope
from faceserver.web.v1.answers import PICTURE, answers, reply
from faceserver.web.v1.bodies import form_body, is_form, json_body, takes
from faceserver.web.v1.files import File
from faceserver.web.v1.stateless import CHOICES, picture_bytes

blueprint = APIBlueprint(
    "v1_refusals",
    __name__,
    url_prefix="/v1/collections/<collection>",
    abp_security=[{"key": []}],
    abp_tags=[Tag(name="subjects", description="The people of a collection.")],
)


class RefuseForm(Form):
    """A picture of somebody else."""

    file: File
    faces: Which = Field(
        default="all", description="`largest` where the picture holds several faces."
    )


@blueprint.post(
    "/subjects/<subject>/refuse",
    operation_id="refuse_subject",
    responses=answers(
        *PICTURE,
        "not_found",
        "no_face",
        "several_faces",
        "invalid_embedding",
        "conflict",
        "store_full",
        created=Refusal,
    ),
    openapi_extensions=takes(blueprint, RefuseRequest, RefuseForm),
)
@scope("write", body="picture")
def refuse(path: SubjectPath) -> Response:
    """Remember that a face is not this person: it is never matched with the person again."""
    made = _by_form(path) if is_form() else _by_json(path)
    return reply(_refusal(made), 201)


@blueprint.get(
    "/refusals",
    operation_id="list_refusals",
    responses=answers("not_found", "invalid_cursor", ok=Refusals),
)
@scope("read")
def listed(path: CollectionPath, query: RefusalQuery) -> Response:
    """List the refusals in the order they were made."""
    page = services().refusals.page(
        path.collection,
        limit=query.limit,
        cursor=query.cursor,
        subject=query.subject.hex if query.subject else None,
    )
    return reply(Refusals(items=tuple(map(_refusal, page.items)), next=page.cursor))


@blueprint.delete(
    "/refusals/<refusal>",
    operation_id="undo_refusal",
    responses=answers("not_found", "conflict", ok=UndoneRefusal),
)
@scope("write")
def undo(path: RefusalPath) -> Response:
    """Undo a refusal: the face can be matched with the person again."""
    services().refusals.undo(path.collection, path.refusal.hex)
    return reply(UndoneRefusal(id=path.refusal))


def _by_form(path: SubjectPath) -> refusing.Refusal:
    form = form_body(RefuseForm)
    return services().refusals.refuse_picture(
        path.collection,
        path.subject.hex,
        file_bytes(form.file),
        choice=CHOICES[form.faces],
    )


def _by_json(path: SubjectPath) -> refusing.Refusal:
    body = json_body(RefuseRequest).root
    refusals, where = services().refusals, (path.collection, path.subject.hex)
    if isinstance(body, RefuseFace):
        return refusals.refuse_face(*where, body.face.hex)
    if isinstance(body, RefuseEmbedding):
        return refusals.refuse_embedding(*where, body.embedding, model=body.model)
    return refusals.refuse_picture(*where, picture_bytes(body), choice=CHOICES[body.faces])


def _refusal(made: refusing.Refusal) -> Refusal:
    return Refusal(
        id=UUID(made.id),
        subject=UUID(made.subject),
        face=UUID(made.face) if made.face else None,
        unnamed=made.taken,
        created=made.created,
    )
