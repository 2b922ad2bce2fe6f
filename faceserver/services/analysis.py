"""Detect, embed, compare: nothing is stored."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from faceserver.api.pictures import Credentials
from faceserver.errors import NoFace
from faceserver.models.spec import Distances
from faceserver.services.context import Parts, chosen
from faceserver.types import Detection, Floats
from faceserver.vision.analyzer import FoundFace
from faceserver.vision.attributes.base import Value


@dataclass(frozen=True)
class Detected:
    """A picture and its faces.

    Attributes:
        width: of the upright picture, in pixels.
        height: likewise.
        faces: largest first.
        attributes: what was asked for of each face.
    """

    width: int
    height: int
    faces: tuple[Detection, ...]
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

    a: Detected
    b: Detected
    pairs: tuple[ComparedPair, ...]


class Stateless:
    """What is done with pictures alone, with the model that the server is set to."""

    def __init__(self, parts: Parts) -> None:
        """Take the parts."""
        self._parts = parts

    @property
    def model(self) -> str:
        """The embedding model's name."""
        return self._parts.analyzer.embedder.name

    @property
    def dims(self) -> int:
        """Length of its embeddings."""
        return self._parts.analyzer.embedder.dims

    @property
    def distances(self) -> Distances:
        """What their distances mean."""
        return self._parts.analyzer.embedder.distances

    @property
    def threshold(self) -> float:
        """The distance below which two faces are taken for one person."""
        return self._parts.limits.max_distance or self.distances.threshold

    def fetch(self, url: str, credentials: Credentials | None = None) -> bytes:
        """A URL's bytes; the credentials are for its own host alone.

        Raises:
            FetchError: it gives none, or must not be asked.
        """
        return self._parts.fetch(url, credentials)

    def detect(self, data: bytes, *, attributes: Sequence[str] = ()) -> Detected:
        """Find every face of a picture; none is an empty list.

        Raises:
            ImageError: the picture cannot be used.
            UnknownAttribute: there is no such attribute.
        """
        (width, height), faces = self._found(data, attributes)
        told = tuple(self._parts.analyzer.tell(faces))
        return Detected(width, height, _detections(faces), told)

    def embed(
        self, data: bytes, *, largest: bool = False, attributes: Sequence[str] = ()
    ) -> Embedded:
        """Find and embed the faces of a picture; none is an empty list.

        Raises:
            ImageError: the picture cannot be used.
            UnknownAttribute: there is no such attribute.
        """
        (width, height), found = self._found(data, attributes)
        faces = chosen(found, largest=largest)
        vectors, told = self._parts.analyzer.embed(faces), self._parts.analyzer.tell(faces)
        return Embedded(width, height, _detections(faces), tuple(told), vectors)

    def compare(self, a: bytes, b: bytes, *, largest: bool = False) -> Compared:
        """Measure every face of one picture against every face of another.

        Raises:
            ImageError: a picture cannot be used.
            NoFace: one of them holds none.
        """
        one, other = self.embed(a, largest=largest), self.embed(b, largest=largest)
        for name, picture in (("a", one), ("b", other)):
            if not picture.faces:
                raise NoFace(f"no face was found in picture {name}")
        distances = np.square(one.vectors[:, None] - other.vectors[None]).sum(axis=2)
        pairs = [
            ComparedPair(i, j, float(distances[i, j]))
            for i, j in product(range(len(one.faces)), range(len(other.faces)))
        ]
        pairs.sort(key=lambda pair: pair.distance)
        return Compared(one, other, tuple(pairs))

    def _found(
        self, data: bytes, attributes: Sequence[str]
    ) -> tuple[tuple[int, int], list[FoundFace]]:
        image, faces = self._parts.read(data, attributes)
        height, width = image.shape[:2]
        return (width, height), faces


def _detections(faces: Sequence[FoundFace]) -> tuple[Detection, ...]:
    return tuple(face.detection for face in faces)
