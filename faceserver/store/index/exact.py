"""Exact search: every distance is computed."""

from dataclasses import dataclass, replace
from math import inf

import numpy as np
from numpy.typing import NDArray

from faceserver.types import Floats

Labels = NDArray[np.int64]
"""What an index calls its vectors: shape (n,), int64, from 1 upwards in the order they came."""


@dataclass(frozen=True, eq=False)
class Found:
    """What is near a probe.

    Attributes:
        labels: nearest first, int64, shape (n,).
        distances: squared L2, float32, shape (n,).
        error: the distances may be so far off.
        reach: all that is nearer than this is among them; infinite where there are no more.
    """

    labels: Labels
    distances: Floats
    error: float = 0.0
    reach: float = inf

    @property
    def is_all(self) -> bool:
        """Whether there are no more."""
        return self.reach == inf

    def reaches(self, max_distance: float) -> bool:
        """Whether all that is under this distance is among them."""
        return self.reach >= max_distance + self.error

    def where(self, mask: NDArray[np.bool_]) -> "Found":
        """Those that the mask says, shape (n,)."""
        return replace(self, labels=self.labels[mask], distances=self.distances[mask])

    def under(self, max_distance: float) -> "Found":
        """Those that may be nearer."""
        return self.where(self.distances < max_distance + self.error)

    def without(self, labels: Labels) -> "Found":
        """Those that are not among these."""
        return self.where(~np.isin(self.labels, labels)) if len(labels) else self

    def beside(self, other: "Found") -> "Found":
        """Both together, nearest first."""
        labels = np.concatenate((self.labels, other.labels))
        distances = np.concatenate((self.distances, other.distances))
        labels, distances = nearest(labels, distances, k=len(labels))
        return Found(labels, distances, max(self.error, other.error), self.reach)


def nearest(labels: Labels, distances: Floats, *, k: int) -> tuple[Labels, Floats]:
    """The k least distances and their labels, least first, equal ones by label."""
    order = np.lexsort((labels, distances))[: max(k, 0)]
    return labels[order], distances[order]


def squared_distances(vectors: Floats, probe: Floats) -> Floats:
    """Squared L2 distances.

    Differences are squared, rather than 2 - 2 a.b taken from a matrix product, because the latter
    loses what matters most: equal vectors would lie near 0, on either side of it, and twins would
    not tie.

    Args:
        vectors: float32, shape (n, dims).
        probe: float32, shape (dims,).

    Returns:
        float32, shape (n,).
    """
    distances: Floats = np.square(vectors - probe).sum(axis=1)
    return distances


class ExactIndex:
    """Vectors in one array. Searches need no lock: an addition puts a new array in its place."""

    def __init__(self, dims: int) -> None:
        """Start empty, for vectors of ``dims`` numbers."""
        self._held = (np.empty(0, np.int64), np.empty((0, dims), np.float32))
        self._last = 0

    def __len__(self) -> int:
        return len(self._held[0])

    @property
    def last(self) -> int:
        """The highest label that was ever added, 0 before that."""
        return self._last

    @property
    def held(self) -> tuple[Labels, Floats]:
        """All labels and all vectors, float32, shape (n, dims); not to be changed."""
        return self._held

    def add(self, labels: Labels, vectors: Floats) -> None:
        """Add vectors under labels higher than all before; one thread at a time.

        Args:
            labels: int64, shape (n,), rising.
            vectors: float32, shape (n, dims).
        """
        held_labels, held_vectors = self._held
        self._held = (
            np.concatenate((held_labels, labels)),
            np.concatenate((held_vectors, vectors)),
        )
        self._last = int(labels[-1])

    def remove(self, labels: Labels) -> None:
        """Forget the vectors under these labels; one thread at a time adds or removes."""
        held_labels, held_vectors = self._held
        kept = ~np.isin(held_labels, labels)
        self._held = held_labels[kept], held_vectors[kept]

    def nearest(self, probe: Floats, *, k: int) -> tuple[Labels, Floats]:
        """The labels and squared L2 distances of the k nearest, or of all, nearest first.

        Args:
            probe: float32, shape (dims,).
            k: at most so many.
        """
        labels, vectors = self._held
        return nearest(labels, squared_distances(vectors, probe), k=k)
