"""SearchFacesByImage, SearchFaces, SearchUsers, SearchUsersByImage."""

from collections.abc import Iterator

from faceserver.errors import InvalidRequest, NoFace
from faceserver.services.searching import Hit, Searched, SearchQuery
from faceserver.types import Filter
from faceserver.web.compat.rekognition import lookups, shapes
from faceserver.web.compat.rekognition.errors import NO_FACES
from faceserver.web.compat.rekognition.faces import left_out, size_of
from faceserver.web.compat.rekognition.inputs import (
    FaceSearch,
    PictureSearch,
    UserPictureSearch,
    UserSearch,
)
from faceserver.web.compat.rekognition.operations import operation
from faceserver.web.compat.rekognition.quality import Largest, QualityFilter
from faceserver.web.compat.rekognition.shapes import Shape
from faceserver.web.compat.rekognition.similarity import Percent
from faceserver.web.context import services


@operation("SearchFacesByImage", PictureSearch)
def by_image(asked: PictureSearch) -> Shape:
    """Find stored faces like the largest of a picture."""
    scale = _scale(asked.collection_id)
    query = SearchQuery(k=asked.max_faces, threshold=scale.distance(asked.face_match_threshold))
    searched = services().matching.by_chosen(
        asked.collection_id,
        asked.image.data,
        query,
        Largest(asked.quality_filter),
        attributes=_judged_by(asked.quality_filter),
    )
    if searched.picture is None or not searched.probes:
        raise NoFace(NO_FACES)
    picture = searched.picture
    (place,) = picture.chosen
    probe, size = picture.faces[place], (picture.width, picture.height)
    return {
        "SearchedFaceBoundingBox": shapes.bounding_box(probe.detection.box, size),
        "SearchedFaceConfidence": shapes.confidence(probe.detection),
        "FaceMatches": _faces(searched, scale, asked.face_match_threshold),
        "FaceModelVersion": shapes.model_version(searched.model),
    }


@operation("SearchFaces", FaceSearch)
def by_face(asked: FaceSearch) -> Shape:
    """Find stored faces like another one, which is left out."""
    scale = _scale(asked.collection_id)
    face = lookups.face(asked.collection_id, asked.face_id)
    query = SearchQuery(k=asked.max_faces, threshold=scale.distance(asked.face_match_threshold))
    searched = services().searching.by_face(asked.collection_id, face.id, query)
    return {
        "SearchedFaceId": asked.face_id,
        "FaceMatches": _faces(searched, scale, asked.face_match_threshold),
        "FaceModelVersion": shapes.model_version(searched.model),
    }


@operation("SearchUsers", UserSearch)
def users(asked: UserSearch) -> Shape:
    """Find users like a stored face, or like another user, who is left out."""
    if (asked.user_id is None) == (asked.face_id is None):
        raise InvalidRequest("send either UserId or FaceId")
    scale = _scale(asked.collection_id)
    query = _user_query(scale, asked)
    if asked.face_id is not None:
        face = lookups.face(asked.collection_id, asked.face_id)
        searched = services().searching.by_face(asked.collection_id, face.id, query, itself=True)
        about: Shape = {"SearchedFace": {"FaceId": asked.face_id}}
    else:
        user = lookups.user(asked.collection_id, str(asked.user_id))
        searched = services().matching.by_person(asked.collection_id, user.id, query)
        about = {"SearchedUser": {"UserId": user.name}}
    return {
        "UserMatches": _users(searched, scale, asked.user_match_threshold),
        "FaceModelVersion": shapes.model_version(searched.model),
        **about,
    }


@operation("SearchUsersByImage", UserPictureSearch)
def users_by_image(asked: UserPictureSearch) -> Shape:
    """Find users like the largest face of a picture; without a face there are none."""
    scale = _scale(asked.collection_id)
    searched = services().matching.by_chosen(
        asked.collection_id,
        asked.image.data,
        _user_query(scale, asked),
        Largest(asked.quality_filter),
        attributes=_described_by(),
    )
    shape: Shape = {
        "UserMatches": _users(searched, scale, asked.user_match_threshold),
        "FaceModelVersion": shapes.model_version(searched.model),
    }
    picture = searched.picture
    if picture is None or not picture.faces:
        return shape
    size = picture.width, picture.height
    for place in picture.chosen:
        shape["SearchedFace"] = {"FaceDetail": shapes.detail(picture.faces[place], size)}
    shape["UnsearchedFaces"] = [
        {"FaceDetails": face, "Reasons": reasons} for face, reasons in left_out(picture)
    ]
    return shape


def _described_by() -> list[str]:
    return shapes.attribute_names((), services().analysis.attributes)


def _judged_by(bar: QualityFilter) -> list[str]:
    """What must be known of faces that are not described, to judge them."""
    return [] if bar == "NONE" else _described_by()


def _scale(collection: str) -> Percent:
    return Percent.of_collection(services().collections.describe(collection))


def _user_query(scale: Percent, asked: UserSearch | UserPictureSearch) -> SearchQuery:
    return SearchQuery(
        k=asked.max_users,
        threshold=scale.distance(asked.user_match_threshold),
        grouped=True,
        only=Filter(named=True),
    )


def _faces(searched: Searched, scale: Percent, threshold: float) -> list[Shape]:
    return [
        {
            "Similarity": similarity,
            "Face": shapes.face(
                hit.match.face,
                searched.model,
                hit.person.name if hit.person else None,
                size_of(hit.match.face),
            ),
        }
        for hit, similarity in _similar(searched, scale, threshold)
    ]


def _users(searched: Searched, scale: Percent, threshold: float) -> list[Shape]:
    return [
        {
            "Similarity": similarity,
            "User": {"UserId": hit.person.name, "UserStatus": shapes.status(hit.faces)},
        }
        for hit, similarity in _similar(searched, scale, threshold)
        if hit.person is not None
    ]


def _similar(searched: Searched, scale: Percent, threshold: float) -> Iterator[tuple[Hit, float]]:
    for probe in searched.probes:
        for hit in probe.hits:
            similarity = scale.similarity(hit.match.distance)
            if similarity >= threshold:
                yield hit, similarity
