"""Distances of very many pairs, counted in bins, so that memory does not grow with the pairs.

A bin is 0.0001 wide, of squared L2 distances from 0 to 4: figures come out as if each distance were
rounded to that, which is far less than what another photograph changes. For the intervals, which
are estimates anyway, wider bins do.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from heapq import nsmallest
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from faceserver.evaluation.data import Pair
from faceserver.types import Floats

BINS = 40_000
WIDTH = 4.0 / BINS
EDGES: NDArray[np.float64] = np.arange(1, BINS + 1, dtype=np.float64) * WIDTH
"""The upper edge of each bin: a threshold there has all of the bin below it."""

_COARSE = 20
"""Bins that are one where parts of the people are counted."""

_CELLS = 1 << 16
"""Pairs that are looked at together."""

_PARTS = 100
"""Where there are more people, each part has several of them, and is drawn as one."""

_WORST = 12

Counts = NDArray[np.int64]


class WorstPair(NamedTuple):
    """A pair that a model gets most wrong: the rows of two vectors, and their distance."""

    a: int
    b: int
    distance: float


@dataclass(eq=False)
class PairCounts:
    """How many pairs lie in each bin, in all and for each part of the people.

    Attributes:
        same: of the same person, shape (BINS,).
        different: of different people, likewise.
        same_of: of each part, shape (parts, fewer and wider bins); for resampling.
        different_of: pairs of each part's people with others, likewise; each pair counts for both.
        false_non_matches: pairs of the same person that lie farthest apart, farthest first.
        false_matches: pairs of different people that lie nearest, nearest first.
    """

    same: Counts
    different: Counts
    same_of: Counts
    different_of: Counts
    false_non_matches: list[WorstPair] = field(default_factory=list)
    false_matches: list[WorstPair] = field(default_factory=list)


def joined(parts: Sequence[PairCounts]) -> PairCounts:
    """The counts of several sets as those of one; the worst pairs stay with their sets."""
    return PairCounts(
        same=np.sum([part.same for part in parts], axis=0),
        different=np.sum([part.different for part in parts], axis=0),
        same_of=np.concatenate([part.same_of for part in parts]),
        different_of=np.concatenate([part.different_of for part in parts]),
    )


def count_all(vectors: Floats, people: Sequence[int]) -> PairCounts:
    """Count all pairs of embeddings.

    Args:
        vectors: float32, shape (n, dims), unit length.
        people: whom each shows.
    """
    _, owners = np.unique(np.asarray(people), return_inverse=True)
    counting = _Counting(parts=min(int(owners.max(initial=0)) + 1, _PARTS))
    at_once = max(1, _CELLS // max(len(vectors), 1))
    for start in range(0, len(vectors), at_once):
        rows = np.arange(start, min(start + at_once, len(vectors)))
        distances = 2 - 2 * (vectors[rows] @ vectors[start:].T)
        first, second = np.triu_indices(len(rows), 1, distances.shape[1])
        one, other = rows[first], start + second
        counting.add(
            distances[first, second],
            (one, other),
            (owners[one] % _PARTS, owners[other] % _PARTS),
            owners[one] == owners[other],
        )
    return counting.counts


def count_pairs(vectors: Floats, pairs: Sequence[Pair]) -> PairCounts:
    """Count the pairs of a list, by the rows of their vectors.

    Nobody says who is in them, so that parts of the list are resampled.
    """
    counting = _Counting(parts=_PARTS)
    for start in range(0, len(pairs), _CELLS // 16):
        some = pairs[start : start + _CELLS // 16]
        one, other, same, _ = np.array(some).T
        part = np.arange(start, start + len(some)) * _PARTS // len(pairs)
        apart = np.square(vectors[one] - vectors[other]).sum(axis=1)
        counting.add(apart, (one, other), (part, part), same.astype(bool))
    return counting.counts


def count_different(counts: PairCounts, vectors: Floats) -> None:
    """Add the pairs of a group's faces, which are all of different people."""
    rows, columns = np.triu_indices(len(vectors), 1)
    apart = 2 - 2 * (vectors @ vectors.T)[rows, columns]
    counts.different += np.bincount(bins_of(apart), minlength=BINS)


def bins_of(distances: NDArray[np.floating]) -> NDArray[np.intp]:
    """The bin of each squared L2 distance."""
    return np.asarray(np.clip(distances / WIDTH, 0, BINS - 1), np.intp)


class _Counting:
    """Counts that grow, and the few pairs so far that are most wrong."""

    def __init__(self, *, parts: int) -> None:
        self.counts = PairCounts(
            same=np.zeros(BINS, np.int64),
            different=np.zeros(BINS, np.int64),
            same_of=np.zeros((parts, BINS // _COARSE), np.int64),
            different_of=np.zeros((parts, BINS // _COARSE), np.int64),
        )

    def add(
        self,
        distances: NDArray[np.floating],
        rows: tuple[NDArray[np.integer], NDArray[np.integer]],
        parts: tuple[NDArray[np.integer], NDArray[np.integer]],
        same: NDArray[np.bool_],
    ) -> None:
        """Count pairs.

        Args:
            distances: of each, shape (n,).
            rows: of the two vectors of each.
            parts: that the two belong to.
            same: whether both show one person.
        """
        counts = self.counts
        bins = bins_of(distances)
        counts.same += np.bincount(bins[same], minlength=BINS)
        counts.different += np.bincount(bins[~same], minlength=BINS)
        coarse = bins // _COARSE
        np.add.at(counts.same_of, (parts[0][same], coarse[same]), 1)
        for part in parts:
            np.add.at(counts.different_of, (part[~same], coarse[~same]), 1)
        far, near = counts.false_non_matches, counts.false_matches
        far[:] = nsmallest(_WORST, [*far, *_lowest(-distances, rows, same)], _wrong)
        near[:] = nsmallest(_WORST, [*near, *_lowest(distances, rows, ~same)], _right)


def _right(pair: WorstPair) -> float:
    return pair.distance


def _wrong(pair: WorstPair) -> float:
    return -pair.distance


def _lowest(
    values: NDArray[np.floating],
    rows: tuple[NDArray[np.integer], NDArray[np.integer]],
    chosen: NDArray[np.bool_],
) -> Iterable[WorstPair]:
    """The pairs with the lowest values among those that are chosen."""
    places = np.flatnonzero(chosen)
    if len(places) > _WORST:
        places = places[np.argpartition(values[places], _WORST)[:_WORST]]
    one, other = rows
    return [WorstPair(int(one[i]), int(other[i]), abs(float(values[i]))) for i in places]
