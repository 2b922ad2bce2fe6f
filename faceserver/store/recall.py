"""How many candidates a search of the graph has to look at: measured, not guessed."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from faceserver.store.exact import Labels
from faceserver.store.hnsw import DISTANCE_ERROR, HnswIndex, IncompleteSearch
from faceserver.types import Floats

WANTED = 0.99
"""Recall@1 to reach."""

EFS = (24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 256, 320, 384, 512, 768)
"""What is tried, until the recall is reached."""

PROBES = 400
"""So many searches are compared: enough to tell 0.99 from 0.98."""

_TURN = 0.6
"""A probe is a stored face plus so much of another: 0.3 from the first, as a new photograph is."""

_SEED = 20


@dataclass(frozen=True)
class Recall:
    """What was found: the recall@1, 0 to 1, with the least ``ef`` that reaches what is wanted."""

    ef: int
    recall: float


class Cancelled(Exception):
    """The measurement is not wanted any more."""


def make_probes(vectors: Floats) -> Floats:
    """Faces as they might come next: each vector turned towards another one.

    Stored vectors themselves would be found too easily. Noise of equal size in all directions would
    be harder than photographs are; another face's vector points where faces differ.

    Args:
        vectors: float32, shape (n, dims), unit length.

    Returns:
        float32, shape (n, dims), unit length.
    """
    others = vectors[np.random.default_rng(_SEED).permutation(len(vectors))]
    probes = vectors + _TURN * others
    return np.asarray(probes / np.linalg.norm(probes, axis=1, keepdims=True), np.float32)


def nearest_distances(
    probes: Floats, stored: Iterable[tuple[Labels, Floats]], *, stop: Callable[[], bool]
) -> Floats:
    """The squared L2 distance from each probe to the nearest of all stored vectors.

    Raises:
        Cancelled: ``stop`` says so.
    """
    best = np.full(len(probes), -np.inf, np.float32)
    for _, vectors in stored:
        if stop():
            raise Cancelled
        best = np.maximum(best, (probes @ vectors.T).max(axis=1))
    return np.asarray(2 - 2 * best, np.float32)  # of unit vectors


def measure(
    graph: HnswIndex, probes: Floats, nearest: Floats, *, stop: Callable[[], bool]
) -> Recall:
    """Find the least ``ef`` that reaches the recall; the largest, if none does.

    Args:
        graph: what is searched.
        probes: float32, shape (n, dims), unit length.
        nearest: the exact squared distances to what is nearest to each, float32, shape (n,).
        stop: asked before each probe.

    Raises:
        Cancelled: ``stop`` says so.
    """
    result = Recall(EFS[-1], 0.0)
    for ef in EFS:
        hits = 0
        for probe, distance in zip(probes, nearest.tolist(), strict=True):
            if stop():
                raise Cancelled
            hits += _finds(graph, probe, distance, ef=ef)
        result = Recall(ef, hits / len(probes))
        if result.recall >= WANTED:
            break
    return result


def _finds(graph: HnswIndex, probe: Floats, distance: float, *, ef: int) -> bool:
    try:
        _, distances = graph.nearest(probe, k=1, ef=ef)
    except IncompleteSearch:
        return True  # such a search is answered exactly
    return len(distances) > 0 and float(distances[0]) <= distance + DISTANCE_ERROR
