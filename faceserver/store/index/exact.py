"""Exact search: every distance is computed."""

import numpy as np
from numpy.typing import NDArray

from faceserver.types import Floats

Labels = NDArray[np.int64]
"""What an index calls its vectors: shape (n,), int64, from 1 upwards in the order they came."""


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
