"""1:N identification in an open set: is the right person first, is a stranger known for one?

Everybody is enrolled with all of their photographs. Each photograph is searched for twice among the
others: as it is, and with its own person taken out, as if they were not enrolled.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from faceserver.types import Floats

_TARGETS = (0.1, 0.01, 0.001)
_LEAST_FALSE = 5
_CELLS = 1 << 20
"""Distances that are held at the same time."""


@dataclass(frozen=True)
class OpenSet:
    """What a search does at one false positive identification rate.

    Attributes:
        false_positive_rate: share of the searches for strangers that find somebody (FPIR), at most.
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
        enrolled: their photographs.
        searches: photographs whose person is enrolled with another one.
        rank_1: share of these searches whose nearest photograph is of the right person.
        open_set: at each false positive rate that the photographs suffice for.
    """

    people: int
    enrolled: int
    searches: int
    rank_1: float
    open_set: tuple[OpenSet, ...]


def identify(vectors: Floats, people: Sequence[int]) -> Identification | None:
    """Compute the figures; None where nobody can be searched for.

    Args:
        vectors: float32, shape (n, dims), unit length.
        people: whom each shows.
    """
    mate, other = _nearest(vectors, np.asarray(people))
    enrolled = np.isfinite(mate)
    if not enrolled.any() or not np.isfinite(other).all():
        return None
    return Identification(
        people=len(set(people)),
        enrolled=len(people),
        searches=int(enrolled.sum()),
        rank_1=float((mate < other)[enrolled].mean()),
        open_set=tuple(
            _at(mate[enrolled], other[enrolled], other, target)
            for target in _TARGETS
            if target * len(other) >= _LEAST_FALSE
        ),
    )


def _nearest(vectors: Floats, owners: np.ndarray) -> tuple[Floats, Floats]:
    """Distances to the nearest other photograph of the own person, and to that of anybody else.

    Returns:
        Each of shape (n,); infinite where there is none.
    """
    mates, others = np.empty(len(vectors), np.float32), np.empty(len(vectors), np.float32)
    at_once = max(1, _CELLS // max(len(vectors), 1))
    for start in range(0, len(vectors), at_once):
        rows = np.arange(start, min(start + at_once, len(vectors)))
        distances = 2 - 2 * (vectors[rows] @ vectors.T)
        own = owners[rows][:, None] == owners[None, :]
        others[rows] = np.where(own, np.inf, distances).min(axis=1)
        own[np.arange(len(rows)), rows] = False
        mates[rows] = np.where(own, distances, np.inf).min(axis=1)
    return mates, others


def _at(mate: Floats, beside: Floats, strangers: Floats, target: float) -> OpenSet:
    """At one false positive rate.

    Args:
        mate: of each search for somebody who is enrolled, the distance to them.
        beside: and to the nearest other person.
        strangers: of each search for a stranger the distance to the nearest person.
        target: share of the latter that may find somebody.
    """
    ordered = np.sort(strangers)
    threshold = float(ordered[int(target * len(ordered))])
    found = (mate < beside) & (mate < threshold)
    return OpenSet(
        false_positive_rate=target,
        threshold=threshold,
        false_negative_rate=float(1 - found.mean()),
    )
