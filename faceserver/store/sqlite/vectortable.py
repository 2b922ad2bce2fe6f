"""The vectors of one collection's faces, by the rows that they are in."""

import json
from collections.abc import Iterator, Sequence

import numpy as np

from faceserver.runtime.database import Database, Row
from faceserver.store.index.exact import Labels
from faceserver.store.sqlite.ownertable import OwnerTable
from faceserver.store.sqlite.rows import vectors_of
from faceserver.types import Floats

_BATCH = 1024

_HIGHEST = 2**63 - 1
"""The highest row id that SQLite knows."""


class VectorTable:
    """Vectors by row; what an index is made of.

    Attributes:
        dims: length of the vectors.
        owners: whom the faces show.
    """

    def __init__(self, database: Database, *, collection: int, dims: int) -> None:
        """Take the database, the collection's row id and the length of its vectors."""
        self._database = database
        self._collection = collection
        self.dims = dims
        self.owners = OwnerTable(database, collection=collection)

    def spread(self, count: int, *, last: int) -> Labels:
        """Return up to so many row ids, from among all up to ``last``, the highest included."""
        points = np.unique(np.linspace(1, last, count).round().astype(np.int64))
        rows = self._database.read(
            "SELECT DISTINCT (SELECT max(id) FROM faces WHERE collection = ? AND id <= value)"
            " FROM json_each(?)",
            self._collection,
            json.dumps(points.tolist()),
        )
        return np.array(sorted(row[0] for row in rows if row[0] is not None), np.int64)

    def vectors_after(
        self, label: int, *, last: int = _HIGHEST, limit: int = _BATCH
    ) -> tuple[Labels, Floats]:
        """Return row ids, rising from ``label``, and their vectors: float32, shape (n, dims)."""
        rows = self._database.read(
            "SELECT id, vector FROM faces WHERE collection = ? AND id > ? AND id <= ?"
            " ORDER BY id LIMIT ?",
            self._collection,
            label,
            last,
            limit,
        )
        return self._vectors(rows)

    def all_vectors(
        self, *, after: int = 0, last: int = _HIGHEST
    ) -> Iterator[tuple[Labels, Floats]]:
        """Yield row ids beyond ``after`` up to ``last``, rising, with their vectors, in parts."""
        while True:
            labels, vectors = self.vectors_after(after, last=last)
            if not len(labels):
                return
            yield labels, vectors
            after = int(labels[-1])

    def vectors_of(self, labels: Labels) -> Iterator[tuple[Labels, Floats]]:
        """Yield the vectors in the rows of these ids, some at a time, of one statement."""
        for rows in self._database.read_in_parts(
            "SELECT id, vector FROM faces WHERE id IN (SELECT value FROM json_each(?))",
            json.dumps(labels.tolist()),
            size=_BATCH,
        ):
            yield self._vectors(rows)

    def whole(self) -> Iterator[tuple[Labels, Floats]]:
        """Yield all row ids with their vectors, some at a time, of one statement."""
        for rows in self._database.read_in_parts(
            "SELECT id, vector FROM faces WHERE collection = ?", self._collection, size=_BATCH
        ):
            yield self._vectors(rows)

    def _vectors(self, rows: Sequence[Row]) -> tuple[Labels, Floats]:
        labels = np.fromiter((row[0] for row in rows), np.int64, len(rows))
        return labels, vectors_of([row[1] for row in rows], dims=self.dims)
