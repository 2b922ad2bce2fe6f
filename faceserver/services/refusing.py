"""Not this person: refusals are made, listed and undone; :mod:`.negatives` has what they change."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from faceserver.errors import NotFound, SeveralFaces
from faceserver.services.context import ALL_FACES, Choice, Context
from faceserver.services.faces import checked_embedding
from faceserver.services.negatives import SAME_FACE
from faceserver.store.base import Collection, Exemplar, Page
from faceserver.types import Floats

_TAKEN = "taken"


@dataclass(frozen=True)
class Refusal:
    """A face that is not a certain person.

    Attributes:
        id: to undo it by.
        subject: id of the person whom it is not.
        face: id of the stored face that was refused, None if it was not a stored one.
        taken: whether that face was the person's until it was refused.
        created: in UTC.
    """

    id: str
    subject: str
    face: str | None
    taken: bool
    created: datetime


class Refusals:
    """Refusals of all collections. Safe to call from several threads at once."""

    def __init__(self, context: Context) -> None:
        """Take what the use cases share."""
        self._context = context

    def refuse_face(self, collection: str, subject_id: str, face_id: str) -> Refusal:
        """Refuse a stored face; if it shows the person, it shows nobody from now on.

        Raises:
            NotFound: there is no such collection, person or face.
        """

        def refuse(held: Collection) -> Refusal:
            held.subject(subject_id)
            face = held.get(face_id)
            taken = face.subject == subject_id
            made = _kept(held, subject_id, face.embedding, face=face_id, taken=taken)
            if taken:
                held.move([face_id], None)
            return made

        return self._context.on(collection, refuse)

    def refuse_embedding(
        self, collection: str, subject_id: str, embedding: Sequence[float], *, model: str
    ) -> Refusal:
        """Refuse a face that was embedded elsewhere.

        Raises:
            NotFound: there is no such collection or person.
            InvalidEmbedding: another model made it, or it is no unit vector of the right length.
        """

        def refuse(held: Collection) -> Refusal:
            held.subject(subject_id)
            return _kept(held, subject_id, checked_embedding(held, embedding, model=model))

        return self._context.on(collection, refuse)

    def refuse_picture(
        self, collection: str, subject_id: str, data: bytes, *, choice: Choice = ALL_FACES
    ) -> Refusal:
        """Refuse the face of a picture, which is not stored.

        Args:
            collection: of the person.
            subject_id: who it is not.
            data: the picture's content.
            choice: which of its faces is meant.

        Raises:
            NotFound: there is no such collection or person.
            ImageError: the picture cannot be used.
            NoFace: it holds none.
            SeveralFaces: more than one of its faces may be meant.
        """

        def refuse(held: Collection) -> Refusal:
            held.subject(subject_id)
            analyzer = self._context.analyzer_of(held)
            _, faces = self._context.find(data, analyzer, choice=choice)
            if len(faces) > 1:
                raise SeveralFaces(
                    f"the picture holds {len(faces)} faces; send one with a single face, or "
                    "choose the largest"
                )
            return _kept(held, subject_id, analyzer.embed(faces)[0])

        return self._context.on(collection, refuse)

    def page(
        self, collection: str, *, limit: int, cursor: str | None, subject: str | None = None
    ) -> Page[Refusal]:
        """Some of the refusals, in the order they were made.

        Raises:
            NotFound: there is no such collection.
            InvalidCursor: the cursor is none.
        """

        def listed(held: Collection) -> Page[Refusal]:
            page = held.exemplars("refusal", limit=limit, cursor=cursor, subject=subject)
            return Page(tuple(map(_refusal, page.items)), page.cursor)

        return self._context.on(collection, listed)

    def undo(self, collection: str, refusal_id: str) -> None:
        """Take a refusal back; a face that was the person's is that again, if it is nobody's now.

        Raises:
            NotFound: there is no such collection or refusal.
        """

        def undo(held: Collection) -> None:
            exemplar = held.exemplar(refusal_id)
            if exemplar.kind != "refusal":
                raise NotFound(f"there is no refusal {refusal_id!r}")
            made = _refusal(exemplar)
            held.forget([refusal_id])
            if made.taken and made.face is not None and held.get(made.face).subject is None:
                held.move([made.face], made.subject)

        self._context.on(collection, undo)


def _kept(
    collection: Collection,
    subject_id: str,
    vector: Floats,
    *,
    face: str | None = None,
    taken: bool = False,
) -> Refusal:
    """Remember it, once however often it is said."""
    for near in collection.near_exemplars("refusal", vector, max_distance=SAME_FACE):
        known = near.exemplar
        if (known.subject, known.face) == (subject_id, face) and not taken:
            return _refusal(known)
    exemplar = Exemplar(
        "refusal",
        np.asarray(vector, np.float32),
        subject=subject_id,
        face=face,
        content={_TAKEN: taken},
    )
    return _refusal(collection.keep(exemplar))


def _refusal(exemplar: Exemplar) -> Refusal:
    return Refusal(
        id=exemplar.id,
        subject=exemplar.subject or "",
        face=exemplar.face,
        taken=bool(exemplar.content.get(_TAKEN)),
        created=exemplar.created,
    )
