"""Small pictures of stored faces: made when a picture is registered, and again when they are lost.

They are cut by a recipe of their own, so that they stay right when a collection's model changes. Of
a face whose picture is not kept they show what is kept, its crop; where nothing is kept, there are
none. They go with their face: see :mod:`faceserver.store.pictures.kept`.
"""

import logging
from collections.abc import Iterable, Sequence

from faceserver.errors import NotFound, StoreError, TruncatedImage
from faceserver.models.spec import SquareCrop
from faceserver.pictures import codec, thumbnails
from faceserver.pictures.thumbnails import SIDES, Size
from faceserver.services.context import Context
from faceserver.store.base import Collection
from faceserver.store.pictures import Keep, PictureStore, thumbnail_name
from faceserver.types import NOWHERE, DecodedPicture, Face
from faceserver.vision.analyzer import FoundFace
from faceserver.vision.crops import square_crop

_log = logging.getLogger(__name__)

_RECIPE = SquareCrop(kind="square", side=1.3, lowered=0.0, size=max(SIDES.values()))
"""A face with its hair and chin."""


def thumbnails_of(
    picture: DecodedPicture, faces: Sequence[FoundFace], keep: Keep
) -> tuple[bytes, ...]:
    """The thumbnail of each face of a picture, from what is kept of it; none where nothing is."""
    if keep == "nothing":
        return ()
    if keep == "crops":
        return tuple(thumbnails.packed(face.crop) for face in faces)
    scale = 1 / picture.scale
    return tuple(
        thumbnails.packed(square_crop(picture.image, face.detection.scaled(scale), _RECIPE))
        for face in faces
    )


def keep_thumbnails(
    pictures: PictureStore, collection: Collection, made: Iterable[tuple[str, bytes]]
) -> None:
    """Store the thumbnails of faces that are in; where that fails they are made when asked for.

    Args:
        pictures: where to.
        collection: of the faces.
        made: ids of faces, each with its thumbnail.
    """
    written = []
    try:
        for face_id, content in made:
            written.append(face_id)
            pictures.put(thumbnail_name(face_id), content)
        # A face that was deleted meanwhile has left nothing but this behind.
        gone = [face_id for face_id in written if not _is_there(collection, face_id)]
        pictures.discard(map(thumbnail_name, gone))
    except StoreError as error:
        _log.warning("thumbnails are not stored, and will be made when asked for: %s", error)


class Thumbnails:
    """The thumbnails of all collections. Safe to call from several threads at once."""

    def __init__(self, context: Context) -> None:
        """Take what the use cases share."""
        self._context = context

    def version(self, collection: str, face_id: str, size: Size) -> str:
        """A text that stands for a thumbnail: a face's never changes.

        Raises:
            NotFound: there is no such collection or face, or nothing of its picture is kept.
        """
        face = self._face(collection, face_id)
        return f"{face.id}-{size}"

    def get(self, collection: str, face_id: str, size: Size) -> bytes:
        """A face as a small square WebP; a lost one is made again, and stored.

        Raises:
            NotFound: there is no such collection or face, or nothing of its picture is kept.
            ImageError: it is lost, and the picture is damaged.
            StoreUnavailable: what holds the pictures does not answer.
        """
        face = self._face(collection, face_id)
        try:
            return thumbnails.part(self._context.pictures.read(thumbnail_name(face.id)), size)
        except (NotFound, TruncatedImage):
            made = self._made(face)
        held = self._context.store.collection(collection)
        keep_thumbnails(self._context.pictures, held, [(face.id, made)])
        return thumbnails.part(made, size)

    def _face(self, collection: str, face_id: str) -> Face:
        face = self._context.on(collection, lambda held: held.get(face_id))
        if face.crop is None and (face.picture is None or face.detection == NOWHERE):
            raise NotFound("no picture of this face is kept")
        return face

    def _made(self, face: Face) -> bytes:
        if face.picture is None:
            crop = codec.decode_stored(self._context.pictures.read(face.crop or ""))
            return thumbnails.packed(crop.image)
        picture = codec.decode_stored(self._context.pictures.read(face.picture))
        place = face.detection.scaled(1 / picture.scale)
        return thumbnails.packed(square_crop(picture.image, place, _RECIPE))


def _is_there(collection: Collection, face_id: str) -> bool:
    try:
        collection.get(face_id)
    except NotFound:
        return False
    return True
