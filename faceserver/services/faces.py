"""Stored faces: added from a picture or a ready embedding, shown, moved, deleted."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import IO

import numpy as np

from faceserver.errors import InvalidEmbedding, InvalidPlace, NotFound, TruncatedImage
from faceserver.pictures import codec
from faceserver.services.context import Context
from faceserver.services.negatives import forget_refusals
from faceserver.store.base import Collection, Page
from faceserver.store.pictures import is_picture_name
from faceserver.store.results import Link
from faceserver.types import NOWHERE, Detection, Face, Filter, Floats, place_fault

SIZE = ("picture_width", "picture_height")
"""Attributes of faces: their picture's pixels, where they were told when it was taken in."""

_UNIT_TOLERANCE = 1e-3


@dataclass(frozen=True)
class Labels:
    """What is to be known of new faces.

    Attributes:
        source: what the picture is called.
        subject: id of the person whom they show.
        tags: to filter by.
        external_id: what another system calls them.
    """

    source: str
    subject: str | None = None
    tags: tuple[str, ...] = ()
    external_id: str | None = None


class Faces:
    """The faces of all collections. Safe to call from several threads at once."""

    def __init__(self, context: Context) -> None:
        """Take what the use cases share."""
        self._context = context

    def add_embedding(
        self,
        collection: str,
        embedding: Sequence[float],
        labels: Labels,
        *,
        model: str,
        detection: Detection = NOWHERE,
    ) -> Face:
        """Store a face that was embedded elsewhere.

        Raises:
            NotFound: there is no such collection, or no such person.
            InvalidEmbedding: another model made it, or it is no unit vector of the right length.
            InvalidPlace: its box is empty.
            StoreFull: no space left on the device.
        """

        def add(held: Collection) -> Face:
            vector = checked_embedding(held, embedding, model=model)
            fault = place_fault(detection)
            if fault is not None:
                raise InvalidPlace(f"the face's box is invalid: {fault}")
            face = Face(
                embedding=vector,
                detection=detection,
                picture=None,
                source=labels.source,
                subject=labels.subject,
                tags=labels.tags,
                external_id=labels.external_id,
            )
            return held.add([face])[0]

        return self._context.on(collection, add)

    def get(self, collection: str, face_id: str) -> Face:
        """One face.

        Raises:
            NotFound: there is no such collection or face.
        """
        return self._context.on(collection, lambda held: held.get(face_id))

    def some(self, collection: str, face_ids: Sequence[str]) -> list[Face]:
        """Those of the faces that there are, each once, in the order of their ids in the list.

        Raises:
            NotFound: there is no such collection.
        """

        def some(held: Collection) -> list[Face]:
            found = []
            for face_id in dict.fromkeys(face_ids):
                try:
                    found.append(held.get(face_id))
                except NotFound:
                    continue
            return found

        return self._context.on(collection, some)

    def page(self, collection: str, only: Filter, *, limit: int, cursor: str | None) -> Page[Face]:
        """Some of the faces, in the order they were stored.

        Raises:
            NotFound: there is no such collection.
            InvalidCursor: the cursor is none.
        """
        return self._context.reading(
            collection,
            lambda held: held.faces(limit=limit, cursor=cursor, only=only),
        )

    def move(self, collection: str, face_id: str, subject: str | None) -> None:
        """Say whom a face shows, None for nobody.

        Raises:
            NotFound: there is no such collection, face or person.
        """
        if not self.move_all(collection, [face_id], subject):
            raise NotFound(f"there is no face {face_id!r}")

    def move_all(self, collection: str, face_ids: Sequence[str], subject: str | None) -> int:
        """Say whom faces show, None for nobody; all of them or none.

        A face that was refused for this person is the person's after all: the refusal is forgotten.

        Returns:
            How many of the faces there are; the others are passed over.

        Raises:
            NotFound: there is no such collection or person.
        """

        def move(held: Collection) -> int:
            moved = held.move(face_ids, subject)
            if subject is not None:
                forget_refusals(held, face_ids, subject)
            return moved

        return self._context.on(collection, move)

    def tag(self, collection: str, face_id: str, tags: Sequence[str]) -> None:
        """Give a face these tags instead of those it has.

        Raises:
            NotFound: there is no such collection or face.
        """
        self._context.on(collection, lambda held: held.tag(face_id, tags))

    def delete(self, collection: str, face_id: str) -> None:
        """Delete a face; its picture goes with the last face that is in it.

        Raises:
            NotFound: there is no such collection or face.
        """
        if not self.delete_all(collection, [face_id]):
            raise NotFound(f"there is no face {face_id!r}")

    def delete_all(self, collection: str, face_ids: Sequence[str]) -> int:
        """Delete faces; return how many of them there were, the others are passed over.

        Raises:
            NotFound: there is no such collection.
        """
        return self._context.on(collection, lambda held: held.delete(face_ids))

    def open_picture(self, collection: str, face_id: str) -> IO[bytes] | Link:
        """The picture of a face: as a stream, to be closed, or a link to where it is.

        Raises:
            NotFound: there is no such collection or face, or no picture is kept.
            StoreUnavailable: what holds the pictures does not answer.
        """
        face = self.get(collection, face_id)
        if face.picture is None:
            raise NotFound("the picture of this face was not kept")
        return self._context.pictures.link_or_stream(face.picture)

    def open_stored(self, name: str, *, of: str | None = None) -> IO[bytes] | Link:
        """A stored picture by its name: as a stream, to be closed, or a link to where it is.

        Args:
            name: of the picture.
            of: a collection that the picture must show a face of; None for any.

        Raises:
            NotFound: no such picture is stored, or there is no such collection.
            StoreUnavailable: what holds the pictures does not answer.
        """
        if not is_picture_name(name):  # a thumbnail is had by its face
            raise NotFound(f"there is no picture {name!r}")
        if of is not None:
            only = Filter(picture=name)
            if not self._context.on(of, lambda held: held.faces(limit=1, only=only)).items:
                raise NotFound(f"there is no picture {name!r}")
        return self._context.pictures.link_or_stream(name)

    def picture_size(self, face: Face) -> tuple[int, int] | None:
        """Width and height of the picture that a face is in, in pixels, as it was sent.

        None where the picture is not kept, or damaged.
        """
        width, height = (face.attributes.get(name) for name in SIZE)
        if isinstance(width, int) and isinstance(height, int):
            return width, height
        if face.picture is None:
            return None
        try:
            with self._context.pictures.open(face.picture) as stream:
                return codec.stored_size(stream)
        except (NotFound, TruncatedImage):
            return None

    def picture_place(self, name: str) -> str:
        """Where a person finds a stored picture.

        Raises:
            NotFound: no picture of that name is stored.
        """
        return self._context.pictures.place(name)

    def crop(self, collection: str, face_id: str) -> bytes:
        """The aligned face as JPEG: as it was kept, or cut out of the kept picture.

        Raises:
            NotFound: there is no such collection or face, or nothing of the picture is kept.
        """
        held = self._context.store.collection(collection)
        face = self.get(collection, face_id)
        if face.crop is not None:
            return self._context.pictures.read(face.crop)
        if face.picture is None:
            raise NotFound("the picture of this face was not kept")
        picture = codec.decode_stored(self._context.pictures.read(face.picture))
        place = face.detection.scaled(1 / picture.scale)
        embedder = self._context.analyzer_of(held).embedder
        return codec.encode_jpeg(embedder.crop(picture.image, place))

    def crop_version(self, collection: str, face_id: str) -> str:
        """A text that changes when the crop of a face does: it is cut as its model wants it.

        Raises:
            NotFound: there is no such collection or face.
        """
        held = self._context.store.collection(collection)
        return sha256(f"{held.get(face_id).id} {held.model}".encode()).hexdigest()


def unit_vector(collection: Collection, numbers: Sequence[float]) -> Floats:
    """The numbers as a vector that a collection holds, brought to unit length.

    Raises:
        InvalidEmbedding: there is another number of them, or they have no length.
    """
    if len(numbers) != collection.dims:
        raise InvalidEmbedding(
            f"an embedding of {collection.model} has {collection.dims} numbers, not {len(numbers)}"
        )
    vector = np.array(numbers, np.float64)
    length = float(np.linalg.norm(vector))
    if not 0 < length < float("inf"):  # written so that NaN is refused as well
        raise InvalidEmbedding(f"an embedding cannot have the length {length:g}")
    return np.asarray(vector / length, np.float32)


def checked_embedding(collection: Collection, numbers: Sequence[float], *, model: str) -> Floats:
    """The numbers as a vector that a collection holds: float32, shape (dims,), of unit length.

    Raises:
        InvalidEmbedding: another model made them, or they are no unit vector of that length.
    """
    if model != collection.model:
        raise InvalidEmbedding(
            f"the collection {collection.name!r} holds embeddings of {collection.model}, "
            f"not of {model}"
        )
    vector = np.array(numbers, np.float32)
    if len(vector) != collection.dims:
        raise InvalidEmbedding(
            f"an embedding of {model} has {collection.dims} numbers, not {len(vector)}"
        )
    length = float(np.linalg.norm(vector))
    if not abs(length - 1) <= _UNIT_TOLERANCE:  # written so that NaN is refused as well
        raise InvalidEmbedding(f"an embedding has length 1, not {length:.4g}")
    return vector
