"""How many candidates a search of the index has to look at: measured, not guessed."""

from dataclasses import dataclass

import numpy as np

from faceserver.runtime.postgres import Postgres, Transaction
from faceserver.store.postgres.tables import CollectionRow, vectors
from faceserver.store.postgres.vectors import text_of, vectors_of
from faceserver.types import Floats

WANTED = 0.99
"""Recall@1 to reach."""

EFS = (40, 64, 100, 160, 250, 400, 640, 1000)
"""What is tried, until the recall is reached."""

PROBES = 400
"""So many searches are compared: enough to tell 0.99 from 0.98."""

_STEP = 0.55
"""A probe lies so far from a stored face: 0.3 squared, as a new photograph does."""

_NEAR = 8
"""So many of the nearest are looked at for one that is no copy."""

_CLOSE = 1e-4
"""Distances that differ by less are of faces equally near."""

_SEED = 20


@dataclass(frozen=True)
class Recall:
    """What was found: the recall@1, 0 to 1, with the least ``ef`` that reaches what is wanted."""

    ef: int
    recall: float


def measure(database: Postgres, row: CollectionRow) -> Recall | None:
    """Compare searches by the index with exact ones, on a sample of the stored faces.

    Returns:
        None where there is nothing to compare.

    Raises:
        StoreError: PostgreSQL refused.
    """
    table = vectors(row.space)
    sample = database.read(lambda transaction: _sample(transaction, table, row.dims))
    if len(sample) < 2:
        return None
    differences = database.read(
        lambda transaction: _differences(transaction, table, row.dims, sample)
    )
    probes = [text_of(probe) for probe in make_probes(sample, differences)]
    exact = database.read(lambda transaction: _exact(transaction, table, probes))
    found = Recall(EFS[-1], 0.0)
    for ef in EFS:
        near = database.read(
            lambda transaction, e=ef: _by_index(transaction, table, row.dims, probes, e)  # type: ignore[misc]
        )
        hits = sum(one <= best + _CLOSE for one, best in zip(near, exact, strict=True))
        found = Recall(ef, hits / len(probes))
        if found.recall >= WANTED:
            break
    return found


def make_probes(sample: Floats, differences: Floats) -> Floats:
    """Faces as they might come next: each moved as some face differs from the one nearest to it.

    Stored vectors themselves would be found too easily, and so would those that are moved towards
    strangers: photographs of one person differ in ways that others of that person share.

    Args:
        sample: float32, shape (n, dims), unit length.
        differences: float32, shape (m, dims), m > 0.

    Returns:
        float32, shape (n, dims), unit length.
    """
    chosen = differences[np.random.default_rng(_SEED).integers(len(differences), size=len(sample))]
    return _unit(sample + _STEP * _unit(chosen))


def _unit(rows: Floats) -> Floats:
    lengths = np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6)
    return np.asarray(rows / lengths, np.float32)


def _differences(transaction: Transaction, table: str, dims: int, sample: Floats) -> Floats:
    """What tells faces from those nearest to them, as far as these are no mere copies."""
    half = f"halfvec({dims:d})"
    transaction.run("SET LOCAL hnsw.ef_search = 100; SET LOCAL enable_seqscan = off")
    found = []
    for vector in sample:
        rows = transaction.read(
            f"SELECT vector FROM {table} ORDER BY vector::{half} <-> %s::{half} LIMIT %s",
            text_of(vector),
            _NEAR,
        )
        others = vector - vectors_of([row[0] for row in rows], dims=dims)
        far = np.square(others).sum(axis=1) > _CLOSE
        found += list(others[far][:1])
    return np.array(found or sample, np.float32)


def _sample(transaction: Transaction, table: str, dims: int) -> Floats:
    rows = transaction.read(
        f"SELECT vector FROM {table} WHERE face IN (SELECT face FROM {table}"
        f" ORDER BY hashint8(face) LIMIT %s)",
        PROBES,
    )
    return vectors_of([row[0] for row in rows], dims=dims)


def _exact(transaction: Transaction, table: str, probes: list[str]) -> list[float]:
    transaction.run("SET LOCAL enable_indexscan = off")
    return [
        transaction.read(f"SELECT min(vector <-> %s::vector) FROM {table}", probe)[0][0]
        for probe in probes
    ]


def _by_index(
    transaction: Transaction, table: str, dims: int, probes: list[str], ef: int
) -> list[float]:
    half = f"halfvec({dims:d})"
    transaction.run(f"SET LOCAL hnsw.ef_search = {ef:d}; SET LOCAL enable_seqscan = off")
    found = []
    for probe in probes:
        rows = transaction.read(
            f"SELECT vector <-> %s::vector FROM {table}"
            f" ORDER BY vector::{half} <-> %s::{half} LIMIT 3",
            probe,
            probe,
        )
        found.append(min((row[0] for row in rows), default=float("inf")))
    return found
