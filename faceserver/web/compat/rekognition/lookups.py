"""What several operations look up: users by their names, faces by their ids, names by people."""

import re
from collections.abc import Iterable, Sequence
from uuid import UUID

from faceserver.errors import InvalidRequest, NotFound
from faceserver.types import Face, Subject
from faceserver.web.compat.rekognition.inputs import USER_ID
from faceserver.web.context import services


def user(collection: str, user_id: str) -> Subject:
    """A user.

    Raises:
        NotFound: there is no such collection or user.
        InvalidRequest: there is none, and nobody could be called so.
    """
    found = services().people.named(collection, user_id)
    if found is not None:
        return found
    if not re.fullmatch(USER_ID, user_id):
        raise InvalidRequest(f"UserId: it must match {USER_ID}")
    raise NotFound(f"there is no user {user_id!r} in the collection {collection!r}")


def face(collection: str, face_id: str) -> Face:
    """A face.

    Raises:
        NotFound: there is no such collection.
        InvalidRequest: there is no such face.
    """
    found = services().faces.some(collection, [UUID(face_id).hex])
    if not found:
        raise InvalidRequest(f"FaceId {face_id} does not exist in the collection {collection}")
    return found[0]


def faces(collection: str, face_ids: Sequence[str]) -> dict[str, Face]:
    """Those of the faces that there are, by Rekognition's form of their ids.

    Raises:
        NotFound: there is no such collection.
    """
    found = services().faces.some(collection, [UUID(face_id).hex for face_id in face_ids])
    return {str(UUID(each.id)): each for each in found}


def names(collection: str, shown: Iterable[Face]) -> dict[str, str]:
    """The names of the people whom faces show, by the people's ids."""
    subjects = {each.subject for each in shown if each.subject is not None}
    return {each.id: each.name for each in services().people.some(collection, sorted(subjects))}
