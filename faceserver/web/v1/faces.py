"""Stored faces: add, list, get, change, delete; their pictures and crops."""

from uuid import UUID

from flask import Response, request
from flask_openapi3 import APIBlueprint, Tag
from pydantic import Field

from faceserver.api.base import CollectionPath, Form, Id, Tags, Text
from faceserver.api.faces import (
    KEEP_BEST,
    MAX_ANGLE,
    MIN_QUALITY,
    MIN_SHARPNESS,
    MIN_SIZE,
    AddedFaces,
    AddEmbedding,
    AddFaces,
    AddUrl,
    DeletedFace,
    Face,
    FaceChange,
    FaceMove,
    FacePath,
    FaceQuery,
    Faces,
    LeftOutFace,
    MovedFaces,
    PictureOptions,
    PictureQuery,
    ThumbnailQuery,
)
from faceserver.api.filters import conditions_of
from faceserver.api.pictures import ATTRIBUTES, AttributeNames, FacePlace, Which
from faceserver.services.faces import Labels
from faceserver.services.gating import Requirements
from faceserver.services.outcomes import NewPicture
from faceserver.types import NOWHERE, Box, Detection, Filter
from faceserver.types import Face as StoredFace
from faceserver.web.context import services
from faceserver.web.forms import file_bytes
from faceserver.web.guard.scopes import scope
from faceserver.web.pictures import FOR_GOOD, JPEG, WEBP, send_copy, send_picture
from faceserver.web.v1 import shown
from faceserver.web.v1.answers import BODY, PICTURE, answers, picture_answer, reply
from faceserver.web.v1.bodies import form_body, is_form, json_body, takes
from faceserver.web.v1.files import File
from faceserver.web.v1.stateless import CHOICES, picture_bytes

blueprint = APIBlueprint(
    "v1_faces",
    __name__,
    url_prefix="/v1/collections/<collection>/faces",
    abp_security=[{"key": []}],
    abp_tags=[Tag(name="faces", description="The stored faces of a collection.")],
)


class AddForm(Form):
    """A picture, and what is to be known of its faces."""

    file: File
    subject: Id | None = Field(default=None, description="Id of the person they show.")
    tags: Tags = ()
    external_id: Text | None = Field(default=None, description="Their id in another system.")
    faces: Which = Field(default="all", description="All faces, or only the largest.")
    attributes: AttributeNames = Field(default=(), description=ATTRIBUTES)
    source: Text | None = Field(
        default=None, description="Name of the picture; its file name by default."
    )
    min_size: float | None = Field(default=None, gt=0, le=100_000, description=MIN_SIZE)
    min_sharpness: float | None = Field(default=None, ge=0, le=1, description=MIN_SHARPNESS)
    max_angle: float | None = Field(default=None, gt=0, le=90, description=MAX_ANGLE)
    min_quality: float | None = Field(default=None, ge=0, le=1, description=MIN_QUALITY)
    keep_best: int | None = Field(default=None, ge=1, le=1000, description=KEEP_BEST)


@blueprint.post(
    "",
    operation_id="add_faces",
    responses=answers(
        *PICTURE,
        "invalid_combination",
        "not_found",
        "no_face",
        "low_quality",
        "invalid_embedding",
        "unknown_attribute",
        "invalid_place",
        "conflict",
        "store_full",
        created=AddedFaces,
    ),
    openapi_extensions=takes(blueprint, AddFaces, AddForm),
)
@scope("write", body="picture")
def add(path: CollectionPath) -> Response:
    """Store the faces in a picture, or a ready embedding."""
    if is_form():
        form = form_body(AddForm)
        name = form.source or (form.file.filename or "")
        data = file_bytes(form.file)
        added = _add_picture(path.collection, data, form, name)
    else:
        body = json_body(AddFaces).root
        if isinstance(body, AddEmbedding):
            stored = _add_embedding(path.collection, body)
            added = AddedFaces(faces=(shown.face(stored, path.collection),))
        else:
            name = body.source or (body.url if isinstance(body, AddUrl) else "")
            added = _add_picture(path.collection, picture_bytes(body), body, name)
    return reply(added, 201)


@blueprint.get(
    "",
    operation_id="list_faces",
    responses=answers("not_found", "invalid_cursor", ok=Faces),
)
@scope("read")
def listed(path: CollectionPath, query: FaceQuery) -> Response:
    """List faces in the order they were stored."""
    only = Filter(
        subject=query.subject.hex if query.subject else None,
        tags=query.tag,
        external_id=query.external_id,
        named=query.named,
        where=conditions_of(query),
    )
    page = services().faces.page(path.collection, only, limit=query.limit, cursor=query.cursor)
    items = tuple(shown.face(item, path.collection) for item in page.items)
    return reply(Faces(items=items, next=page.cursor))


@blueprint.post(
    "/move",
    operation_id="move_faces",
    responses=answers(*BODY, "not_found", "conflict", ok=MovedFaces),
    openapi_extensions=takes(blueprint, FaceMove),
)
@scope("write", body="ids")
def move(path: CollectionPath) -> Response:
    """Assign many faces to a person at once; missing faces are ignored."""
    wanted = json_body(FaceMove)
    subject = wanted.subject.hex if wanted.subject else None
    moved = services().faces.move_all(path.collection, [face.hex for face in wanted.faces], subject)
    return reply(MovedFaces(moved=moved))


@blueprint.get("/<uuid:face>", operation_id="get_face", responses=answers("not_found", ok=Face))
@scope("read")
def get(path: FacePath) -> Response:
    """Get a face."""
    return _answer(path)


@blueprint.patch(
    "/<uuid:face>",
    operation_id="change_face",
    responses=answers(*BODY, "not_found", "conflict", ok=Face),
    openapi_extensions=takes(blueprint, FaceChange),
)
@scope("write", body="fields")
def change(path: FacePath) -> Response:
    """Change a face's person or tags; omitted fields stay unchanged."""
    new = json_body(FaceChange)
    if "subject" in new.model_fields_set:
        subject = new.subject.hex if new.subject else None
        services().faces.move(path.collection, path.face.hex, subject)
    if new.tags is not None:
        services().faces.tag(path.collection, path.face.hex, new.tags)
    return _answer(path)


@blueprint.delete(
    "/<uuid:face>",
    operation_id="delete_face",
    responses=answers("not_found", "conflict", ok=DeletedFace),
)
@scope("write")
def delete(path: FacePath) -> Response:
    """Delete a face; its picture is deleted with its last face."""
    services().faces.delete(path.collection, path.face.hex)
    return reply(DeletedFace(id=path.face))


@blueprint.get(
    "/<uuid:face>/picture",
    operation_id="get_face_picture",
    responses=picture_answer("not_found", "truncated_image"),
)
@scope("read")
def picture(path: FacePath, query: PictureQuery) -> Response:
    """Get the stored picture, or a smaller copy of it: upright, as JPEG, without metadata."""
    stream = services().faces.open_picture(path.collection, path.face.hex)
    if query.side is None:
        return _cacheable(send_picture(stream, version=path.face.hex))
    return _cacheable(send_copy(stream, side=query.side, version=path.face.hex))


@blueprint.get(
    "/<uuid:face>/crop", operation_id="get_face_crop", responses=picture_answer("not_found")
)
@scope("read")
def crop(path: FacePath) -> Response:
    """Get the aligned face as the model sees it, as JPEG."""
    version = services().faces.crop_version(path.collection, path.face.hex)
    answer = Response(mimetype=JPEG)
    answer.set_etag(version)
    if version in request.if_none_match:
        answer.status_code = 304
    else:
        answer.set_data(services().faces.crop(path.collection, path.face.hex))
    return _cacheable(answer)


@blueprint.get(
    "/<uuid:face>/thumbnail",
    operation_id="get_face_thumbnail",
    responses=picture_answer("not_found", "truncated_image", mimetype=WEBP),
)
@scope("read")
def thumbnail(path: FacePath, query: ThumbnailQuery) -> Response:
    """Get the face as a small square picture, as WebP; it may be kept for good."""
    thumbnails = services().thumbnails
    face = thumbnails.face(path.collection, path.face.hex)
    version = f"{face.id}-{query.size}"
    answer = Response(mimetype=WEBP)
    answer.set_etag(version)
    if version in request.if_none_match:
        answer.status_code = 304
    else:
        answer.set_data(thumbnails.content(path.collection, face, query.size))
    answer.headers["Cache-Control"] = FOR_GOOD
    return answer


def _cacheable(answer: Response) -> Response:
    """Let the browser keep a picture, and ask again each time whether it may show it."""
    answer.headers["Cache-Control"] = "private, no-cache"
    return answer


def _answer(path: FacePath) -> Response:
    return reply(shown.face(services().faces.get(path.collection, path.face.hex), path.collection))


def _add_picture(
    collection: str, data: bytes, options: PictureOptions | AddForm, name: str
) -> AddedFaces:
    picture = NewPicture(
        name,
        lambda: data,
        tags=options.tags,
        external_id=options.external_id,
        subject=options.subject.hex if options.subject else None,
        choice=CHOICES[options.faces],
        attributes=tuple(options.attributes),
        needed=Requirements(
            size=options.min_size,
            sharpness=options.min_sharpness,
            angle=options.max_angle,
            quality=options.min_quality,
        ),
    )
    registered = services().registering.add(collection, picture, best=options.keep_best)
    faces = tuple(shown.face(item, collection) for item in registered.faces)
    left_out = tuple(
        LeftOutFace(face=shown.detected(item.detection), code=item.code, reason=item.reason)
        for item in registered.left_out
    )
    return AddedFaces(
        faces=faces,
        notes=registered.notes,
        known=not registered.is_new,
        left_out=left_out,
        deleted=tuple(map(UUID, registered.deleted)),
    )


def _add_embedding(collection: str, body: AddEmbedding) -> StoredFace:
    return services().faces.add_embedding(
        collection,
        body.embedding,
        Labels(
            source=body.source or "",
            subject=body.subject.hex if body.subject else None,
            tags=body.tags,
            external_id=body.external_id,
        ),
        model=body.model,
        detection=NOWHERE if body.face is None else _detection(body.face),
    )


def _detection(face: FacePlace) -> Detection:
    left_eye, right_eye, nose, left_mouth, right_mouth = (
        (point.x, point.y)
        for point in (
            face.points.left_eye,
            face.points.right_eye,
            face.points.nose,
            face.points.left_mouth,
            face.points.right_mouth,
        )
    )
    box = Box(face.box.x1, face.box.y1, face.box.x2, face.box.y2)
    points = (left_eye, right_eye, nose, left_mouth, right_mouth)
    return Detection(box, points, face.score)
