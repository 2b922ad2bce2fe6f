"""How many candidates a search of the graph has to look at: measured, not guessed."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from faceserver.store.index.exact import Labels
from faceserver.store.index.hnsw import DISTANCE_ERROR, HnswIndex, IncompleteSearch
from faceserver.store.sqlite.facetable import FaceTable
from faceserver.types import Floats

WANTED = 0.99
"""Recall@1 to reach."""

EFS = (24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 256, 320, 384, 512, 768)
"""What is tried, until the recall is reached."""

PROBES = 400
"""So many searches are compared: enough to tell 0.99 from 0.98."""

_STEP = 0.55
"""A probe lies so far from a stored face: 0.3 squared, as a new photograph does."""

_NEAR = 8
"""So many of the nearest are looked at for one that is no copy."""

_SEED = 20


@dataclass(frozen=True)
class Recall:
    """What was found: the recall@1, 0 to 1, with the least ``ef`` that reaches what is wanted."""

    ef: int
    recall: float


class Cancelled(Exception):
    """The measurement is not wanted any more."""


def measure(faces: FaceTable, graph: HnswIndex, *, stop: Callable[[], bool]) -> Recall:
    """Compare searches of the graph with exact ones, on a sample of the stored faces.

    Others may add to the graph meanwhile: only what it holds at the beginning is compared.

    Raises:
        Cancelled: ``stop`` says so.
    """
    last = graph.last
    labels = faces.spread(PROBES, last=last)
    sample = np.concatenate([part for _, part in faces.vectors_of(labels)])
    probes = make_probes(sample, _differences(faces, graph, sample))
    exact = nearest_distances(probes, faces.all_vectors(last=last), stop=stop)
    return least_ef(graph, probes, exact, stop=stop)


def make_probes(vectors: Floats, differences: Floats) -> Floats:
    """Faces as they might come next: each vector moved as other faces differ from each other.

    Stored vectors themselves would be found too easily. Noise of equal size in all directions would
    be harder than photographs are; what tells a face from the one that is nearest to it, most
    likely of the same person, is how photographs of one person differ.

    Args:
        vectors: float32, shape (n, dims), unit length.
        differences: between faces and those nearest to them: float32, shape (m, dims), m > 0.

    Returns:
        float32, shape (n, dims), unit length.
    """
    chosen = differences[np.random.default_rng(_SEED).integers(len(differences), size=len(vectors))]
    return _unit(vectors + _STEP * _unit(chosen))


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


def least_ef(
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


def _differences(faces: FaceTable, graph: HnswIndex, vectors: Floats) -> Floats:
    """What tells the vectors from those nearest to them, as far as these are no mere copies."""
    neighbours = [_neighbour(graph, vector) for vector in vectors]
    held = {
        label: vector
        for labels, part in faces.vectors_of(np.array(neighbours, np.int64))
        for label, vector in zip(labels.tolist(), part, strict=True)
    }
    differences = [
        vector - held[label]
        for vector, label in zip(vectors, neighbours, strict=True)
        if label in held
    ]
    return np.array(differences or vectors, np.float32)


def _neighbour(graph: HnswIndex, vector: Floats) -> int:
    """The label of the nearest that is no copy of the vector; 0 if none is near."""
    try:
        labels, distances = graph.nearest(vector, k=_NEAR)
    except IncompleteSearch:
        return 0
    others = labels[distances > DISTANCE_ERROR]
    return int(others[0]) if len(others) else 0


def _unit(vectors: Floats) -> Floats:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)
