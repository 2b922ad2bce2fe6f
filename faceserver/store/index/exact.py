"""Exact distances, and what a search finds by them."""

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
