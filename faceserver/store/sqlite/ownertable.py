"""Whom the faces of one collection show, by row ids alone."""

import json
from collections.abc import Iterator, Sequence

import numpy as np

from faceserver.runtime.database import Database
from faceserver.store.index.exact import Labels

_AT_ONCE = 65_536


class OwnerTable:
    """Rows of faces with the rows of their people."""

    def __init__(self, database: Database, *, collection: int) -> None:
        """Take the database and the collection's row id."""
        self._database = database
        self._collection = collection

    def after(self, label: int) -> Iterator[tuple[Labels, Labels]]:
        """Yield row ids beyond ``label``, rising, with the row ids of whom the faces show, or 0."""
        return self._pairs(
            "SELECT id, coalesce(subject, 0) FROM faces WHERE collection = ? AND id > ?"
            " ORDER BY id",
            self._collection,
            label,
        )

    def named(self) -> Iterator[tuple[Labels, Labels]]:
        """Yield the row ids of faces that show somebody, with the row ids of whom."""
        # SQLite has both in an index, and reads no face for it.
        return self._pairs(
            "SELECT f.id, s.id FROM subjects s CROSS JOIN faces f ON f.subject = s.id"
            " WHERE s.collection = ?",
            self._collection,
        )

    def labels_showing(self, subject: str) -> tuple[Labels, int]:
        """Return the row ids of the faces of a person, and this person's row id; 0 if unknown."""
        rows = self._database.read(
            "SELECT s.id, f.id FROM subjects s LEFT JOIN faces f ON f.subject = s.id"
            " WHERE s.uuid = ?",
            subject,
        )
        labels = [row[1] for row in rows if row[1] is not None]
        return np.array(labels, np.int64), int(rows[0][0]) if rows else 0

    def rows_of(self, subjects: Sequence[str]) -> dict[str, int]:
        """Return the row ids of those of the people that there are, by their ids."""
        rows = self._database.read(
            "SELECT uuid, id FROM subjects"
            " WHERE collection = ? AND uuid IN (SELECT value FROM json_each(?))",
            self._collection,
            json.dumps(subjects),
        )
        return dict(rows)

    def _pairs(self, statement: str, *values: object) -> Iterator[tuple[Labels, Labels]]:
        for rows in self._database.read_in_parts(statement, *values, size=_AT_ONCE):
            pairs = np.array(rows, np.int64)
            yield pairs[:, 0], pairs[:, 1]
