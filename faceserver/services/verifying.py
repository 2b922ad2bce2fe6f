"""Verifying: is it this one? Pictures and vectors against a stored face, or each other."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from faceserver.models.distances import SimilarityCurve
from faceserver.services.analysis import Embedded
from faceserver.services.context import ALL_FACES, DEFAULT, Choice, Context
from faceserver.services.faces import unit_vector
from faceserver.store.base import Collection
from faceserver.types import Floats


@dataclass(frozen=True, eq=False)
class Verified:
    """A picture against a stored face.

    Attributes:
        picture: and its faces, largest first.
        distances: of each of them from the stored face, as squared L2 distance.
        name: of whom the stored face shows, None if nobody said.
    """

    picture: Embedded
    distances: tuple[float, ...]
    name: str | None


class Verifying:
    """Compares with one face. Safe to call from several threads at once."""

    def __init__(self, context: Context) -> None:
        """Take what the use cases share."""
        self._context = context

    def calibration(self, collection: str) -> tuple[float, SimilarityCurve | None]:
        """What the distances of a collection mean.

        Returns:
            The distance below which two faces are taken for one person, and what was measured of
            the model's similarities, None where nobody has.

        Raises:
            NotFound: there is no such collection.
        """

        def look_up(held: Collection) -> tuple[float, SimilarityCurve | None]:
            analyzer = self._context.analyzer_of(held)
            return self._context.threshold_of(analyzer), analyzer.embedder.distances.similarity

        return self._context.on(collection, look_up)

    def picture(
        self,
        collection: str,
        face_id: str,
        data: bytes,
        *,
        attributes: Sequence[str] = (),
        choice: Choice = ALL_FACES,
    ) -> Verified:
        """Measure every face of a picture that is meant against a stored face.

        Raises:
            ImageError: the picture cannot be used.
            NoFace: it holds none.
            NotFound: there is no such collection or face; the picture is looked at first.
            UnknownAttribute: there is no such attribute.
        """

        def verify(held: Collection) -> Verified:
            analyzer = self._context.analyzer_of(held)
            picture, found = self._context.find(data, analyzer, attributes, choice)
            stored = held.get(face_id)
            vectors = analyzer.embed(found)
            faces = tuple(face.detection for face in found)
            told = tuple(analyzer.tell(found))
            size = (picture.width, picture.height)
            return Verified(
                Embedded(*size, faces, picture.notes, told, vectors),
                _distances(vectors, stored.embedding),
                held.subject(stored.subject).name if stored.subject else None,
            )

        return self._context.on(collection, verify)

    def vectors(
        self, collection: str, face_id: str, vectors: Sequence[Sequence[float]]
    ) -> tuple[float, ...]:
        """Measure vectors of the collection's model against a stored face.

        Raises:
            NotFound: there is no such collection or face.
            InvalidEmbedding: a vector has no length, or another number of numbers.
        """

        def verify(held: Collection) -> tuple[float, ...]:
            stored = held.get(face_id)
            return _distances(_stacked(held, vectors), stored.embedding)

        return self._context.on(collection, verify)

    def vectors_alone(
        self, source: Sequence[float], targets: Sequence[Sequence[float]], *, like: str = DEFAULT
    ) -> tuple[float, ...]:
        """Measure vectors of the model of a collection against another one.

        Raises:
            NotFound: there is no such collection.
            InvalidEmbedding: a vector has no length, or another number of numbers.
        """
        return self._context.on(
            like,
            lambda held: _distances(_stacked(held, targets), unit_vector(held, source)),
        )


def _stacked(held: Collection, vectors: Sequence[Sequence[float]]) -> Floats:
    return np.stack([unit_vector(held, numbers) for numbers in vectors])


def _distances(vectors: Floats, other: Floats) -> tuple[float, ...]:
    return tuple(np.square(vectors - other).sum(axis=1).tolist())
