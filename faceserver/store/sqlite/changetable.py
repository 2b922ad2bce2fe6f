"""The rows of a change of model: what one collection changes to, and its new vectors so far."""

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from faceserver.errors import ModelChanged
from faceserver.runtime.database import Database, Transaction
from faceserver.store.base import Page
from faceserver.store.cursor import cursor_after, row_of
from faceserver.store.index.exact import Labels
from faceserver.store.sqlite.collectiontable import CollectionRow
from faceserver.store.sqlite.exemplartable import follow_model
from faceserver.store.sqlite.rows import FACE, blob_of, face_from_row, vectors_of
from faceserver.types import Face, Floats

_BATCH = 1024


class ChangeTable:
    """New vectors, by the row ids of their faces; with a face its new vector goes as well."""

    def __init__(self, database: Database, collection: CollectionRow) -> None:
        """Take the database, and the collection as it is before the change."""
        self._database = database
        self._collection = collection

    def begin(self, *, model: str, dims: int) -> None:
        """Change to this model; what there is of a change to another one is dropped."""
        row = (self._collection.id, model, dims)
        with self._database.transaction() as transaction:
            if transaction.read(
                "SELECT 1 FROM changes WHERE (collection, model, dims) = (?, ?, ?)", *row
            ):
                return
            self._clear(transaction)
            transaction.run("INSERT INTO changes (collection, model, dims) VALUES (?, ?, ?)", *row)

    def abandon(self) -> None:
        """Drop the change, if there is one."""
        with self._database.transaction() as transaction:
            self._clear(transaction)

    def state(self) -> tuple[str, int] | None:
        """The model that is changed to and how many faces have their new vector; None if none."""
        rows = self._database.read(
            "SELECT model, (SELECT count(*) FROM new_vectors v WHERE v.collection = c.collection)"
            " FROM changes c WHERE c.collection = ?",
            self._collection.id,
        )
        return rows[0] if rows else None

    def done(self, *, model: str, dims: int) -> int:
        """How many faces have their new vector.

        Raises:
            ModelChanged: the collection is not changing to this model (any more).
        """
        with self._database.transaction() as transaction:
            self._check(transaction, model, dims)
            statement = "SELECT count(*) FROM new_vectors WHERE collection = ?"
            return int(transaction.read(statement, self._collection.id)[0][0])

    def pending(self, *, limit: int, cursor: str | None) -> Page[Face]:
        """Some of the faces that have no new vector yet, by row id."""
        rows = self._database.read(
            f"SELECT {FACE} FROM faces f WHERE f.collection = ? AND f.id > ?"
            " AND NOT EXISTS (SELECT 1 FROM new_vectors v WHERE v.face = f.id)"
            " ORDER BY f.id LIMIT ?",
            self._collection.id,
            row_of(cursor),
            limit + 1,
        )
        dims = self._collection.dims
        faces = tuple(face_from_row(row, dims=dims) for row in rows[:limit])
        return Page(faces, cursor_after(rows[limit - 1][0]) if len(rows) > limit else None)

    def insert(self, vectors: Mapping[str, Floats], *, model: str, dims: int) -> int:
        """Keep new vectors by the ids of their faces; return how many were taken.

        Raises:
            ModelChanged: the collection is not changing to this model (any more).
        """
        taken = 0
        with self._database.transaction() as transaction:
            self._check(transaction, model, dims)
            for face_id, vector in vectors.items():
                taken += transaction.run(
                    "INSERT OR IGNORE INTO new_vectors (face, collection, vector)"
                    " SELECT id, collection, ? FROM faces WHERE uuid = ? AND collection = ?",
                    blob_of(vector),
                    face_id,
                    self._collection.id,
                )
        return taken

    def all_vectors(self, *, dims: int, after: int) -> Iterator[tuple[Labels, Floats]]:
        """Yield the row ids beyond ``after``, rising, with their new vectors, some at a time."""
        while True:
            rows = self._database.read(
                "SELECT face, vector FROM new_vectors WHERE collection = ? AND face > ?"
                " ORDER BY face LIMIT ?",
                self._collection.id,
                after,
                _BATCH,
            )
            if not rows:
                return
            labels = np.fromiter((row[0] for row in rows), np.int64, len(rows))
            yield labels, vectors_of([row[1] for row in rows], dims=dims)
            after = int(labels[-1])

    def adopt(self, *, model: str, dims: int, before_commit: Callable[[], object]) -> None:
        """Give every face its new vector, and the collection its new model, in one transaction.

        Others read the old ones until it commits.

        Raises:
            ModelChanged: the collection is not changing to this model (any more).
        """
        collection = self._collection.id
        with self._database.transaction() as transaction:
            self._check(transaction, model, dims)
            transaction.run(
                "UPDATE faces SET vector = (SELECT vector FROM new_vectors WHERE face = faces.id)"
                " WHERE collection = ?",
                collection,
            )
            transaction.run(
                "UPDATE collections SET model = ?, dims = ? WHERE id = ?", model, dims, collection
            )
            follow_model(transaction, collection)
            self._clear(transaction)
            before_commit()

    def _check(self, transaction: Transaction, model: str, dims: int) -> None:
        row = (self._collection.id, model, dims)
        if not transaction.read(
            "SELECT 1 FROM changes WHERE (collection, model, dims) = (?, ?, ?)", *row
        ):
            raise ModelChanged(
                f"the collection {self._collection.name!r} is not changing to {model} any more"
            )

    def _clear(self, transaction: Transaction) -> None:
        for table in ("new_vectors", "changes"):
            transaction.run(f"DELETE FROM {table} WHERE collection = ?", self._collection.id)
