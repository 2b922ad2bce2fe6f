"""Distances of very many pairs, counted in bins, so that memory does not grow with the pairs.

A bin is 0.0005 wide, of squared L2 distances from 0 to 4: figures come out as if each distance were
rounded to that, which is far less than what another photograph changes.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from heapq import nlargest

import numpy as np
from numpy.typing import NDArray

from faceserver.types import Floats

BINS = 8000
WIDTH = 4.0 / BINS
EDGES: NDArray[np.float64] = np.arange(1, BINS + 1, dtype=np.float64) * WIDTH
"""The upper edge of each bin: a threshold there has all of the bin below it."""

_ROWS = 512
_WORST = 12

Counts = NDArray[np.int64]


@dataclass(frozen=True)
class WorstPair:
    """A pair that a model gets most wrong: two places in a set, and their distance."""

    a: int
    b: int
    distance: float


@dataclass(eq=False)
class PairCounts:
    """How many pairs lie in each bin, in all and for each person.

    Attributes:
        same: of the same person, shape (BINS,).
        different: of different people, likewise.
        same_of: of each person, shape (people, BINS); for resampling.
        different_of: pairs of each person with others, likewise; each pair counts for both.
        false_non_matches: pairs of the same person that lie farthest apart, farthest first.
        false_matches: pairs of different people that lie nearest, nearest first.
    """

    same: Counts
    different: Counts
    same_of: Counts
    different_of: Counts
    false_non_matches: list[WorstPair] = field(default_factory=list)
    false_matches: list[WorstPair] = field(default_factory=list)

    def joined(self, others: Iterable["PairCounts"]) -> "PairCounts":
        """These counts and others' as those of one set; the worst pairs stay with their sets."""
        parts = [self, *others]
        return PairCounts(
            same=np.sum([part.same for part in parts], axis=0),
            different=np.sum([part.different for part in parts], axis=0),
            same_of=np.concatenate([part.same_of for part in parts]),
            different_of=np.concatenate([part.different_of for part in parts]),
        )


def count_all(vectors: Floats, people: Sequence[int], places: Sequence[int]) -> PairCounts:
    """Count all pairs of embeddings.

    Args:
        vectors: float32, shape (n, dims), unit length.
        people: whom each shows.
        places: what each is called in :class:`WorstPair`.
    """
    names, owners = np.unique(np.asarray(people), return_inverse=True)
    counts = _empty(len(names))
    worst = _Worst()
    for start in range(0, len(vectors), _ROWS):
        rows = np.arange(start, min(start + _ROWS, len(vectors)))
        distances = 2 - 2 * (vectors[rows] @ vectors[start:].T)
        columns = np.arange(start, len(vectors))
        first, second = np.nonzero(columns[None, :] > rows[:, None])
        found = np.clip(distances[first, second], 0, 4)
        one, other = rows[first], columns[second]
        same = owners[one] == owners[other]
        _add(counts, found[same], owners[one[same]], owners[other[same]], same=True)
        _add(counts, found[~same], owners[one[~same]], owners[other[~same]], same=False)
        worst.see(found, one, other, same)
    return worst.told(counts, places)


def count_pairs(vectors: Floats, pairs: Sequence[tuple[int, int, bool]]) -> PairCounts:
    """Count the pairs of a list; each is resampled by itself, for nobody says who is in it."""
    first, second, label = (np.array(column) for column in zip(*pairs, strict=True))
    same = label.astype(bool)
    found = np.clip(np.square(vectors[first] - vectors[second]).sum(axis=1), 0, 4)
    counts = _empty(_CHUNKS)
    # Lists can be long: so many parts of about equal size stand for the people.
    part = np.arange(len(pairs)) * _CHUNKS // len(pairs)
    for kind in (True, False):
        of = part[same == kind]
        _add(counts, found[same == kind], of, of, same=kind)
    worst = _Worst()
    worst.see(found, first, second, same)
    return worst.told(counts, range(len(vectors)))


_CHUNKS = 100


def count_different(counts: PairCounts, vectors: Floats) -> None:
    """Add the pairs of a group's faces, which are all of different people."""
    if len(vectors) < 2:
        return
    rows, columns = np.triu_indices(len(vectors), 1)
    found = np.clip(2 - 2 * (vectors @ vectors.T)[rows, columns], 0, 4)
    counts.different += np.bincount(_bins(found), minlength=BINS)


def _empty(people: int) -> PairCounts:
    return PairCounts(
        same=np.zeros(BINS, np.int64),
        different=np.zeros(BINS, np.int64),
        same_of=np.zeros((people, BINS), np.int64),
        different_of=np.zeros((people, BINS), np.int64),
    )


def _bins(distances: NDArray[np.floating]) -> NDArray[np.intp]:
    return np.minimum((distances / WIDTH).astype(np.intp), BINS - 1)


def _add(
    counts: PairCounts,
    distances: NDArray[np.floating],
    one: NDArray[np.integer],
    other: NDArray[np.integer],
    *,
    same: bool,
) -> None:
    bins = _bins(distances)
    total, each = (counts.same, counts.same_of) if same else (counts.different, counts.different_of)
    total += np.bincount(bins, minlength=BINS)
    np.add.at(each, (one, bins), 1)
    if not same:
        np.add.at(each, (other, bins), 1)


class _Worst:
    """Keeps the few pairs that are most wrong."""

    def __init__(self) -> None:
        self._far: list[WorstPair] = []
        self._near: list[WorstPair] = []

    def see(
        self,
        distances: NDArray[np.floating],
        one: NDArray[np.integer],
        other: NDArray[np.integer],
        same: NDArray[np.bool_],
    ) -> None:
        self._far = _most(self._far, distances, one, other, same)
        self._near = _most(self._near, -distances, one, other, ~same)

    def told(self, counts: PairCounts, places: Sequence[int]) -> PairCounts:
        counts.false_non_matches, counts.false_matches = (
            [WorstPair(places[pair.a], places[pair.b], abs(pair.distance)) for pair in kept]
            for kept in (self._far, self._near)
        )
        return counts


def _most(
    kept: list[WorstPair],
    values: NDArray[np.floating],
    one: NDArray[np.integer],
    other: NDArray[np.integer],
    chosen: NDArray[np.bool_],
) -> list[WorstPair]:
    """The pairs with the largest values, of those that are kept and those that are chosen."""
    places = np.flatnonzero(chosen)
    best = places[np.argsort(-values[places], kind="stable")[:_WORST]]
    new = [WorstPair(int(one[i]), int(other[i]), float(values[i])) for i in best]
    return nlargest(_WORST, [*kept, *new], key=lambda pair: pair.distance)
