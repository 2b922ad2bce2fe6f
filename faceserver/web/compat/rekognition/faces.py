"""IndexFaces, ListFaces, DeleteFaces."""

from collections.abc import Sequence
from uuid import UUID

from faceserver.services.choosing import Candidates
from faceserver.services.outcomes import NewPicture
from faceserver.store.results import Page
from faceserver.types import Face, Filter
from faceserver.web.compat.rekognition import lookups, shapes
from faceserver.web.compat.rekognition.inputs import FACE_PAGE, FacePage, NewFaces, OldFaces
from faceserver.web.compat.rekognition.operations import operation
from faceserver.web.compat.rekognition.quality import Best
from faceserver.web.compat.rekognition.shapes import Shape, with_token
from faceserver.web.context import services
from faceserver.web.v1.cursors import page_of

_SOURCE = "rekognition"


@operation("IndexFaces", NewFaces, scope="write")
def index(asked: NewFaces) -> Shape:
    """Store the faces of a picture that are good enough, and tell why others are not stored."""
    data, wanted = asked.image.data, asked.detection_attributes
    picture = NewPicture(
        asked.external_image_id or _SOURCE,
        lambda: data,
        external_id=asked.external_image_id,
        attributes=tuple(shapes.attribute_names(wanted, services().analysis.attributes)),
    )
    found = services().indexing.add(
        asked.collection_id, picture, Best(asked.quality_filter, asked.max_faces)
    )
    size = found.picture.width, found.picture.height
    names = lookups.names(asked.collection_id, found.stored)
    return {
        "FaceRecords": [
            {
                "Face": shapes.face(stored, found.model, names.get(stored.subject or ""), size),
                "FaceDetail": shapes.detail(found.picture.faces[place], size, wanted),
            }
            for place, stored in zip(found.picture.chosen, found.stored, strict=True)
        ],
        "UnindexedFaces": [
            {"FaceDetail": shape, "Reasons": reasons}
            for shape, reasons in left_out(found.picture, wanted)
        ],
        "FaceModelVersion": shapes.model_version(found.model),
    }


@operation("ListFaces", FacePage)
def listed(asked: FacePage) -> Shape:
    """List faces: all, a user's, or those of these ids."""
    model = services().collections.describe(asked.collection_id).status.model
    page = _page(asked)
    names = lookups.names(asked.collection_id, page.items)
    return with_token(
        {
            "Faces": [
                shapes.face(each, model, names.get(each.subject or ""), size_of(each))
                for each in page.items
            ],
            "FaceModelVersion": shapes.model_version(model),
        },
        page.cursor,
    )


@operation("DeleteFaces", OldFaces, scope="write")
def delete(asked: OldFaces) -> Shape:
    """Delete faces; a user's faces stay."""
    found = lookups.faces(asked.collection_id, asked.face_ids)
    names = lookups.names(asked.collection_id, found.values())
    gone = [face_id for face_id, each in found.items() if each.subject is None]
    services().faces.delete_all(asked.collection_id, [found[face_id].id for face_id in gone])
    refused = [
        shapes.refusal(face_id, "FACE_NOT_FOUND")
        if face_id not in found
        else shapes.refusal(
            face_id, "ASSOCIATED_TO_AN_EXISTING_USER", names.get(found[face_id].subject or "")
        )
        for face_id in dict.fromkeys(asked.face_ids)
        if face_id not in gone
    ]
    return {"DeletedFaces": gone, "UnsuccessfulFaceDeletions": refused}


def left_out(
    picture: Candidates, attributes: Sequence[str] = ()
) -> list[tuple[Shape, tuple[str, ...]]]:
    """The faces of a picture that are not used, and why."""
    size = picture.width, picture.height
    return [
        (shapes.detail(each, size, attributes), reasons)
        for each, reasons in zip(picture.faces, picture.reasons, strict=True)
        if reasons
    ]


def size_of(stored: Face) -> tuple[int, int] | None:
    """The size of a stored face's picture, None where it is not known."""
    return services().faces.picture_size(stored)


def _page(asked: FacePage) -> Page[Face]:
    limit = asked.max_results or FACE_PAGE
    user = lookups.user(asked.collection_id, asked.user_id) if asked.user_id else None
    if asked.face_ids is None:
        only = Filter(subject=user.id if user else None)
        return services().faces.page(
            asked.collection_id, only, limit=limit, cursor=asked.next_token
        )
    ids = sorted({UUID(face_id).hex for face_id in asked.face_ids})
    found = services().faces.some(asked.collection_id, ids)
    shown = [each for each in found if user is None or each.subject == user.id]
    return page_of(shown, lambda each: each.id, limit=limit, cursor=asked.next_token)
