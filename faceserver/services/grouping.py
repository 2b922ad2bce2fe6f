"""Which vectors belong together: likely people among faces that nobody has named.

Pairs of near faces are taken nearest first. Each joins two groups if the faces of one are, on
average, nearer to those of the other than the threshold. The average keeps a chain of lookalikes
from drawing strangers into one group, as joining by the nearest pair alone would. Two faces of one
picture are two people, and so are the groups that they are in.
"""

from collections.abc import Hashable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from faceserver.runtime import deadline
from faceserver.types import Floats

Ints = npt.NDArray[np.int64]

_ROWS = 256
"""Faces whose distances to all others are in memory at once."""

_NEIGHBOURS = 32
"""Most pairs of one face with those that come after it: its nearest ones."""

_CHECKED_EVERY = 4096


def likely_people(
    vectors: Floats, *, threshold: float, pictures: Sequence[Hashable] | None = None
) -> list[list[int]]:
    """Group vectors by the person that they are likely to show.

    Takes time with the square of the number of vectors, and memory with the number.

    Args:
        vectors: float32, shape (n, dims), each row of unit length.
        threshold: squared L2 distance; groups stay apart that are farther from each other, on
            average over their pairs.
        pictures: in which picture each row's face is: two faces of one picture are two people. None
            where that does not count.

    Returns:
        The rows of each group, those nearest to its middle first; the largest group first.

    Raises:
        TimedOut: the request's time is over.
    """
    groups = _Groups(vectors, pictures)
    for turn, (a, b) in enumerate(_near_pairs(vectors, threshold)):
        if turn % _CHECKED_EVERY == 0:
            deadline.check()
        groups.join(a, b, threshold)
    return sorted(groups.members(), key=len, reverse=True)


class _Groups:
    """Disjoint sets of rows; of each the sum of its vectors is known.

    For unit vectors the sums suffice: the average squared distance between two groups is
    ``2 - 2 * (sum_a . sum_b) / (size_a * size_b)``.
    """

    def __init__(self, vectors: Floats, pictures: Sequence[Hashable] | None) -> None:
        self._vectors = vectors
        self._parents = list(range(len(vectors)))
        self._sums = vectors.astype(np.float64)
        self._sizes = [1] * len(vectors)
        self._pictures = [{picture} for picture in pictures] if pictures is not None else None

    def join(self, a: int, b: int, threshold: float) -> None:
        """Make one of the groups of two rows, unless they are too far apart, or two people."""
        a, b = self._root(a), self._root(b)
        if a == b or self._share_a_picture(a, b):
            return
        product = float(self._sums[a] @ self._sums[b])
        if 2 - 2 * product / (self._sizes[a] * self._sizes[b]) >= threshold:
            return
        if self._sizes[a] < self._sizes[b]:
            a, b = b, a
        self._parents[b] = a
        self._sums[a] += self._sums[b]
        self._sizes[a] += self._sizes[b]
        if self._pictures is not None:
            self._pictures[a] |= self._pictures[b]

    def members(self) -> list[list[int]]:
        """The rows of each group, those nearest to its middle first."""
        found: dict[int, list[int]] = {}
        for row in range(len(self._parents)):
            found.setdefault(self._root(row), []).append(row)
        return [self._by_nearness(root, rows) for root, rows in found.items()]

    def _share_a_picture(self, a: int, b: int) -> bool:
        return self._pictures is not None and not self._pictures[a].isdisjoint(self._pictures[b])

    def _by_nearness(self, root: int, rows: Sequence[int]) -> list[int]:
        nearness = self._vectors[rows] @ self._sums[root]
        return [rows[place] for place in np.argsort(-nearness, kind="stable")]

    def _root(self, row: int) -> int:
        while self._parents[row] != row:
            self._parents[row] = self._parents[self._parents[row]]
            row = self._parents[row]
        return row


def _near_pairs(vectors: Floats, threshold: float) -> Iterator[tuple[int, int]]:
    """Pairs of rows nearer than the threshold, nearest first; each pair once."""
    products, pairs = [np.empty(0, np.float32)], [np.empty((0, 2), np.int64)]
    for start in range(0, len(vectors), _ROWS):
        deadline.check()
        near, rows = _pairs_of(vectors, start, 1 - threshold / 2)
        products.append(near)
        pairs.append(rows)
    order = np.argsort(-np.concatenate(products), kind="stable")
    return ((a, b) for a, b in np.concatenate(pairs)[order].tolist())


def _pairs_of(vectors: Floats, start: int, least: float) -> tuple[Floats, Ints]:
    """The products of some rows with the nearest that follow, if above ``least``, and the pairs."""
    block = vectors[start : start + _ROWS] @ vectors[start:].T
    block[np.tril_indices(len(block), m=block.shape[1])] = -2.0
    near = block > least
    for row in np.flatnonzero(np.count_nonzero(near, axis=1) > _NEIGHBOURS):
        near[row] = False
        near[row, np.argpartition(-block[row], _NEIGHBOURS)[:_NEIGHBOURS]] = True
    rows, columns = np.nonzero(near)
    return block[rows, columns], np.stack([rows + start, columns + start], axis=1).astype(np.int64)
