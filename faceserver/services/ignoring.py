"""Faces without a name that are of no interest: their groups are shown on request alone."""

from collections.abc import Sequence
from hashlib import sha256

from faceserver.errors import NotFound
from faceserver.services.context import Context
from faceserver.services.negatives import every_exemplar
from faceserver.store.base import Collection, Exemplar
from faceserver.types import Face


class Ignored:
    """Hides faces of all collections. Safe to call from several threads at once."""

    def __init__(self, context: Context) -> None:
        """Take what the use cases share."""
        self._context = context

    def hide(self, collection: str, face_ids: Sequence[str], *, hidden: bool) -> int:
        """Hide faces that nobody has named, or show them again; they are still found by searches.

        Returns:
            How many of the faces there are; the others are passed over.

        Raises:
            NotFound: there is no such collection.
            StoreFull: no space is left; some of them may be hidden.
        """

        def hide(held: Collection) -> int:
            faces = _some(held, face_ids)
            if not hidden:
                held.forget([_id_of(face.id) for face in faces])
                return len(faces)
            known = ignored_faces(held)
            for face in faces:
                if face.id not in known:
                    _keep(held, face)
            return len(faces)

        return self._context.on(collection, hide)


def ignored_faces(collection: Collection) -> set[str]:
    """The ids of the faces that are hidden."""
    return {item.face for item in every_exemplar(collection, "ignored") if item.face is not None}


def _keep(collection: Collection, face: Face) -> None:
    try:
        collection.keep(Exemplar("ignored", face.embedding, face=face.id, id=_id_of(face.id)))
    except NotFound:  # deleted just now
        return


def _some(collection: Collection, face_ids: Sequence[str]) -> list[Face]:
    found = []
    for face_id in dict.fromkeys(face_ids):
        try:
            found.append(collection.get(face_id))
        except NotFound:
            continue
    return found


def _id_of(face_id: str) -> str:
    """So that a face is hidden once, whoever does it at the same time."""
    return sha256(f"ignored {face_id}".encode()).hexdigest()[:32]
