"""Registers pictures in one collection: find the faces, keep the picture, store the faces."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from faceserver.errors import InputError
from faceserver.pictures import codec
from faceserver.store.base import Collection
from faceserver.store.pictures import PictureStore
from faceserver.types import AttributeValue, DecodedPicture, Face, Floats, Match, Note
from faceserver.vision.analyzer import Analyzer, FoundFace
from faceserver.vision.attributes.base import Value

SavePicture = Callable[[bytes], str]
"""Stores a JPEG and returns its file name."""

Choose = Callable[[Sequence[FoundFace]], Sequence[FoundFace]]
"""Which of a picture's faces are stored; raises InputError to refuse the picture."""


@dataclass(frozen=True)
class Registered:
    """A picture whose faces are stored.

    Attributes:
        name: what the sender called it.
        picture: the stored picture's file name, None if originals are not kept.
        width: of the upright picture, in pixels.
        height: likewise.
        faces: at least one, largest first.
        notes: what is worth knowing about the picture.
    """

    name: str
    picture: str | None
    width: int
    height: int
    faces: tuple[Face, ...]
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True)
class Refused:
    """A picture of which nothing is stored, and why."""

    name: str
    error: InputError


@dataclass(frozen=True)
class Limits:
    """What is accepted, and what is answered.

    Attributes:
        max_bytes: largest picture, in bytes.
        max_pixels: largest picture, in pixels.
        max_matches: most matches of one search.
        max_distance: matches lie below this squared L2 distance; None takes the model's own.
        margin: two people whose distances from a probe differ by less are ambiguous.
    """

    max_bytes: int
    max_pixels: int
    max_matches: int
    max_distance: float | None
    margin: float = 0.05


@dataclass(frozen=True, eq=False)
class Examined:
    """A picture whose faces are found, not yet embedded.

    Attributes:
        name: what the sender called it.
        picture: the stored picture's file name, None if originals are not kept.
        width: of the upright picture, in pixels.
        height: likewise.
        faces: at least one, largest first.
        crops: the stored crop of each face, None if crops are not kept.
        ids: the id of each face; empty if the store is to make them.
        subject: id of the person whom the faces show.
        tags: of each face.
        external_id: likewise.
        notes: what is worth knowing about the picture.
    """

    name: str
    picture: str | None
    width: int
    height: int
    faces: Sequence[FoundFace]
    crops: Sequence[str | None]
    ids: Sequence[str] = ()
    subject: str | None = None
    tags: tuple[str, ...] = ()
    external_id: str | None = None
    notes: tuple[Note, ...] = ()


class Registrar:
    """The two steps from a picture to stored faces. Safe to call from several threads at once."""

    def __init__(
        self,
        *,
        analyzer: Analyzer,
        collection: Collection,
        pictures: PictureStore,
        limits: Limits,
    ) -> None:
        """Take the parts; the collection holds the analyzer's embeddings."""
        self.collection = collection
        self.pictures = pictures
        self.limits = limits
        self._analyzer = analyzer

    def find(
        self, data: bytes, attributes: Sequence[str] = ()
    ) -> tuple[DecodedPicture, Sequence[FoundFace]]:
        """Decode a picture and find its faces, largest first.

        Args:
            data: the file's content.
            attributes: what will be told of the faces.

        Raises:
            UnknownAttribute: there is no such attribute.
            ImageError: the picture cannot be used.
            NoFace: it holds none.
        """
        limits = self.limits
        picture, faces = self._analyzer.read(
            data,
            max_bytes=limits.max_bytes,
            max_pixels=limits.max_pixels,
            attributes=self._analyzer.attributes.wanted(attributes),
        )
        if not faces:
            raise faces.none()
        return picture, faces

    def search(self, face: FoundFace) -> list[Match]:
        """Find stored faces near a face, nearest first.

        Raises:
            ModelChanged: the collection is of another model now.
        """
        limits, embedder = self.limits, self._analyzer.embedder
        return self.collection.search(
            self._analyzer.embed([face])[0],
            k=limits.max_matches,
            max_distance=limits.max_distance or embedder.distances.threshold,
        )

    def examine(
        self,
        name: str,
        data: bytes,
        save: SavePicture,
        choose: Choose = lambda faces: faces,
        *,
        attributes: Sequence[str] = (),
    ) -> Examined | Refused:
        """Find a picture's faces, and keep of it what is to be kept.

        Args:
            name: what the sender called it.
            data: its bytes.
            save: from :meth:`PictureStore.batch`, in which the faces are also stored.
            choose: which of the faces are meant.
            attributes: what is to be known of the faces beside; see :meth:`store`.
        """
        try:
            decoded, faces = self.find(data, attributes)
            faces = choose(faces)
        except InputError as error:
            return Refused(name, error)
        keep = self.pictures.keep
        picture = save(codec.encode(decoded)) if keep == "originals" else None
        crops = [save(codec.encode_jpeg(face.crop)) if keep == "crops" else None for face in faces]
        return Examined(
            name, picture, decoded.width, decoded.height, faces, crops, notes=decoded.notes
        )

    def store(self, examined: Sequence[Examined | Refused]) -> list[Registered | Refused]:
        """Embed and store the faces of all pictures as one batch.

        What attributes tell of them in numbers, texts and truths goes with them; see
        :func:`_attributes`.
        """
        found = [item for item in examined if isinstance(item, Examined)]
        faces = [face for item in found for face in item.faces]
        vectors, told = iter(self._analyzer.embed(faces)), iter(self._analyzer.tell(faces))
        new = [face for item in found for face in _new_faces(item, vectors, told)]
        stored = iter(self.collection.add(new))
        return [
            item
            if isinstance(item, Refused)
            else Registered(
                name=item.name,
                picture=item.picture,
                width=item.width,
                height=item.height,
                faces=tuple(next(stored) for _ in item.faces),
                notes=item.notes,
            )
            for item in examined
        ]


def _new_faces(
    item: Examined, vectors: Iterator[Floats], told: Iterator[Mapping[str, Value]]
) -> list[Face]:
    ids = item.ids or [""] * len(item.faces)
    return [
        Face(
            embedding=next(vectors),
            detection=face.detection,
            picture=item.picture,
            source=item.name,
            crop=crop,
            subject=item.subject,
            tags=item.tags,
            external_id=item.external_id,
            attributes=_attributes(next(told)),
            id=face_id,
        )
        for face, crop, face_id in zip(item.faces, item.crops, ids, strict=True)
    ]


def _attributes(told: Mapping[str, Value]) -> dict[str, AttributeValue]:
    """What is stored of what attributes tell of a face.

    The ``value`` of an attribute has its name, its other fields have the attribute's and their own:
    ``quality``, ``quality_sharpness``, ``pose_yaw``. Points are not stored.
    """
    return {
        name if field == "value" else f"{name}_{field}": value
        for name, fields in told.items()
        for field, value in fields.items()
        if isinstance(value, bool | int | float | str)
    }
