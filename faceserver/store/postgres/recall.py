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

PROBES = 200

_STEP = 0.55
"""A probe lies so far from a stored face: 0.3 squared, as a new photograph does."""

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
    probes = [text_of(probe) for probe in make_probes(sample)]
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


def make_probes(sample: Floats) -> Floats:
    """Faces as they might come next: each vector moved as two of the others differ.

    Args:
        sample: float32, shape (n, dims), unit length, n > 1.

    Returns:
        float32, shape (n, dims), unit length.
    """
    differences = sample - np.random.default_rng(_SEED).permutation(sample)
    lengths = np.maximum(np.linalg.norm(differences, axis=1, keepdims=True), 1e-6)
    moved = sample + _STEP * differences / lengths
    return np.asarray(moved / np.linalg.norm(moved, axis=1, keepdims=True), np.float32)


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
