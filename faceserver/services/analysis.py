"""Detect, embed, compare: nothing is stored."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from faceserver.api.pictures import Credentials
from faceserver.models.distances import Distances
from faceserver.pictures import codec
from faceserver.services.context import ALL_FACES, Choice, Context
from faceserver.types import Box, DecodedPicture, Detection, Floats, Note
from faceserver.vision.analyzer import FoundFace, FoundFaces
from faceserver.vision.attributes.base import Value
from faceserver.vision.geometry import resize

_SAME_FACE = 0.3
"""Two boxes that share so much of what they cover show the same face."""


@dataclass(frozen=True)
class Detected:
    """A picture and its faces.

    Attributes:
        width: of the upright picture, in pixels.
        height: likewise.
        faces: largest first.
        attributes: what was asked for of each face.
        notes: what is worth knowing about the picture.
    """

    width: int
    height: int
    faces: tuple[Detection, ...]
    notes: tuple[Note, ...]
    attributes: tuple[Mapping[str, Value], ...]


@dataclass(frozen=True, eq=False)
class Embedded(Detected):
    """And their vectors.

    Attributes:
        vectors: float32, shape (number of faces, dims), each row of unit length.
    """

    vectors: Floats


@dataclass(frozen=True)
class ComparedPair:
    """A face of one picture and a face of another, by their places in the pictures' lists."""

    a: int
    b: int
    distance: float


@dataclass(frozen=True, eq=False)
class Compared:
    """Two pictures, and the pairs of their faces, nearest first."""

    a: Embedded
    b: Embedded
    pairs: tuple[ComparedPair, ...]


class Analysis:
    """What is done with pictures alone, with the model that the server is set to."""

    def __init__(self, context: Context) -> None:
        """Take what the use cases share."""
        self._context = context

    @property
    def model(self) -> str:
        """The embedding model's name."""
        return self._context.analyzer.embedder.name

    @property
    def dims(self) -> int:
        """Length of its embeddings."""
        return self._context.analyzer.embedder.dims

    @property
    def crop_size(self) -> int:
        """Side of the crop that the model sees, in pixels."""
        return self._context.analyzer.embedder.size

    @property
    def distances(self) -> Distances:
        """What their distances mean."""
        return self._context.analyzer.embedder.distances

    @property
    def threshold(self) -> float:
        """The distance below which two faces are taken for one person."""
        return self._context.threshold_of(self._context.analyzer)

    def fetch(self, url: str, credentials: Credentials | None = None) -> bytes:
        """A URL's bytes; the credentials are for its own host alone.

        Raises:
            FetchError: it gives none, or must not be asked.
            Busy: too many are being fetched already.
        """
        return self._context.fetch_for_request(url, credentials)

    @property
    def attributes(self) -> list[str]:
        """What else can be told of faces: the names of the attributes."""
        return self._context.analyzer.attributes.names()

    def detect(
        self, data: bytes, *, attributes: Sequence[str] = (), choice: Choice = ALL_FACES
    ) -> Detected:
        """Find the faces of a picture that are meant; none is an empty list.

        Raises:
            ImageError: the picture cannot be used.
            UnknownAttribute: there is no such attribute.
        """
        picture, faces = self._read(data, attributes, choice)
        return Detected(
            picture.width,
            picture.height,
            _detections(faces),
            picture.notes,
            tuple(self._context.analyzer.tell(faces)),
        )

    def embed(
        self,
        data: bytes,
        *,
        attributes: Sequence[str] = (),
        choice: Choice = ALL_FACES,
    ) -> Embedded:
        """Find and embed the faces of a picture; none is an empty list.

        Raises:
            ImageError: the picture cannot be used.
            UnknownAttribute: there is no such attribute.
        """
        picture, found = self._read(data, attributes, choice)
        return self._embedded(picture, found)

    def embed_whole(self, pictures: Sequence[bytes]) -> Floats:
        """Embed pictures that are crops of faces already, each as a whole, as one batch.

        Returns:
            float32, shape (number of pictures, dims), each row of unit length.

        Raises:
            ImageError: a picture cannot be used.
        """
        embedder = self._context.analyzer.embedder
        images = [self._context.decode(data).image for data in pictures]
        return embedder.embed([resize(image, embedder.size, embedder.size) for image in images])

    def cut_out(self, data: bytes, box: Box) -> bytes:
        """What a box holds of a picture, as JPEG; as far as it lies inside, and a pixel at least.

        Raises:
            ImageError: the picture cannot be used.
        """
        picture = self._context.decode(data)
        height, width = picture.image.shape[:2]
        left, right = _within(box.x1 / picture.scale, box.x2 / picture.scale, width)
        top, bottom = _within(box.y1 / picture.scale, box.y2 / picture.scale, height)
        return codec.encode_jpeg(picture.image[top:bottom, left:right])

    def embed_at(self, data: bytes, box: Box) -> Embedded:
        """Embed the face at a place that is known; where none is found there, what the box holds.

        Raises:
            ImageError: the picture cannot be used.
        """
        picture, found = self._read(data, ())
        nearest = max(found, key=lambda face: face.detection.box.overlap(box), default=None)
        if nearest is None or nearest.detection.box.overlap(box) < _SAME_FACE:
            place = Detection.filling(box)
            crop = self._context.analyzer.embedder.crop(
                picture.image, place.scaled(1 / picture.scale)
            )
            nearest = FoundFace(place, crop)
        return self._embedded(picture, [nearest])

    def compare(
        self,
        a: bytes,
        b: bytes,
        *,
        attributes: Sequence[str] = (),
        choices: tuple[Choice, Choice] = (ALL_FACES, ALL_FACES),
    ) -> Compared:
        """Measure every face of one picture against every face of another, of those that are meant.

        Raises:
            ImageError: a picture cannot be used.
            NoFace: one of them holds none.
        """
        pictures = []
        for name, data, choice in zip("ab", (a, b), choices, strict=True):
            picture, found = self._read(data, attributes, choice)
            if not found:
                raise found.none(f"in picture {name}")
            pictures.append(self._embedded(picture, found))
        one, other = pictures
        distances = np.square(one.vectors[:, None] - other.vectors[None]).sum(axis=2)
        pairs = [
            ComparedPair(i, j, float(distances[i, j]))
            for i, j in product(range(len(one.faces)), range(len(other.faces)))
        ]
        pairs.sort(key=lambda pair: pair.distance)
        return Compared(one, other, tuple(pairs))

    def _read(
        self, data: bytes, attributes: Sequence[str], choice: Choice = ALL_FACES
    ) -> tuple[DecodedPicture, FoundFaces]:
        analyzer = self._context.analyzer
        return self._context.find(data, analyzer, attributes, choice, required=False)

    def _embedded(self, picture: DecodedPicture, faces: Sequence[FoundFace]) -> Embedded:
        analyzer = self._context.analyzer
        return Embedded(
            picture.width,
            picture.height,
            _detections(faces),
            picture.notes,
            tuple(analyzer.tell(faces)),
            analyzer.embed(faces),
        )


def _within(first: float, last: float, size: int) -> tuple[int, int]:
    start = min(max(round(first), 0), size - 1)
    return start, min(max(round(last), start + 1), size)


def _detections(faces: Sequence[FoundFace]) -> tuple[Detection, ...]:
    return tuple(face.detection for face in faces)
