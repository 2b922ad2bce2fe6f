"""CreateUser, DeleteUser, ListUsers, AssociateFaces, DisassociateFaces: users are people."""

from collections.abc import Iterator

import numpy as np

from faceserver.services.searching import SearchQuery
from faceserver.types import Face, Filter, Subject
from faceserver.web.compat.rekognition import lookups, shapes
from faceserver.web.compat.rekognition.inputs import (
    Association,
    Dissociation,
    NewUser,
    OldUser,
    UserPage,
)
from faceserver.web.compat.rekognition.operations import operation
from faceserver.web.compat.rekognition.shapes import Shape, with_token
from faceserver.web.compat.rekognition.similarity import Percent
from faceserver.web.context import services

_ANOTHER = "ASSOCIATED_TO_A_DIFFERENT_USER"
_FARTHEST = 4.0


@operation("CreateUser", NewUser, scope="write")
def create(asked: NewUser) -> Shape:
    """Add a person who has no faces yet."""
    services().people.add(asked.collection_id, asked.user_id)
    return {}


@operation("DeleteUser", OldUser, scope="write")
def delete(asked: OldUser) -> Shape:
    """Delete a person; the faces stay and are nobody's."""
    user = lookups.user(asked.collection_id, asked.user_id)
    services().people.delete(asked.collection_id, user.id, keep_faces=True)
    return {}


@operation("ListUsers", UserPage)
def listed(asked: UserPage) -> Shape:
    """List the people of a collection."""
    page = services().people.page(
        asked.collection_id, limit=asked.max_results, cursor=asked.next_token
    )
    return with_token({"Users": [shapes.user(each) for each in page.items]}, page.cursor)


@operation("AssociateFaces", Association, scope="write")
def associate(asked: Association) -> Shape:
    """Say that faces show a user; those that are too unlike the user's others are refused."""
    user = lookups.user(asked.collection_id, asked.user_id)
    found = lookups.faces(asked.collection_id, asked.face_ids)
    names = lookups.names(asked.collection_id, found.values())
    likeness = _Likeness(asked.collection_id, user)
    taken: list[str] = []
    refused: list[Shape] = []
    for face_id in dict.fromkeys(asked.face_ids):
        face = found.get(face_id)
        if face is None:
            refused.append(shapes.refusal(face_id, "FACE_NOT_FOUND"))
        elif face.subject not in {None, user.id}:
            refused.append(shapes.refusal(face_id, _ANOTHER, names.get(face.subject or "")))
        elif (similarity := likeness.of(face)) < asked.user_match_threshold:
            refused.append(shapes.refusal(face_id, "LOW_MATCH_CONFIDENCE", Confidence=similarity))
        else:
            taken.append(face_id)
            likeness.learn(face)
    services().faces.move_all(asked.collection_id, [found[each].id for each in taken], user.id)
    return {
        "AssociatedFaces": [{"FaceId": face_id} for face_id in taken],
        "UnsuccessfulFaceAssociations": refused,
        "UserStatus": _status(asked.collection_id, user),
    }


@operation("DisassociateFaces", Dissociation, scope="write")
def disassociate(asked: Dissociation) -> Shape:
    """Say that faces do not show a user; they stay and are nobody's."""
    user = lookups.user(asked.collection_id, asked.user_id)
    found = lookups.faces(asked.collection_id, asked.face_ids)
    names = lookups.names(asked.collection_id, found.values())
    taken = [face_id for face_id, face in found.items() if face.subject == user.id]
    services().faces.move_all(asked.collection_id, [found[each].id for each in taken], None)
    refused = [
        shapes.refusal(face_id, "FACE_NOT_FOUND")
        if face_id not in found
        else shapes.refusal(face_id, _ANOTHER, names.get(found[face_id].subject or ""))
        for face_id in dict.fromkeys(asked.face_ids)
        if face_id not in taken
    ]
    return {
        "DisassociatedFaces": [{"FaceId": face_id} for face_id in taken],
        "UnsuccessfulFaceDisassociations": refused,
        "UserStatus": _status(asked.collection_id, user),
    }


class _Likeness:
    """How like a user's faces another face is; who has none yet is like any."""

    def __init__(self, collection: str, user: Subject) -> None:
        self._collection = collection
        self._user = user
        self._scale = Percent.of_collection(services().collections.describe(collection))
        self._learnt: list[Face] = []

    def of(self, face: Face) -> float:
        """The similarity of the user's nearest face, 0 to 100."""
        distances = list(self._distances(face))
        return self._scale.similarity(min(distances)) if distances else 100.0

    def learn(self, face: Face) -> None:
        """Take a face for one of the user's."""
        self._learnt.append(face)

    def _distances(self, face: Face) -> Iterator[float]:
        for known in self._learnt:
            yield float(np.square(known.embedding - face.embedding).sum())
        if self._user.faces:
            only = Filter(subject=self._user.id)
            query = SearchQuery(k=1, threshold=_FARTHEST, only=only)
            found = services().searching.by_face(self._collection, face.id, query, itself=True)
            yield from (hit.match.distance for probe in found.probes for hit in probe.hits)


def _status(collection: str, user: Subject) -> str:
    return shapes.status(services().people.get(collection, user.id).faces)
