"""1:N identification in an open set: is the right person first, is a stranger known for one?

Each person is enrolled with the first of their photographs. Every other photograph is searched for
twice: as it is, and with its own person taken out, as if they were not enrolled.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faceserver.types import Floats

_TARGETS = (0.1, 0.01, 0.001)
_LEAST_FALSE = 5
_ROWS = 1024


@dataclass(frozen=True)
class OpenSet:
    """What a search does at one false positive identification rate.

    Attributes:
        false_positive_rate: share of the searches for strangers that find somebody (FPIR).
        threshold: the largest squared L2 distance at which it is kept.
        false_negative_rate: share of the searches for enrolled people that do not find them first
            and below the threshold (FNIR).
    """

    false_positive_rate: float
    threshold: float
    false_negative_rate: float


@dataclass(frozen=True)
class Identification:
    """Figures of all searches.

    Attributes:
        people: who are enrolled.
        searches: photographs that were searched for.
        rank_1: share of the searches whose nearest photograph is of the right person.
        open_set: at each false positive rate that the searches suffice for.
    """

    people: int
    searches: int
    rank_1: float
    open_set: tuple[OpenSet, ...]


def identify(vectors: Floats, people: Sequence[int]) -> Identification | None:
    """Compute the figures; None where nobody can be searched for.

    Args:
        vectors: float32, shape (n, dims), unit length.
        people: whom each shows.
    """
    owners = np.asarray(people)
    names, firsts = np.unique(owners, return_index=True)
    probes = np.setdiff1d(np.arange(len(owners)), firsts)
    if len(names) < 2 or not len(probes):
        return None
    mate, other = _nearest(vectors[probes], owners[probes], vectors[firsts], names)
    found = mate < other
    return Identification(
        people=len(names),
        searches=len(probes),
        rank_1=float(found.mean()),
        open_set=tuple(
            _at(mate, other, target) for target in _TARGETS if target * len(probes) >= _LEAST_FALSE
        ),
    )


def _nearest(
    probes: Floats, owners: NDArray[np.integer], gallery: Floats, names: NDArray[np.integer]
) -> tuple[Floats, Floats]:
    """Distances to the own person and to the nearest other one, each of shape (probes,)."""
    mates, others = np.empty(len(probes), np.float32), np.empty(len(probes), np.float32)
    for start in range(0, len(probes), _ROWS):
        rows = slice(start, start + _ROWS)
        distances = 2 - 2 * (probes[rows] @ gallery.T)
        own = owners[rows][:, None] == names[None, :]
        mates[rows] = distances[own]
        others[rows] = np.where(own, np.inf, distances).min(axis=1)
    return mates, others


def _at(mate: Floats, other: Floats, target: float) -> OpenSet:
    ordered = np.sort(other)
    threshold = float(ordered[int(target * len(ordered))])
    found = (mate < other) & (mate < threshold)
    return OpenSet(
        false_positive_rate=target,
        threshold=round(threshold, 4),
        false_negative_rate=float(1 - found.mean()),
    )
