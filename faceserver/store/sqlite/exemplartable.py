"""The rows of one collection's exemplars, and their vectors in memory."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import islice
from threading import Lock
from typing import Any

import numpy as np

from faceserver.errors import AlreadyExists, NotFound
from faceserver.runtime.database import Database, Transaction
from faceserver.store.base import Page
from faceserver.store.codec import time_text
from faceserver.store.cursor import cursor_after, row_of
from faceserver.store.exemplars import KINDS, Exemplar, ExemplarKind, NearExemplar, content_text
from faceserver.store.index.exact import Labels, nearest, squared_distances
from faceserver.store.sqlite.rows import blob_of, vector_of
from faceserver.store.sqlite.subjecttable import row_of_subject
from faceserver.types import Floats

_EXEMPLAR = """
    e.id, e.uuid, e.kind, (SELECT uuid FROM subjects WHERE id = e.subject),
    (SELECT uuid FROM faces WHERE id = e.face), e.content, e.created, e.until, e.vector
"""
_KEEP = """
    INSERT INTO exemplars (uuid, collection, kind, subject, face, content, created, until, vector)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (uuid) DO UPDATE SET subject = excluded.subject, face = excluded.face,
        content = excluded.content, created = excluded.created, until = excluded.until,
        vector = excluded.vector
"""
_AMONG = "SELECT value FROM json_each(?)"
_LIVES = "(e.until IS NULL OR e.until > ?)"


class ExemplarTable:
    """Exemplars by id, by kind and by nearness.

    Every search of a collection asks what is near, so their vectors lie in memory; which of them
    are there still is asked of the rows, and only where some are near.
    """

    def __init__(self, database: Database, *, collection: int, dims: int) -> None:
        """Take the database, the collection's row id, and the length of its vectors."""
        self._database = database
        self._collection = collection
        self._dims = dims
        self._lock = Lock()
        self._vectors: dict[ExemplarKind, dict[int, Floats]] = {kind: {} for kind in KINDS}
        self._stacked: dict[ExemplarKind, tuple[Labels, Floats]] = {}
        for row, kind, vector in database.read(
            "SELECT id, kind, vector FROM exemplars WHERE collection = ?", collection
        ):
            # One that cannot be read finds nothing; `faceserver check` tells of it.
            if kind in self._vectors and len(vector) == 4 * dims:
                self._vectors[kind][row] = vector_of(vector, dims=dims)

    def keep(self, exemplar: Exemplar) -> None:
        """Add a row, or replace the one of the same id.

        Raises:
            NotFound: it names a person or a face that is not there.
            AlreadyExists: its id is taken by one of another kind or collection.
        """
        now = datetime.now(UTC)
        with self._database.transaction() as transaction:
            forget_expired(transaction, now)
            self._check_id(transaction, exemplar)
            subject = exemplar.subject and row_of_subject(
                transaction, self._collection, exemplar.subject
            )
            transaction.run(
                _KEEP,
                exemplar.id,
                self._collection,
                exemplar.kind,
                subject,
                exemplar.face and self._row_of_face(transaction, exemplar.face),
                content_text(exemplar.content),
                time_text(exemplar.created),
                time_text(exemplar.until) if exemplar.until else None,
                blob_of(exemplar.embedding),
            )
            ((row,),) = transaction.read("SELECT id FROM exemplars WHERE uuid = ?", exemplar.id)
        with self._lock:
            self._vectors[exemplar.kind][row] = exemplar.embedding
            self._stacked.pop(exemplar.kind, None)

    def get(self, exemplar_id: str) -> Exemplar:
        """Return one.

        Raises:
            NotFound: there is none of that id, or its time is over.
        """
        rows = self._database.read(
            f"SELECT {_EXEMPLAR} FROM exemplars e"
            f" WHERE e.uuid = ? AND e.collection = ? AND {_LIVES}",
            exemplar_id,
            self._collection,
            time_text(datetime.now(UTC)),
        )
        if not rows:
            raise NotFound(f"there is no example {exemplar_id!r}")
        return self._exemplar(rows[0])

    def page(
        self, kind: ExemplarKind, *, limit: int, cursor: str | None, subject: str | None
    ) -> Page[Exemplar]:
        """Return some of a kind, by row id."""
        about = "" if subject is None else " AND e.subject = (SELECT id FROM subjects WHERE uuid=?)"
        rows = self._database.read(
            f"SELECT {_EXEMPLAR} FROM exemplars e WHERE e.collection = ? AND e.kind = ?"
            f" AND e.id > ? AND {_LIVES}{about} ORDER BY e.id LIMIT ?",
            self._collection,
            kind,
            row_of(cursor),
            time_text(datetime.now(UTC)),
            *([] if subject is None else [subject]),
            limit + 1,
        )
        items = tuple(self._exemplar(row) for row in rows[:limit])
        return Page(items, cursor_after(rows[limit - 1][0]) if len(rows) > limit else None)

    def near(
        self, kind: ExemplarKind, probe: Floats, *, max_distance: float, k: int
    ) -> list[NearExemplar]:
        """Return the nearest of a kind, nearest first; without any near no row is read."""
        labels, vectors = self._stack(kind)
        if not len(labels):
            return []
        labels, distances = nearest(labels, squared_distances(vectors, probe), k=len(labels))
        under = distances < max_distance
        placed = dict(zip(labels[under].tolist(), distances[under].tolist(), strict=True))
        found: list[NearExemplar] = []
        for start in range(0, len(placed), max(k, 1)):
            here = dict(islice(placed.items(), start, start + k))
            there = self._living(kind, list(here))
            found += [NearExemplar(there[row], here[row]) for row in here if row in there]
            if len(found) >= k:
                break
        return found[:k]

    def forget(self, exemplar_ids: Sequence[str]) -> int:
        """Delete these rows; return how many there were."""
        with self._database.transaction() as transaction:
            rows = transaction.read(
                f"SELECT id FROM exemplars WHERE uuid IN ({_AMONG}) AND collection = ?",
                json.dumps(list(exemplar_ids)),
                self._collection,
            )
            ids = [row[0] for row in rows]
            transaction.run(f"DELETE FROM exemplars WHERE id IN ({_AMONG})", json.dumps(ids))
        self._drop(ids)
        return len(ids)

    def trim(self) -> None:
        """Let go of the vectors whose rows have gone with a face or a person, or are too old."""
        rows = self._database.read(
            "SELECT id FROM exemplars WHERE collection = ?", self._collection
        )
        known = {row[0] for row in rows}
        with self._lock:
            held = [row for vectors in self._vectors.values() for row in vectors]
        self._drop([row for row in held if row not in known])

    def holds_any(self) -> bool:
        """Whether a vector is in memory."""
        with self._lock:
            return any(self._vectors.values())

    def _drop(self, rows: Sequence[int]) -> None:
        with self._lock:
            for kind, vectors in self._vectors.items():
                for row in rows:
                    if vectors.pop(row, None) is not None:
                        self._stacked.pop(kind, None)

    def _stack(self, kind: ExemplarKind) -> tuple[Labels, Floats]:
        with self._lock:
            if kind not in self._stacked:
                vectors = self._vectors[kind]
                self._stacked[kind] = (
                    np.fromiter(vectors, np.int64, len(vectors)),
                    np.array(list(vectors.values()), np.float32).reshape(-1, self._dims),
                )
            return self._stacked[kind]

    def _living(self, kind: ExemplarKind, rows: Sequence[int]) -> dict[int, Exemplar]:
        found = self._database.read(
            f"SELECT {_EXEMPLAR} FROM exemplars e WHERE e.id IN ({_AMONG})"
            f" AND e.collection = ? AND e.kind = ? AND {_LIVES}",
            json.dumps(list(rows)),
            self._collection,
            kind,
            time_text(datetime.now(UTC)),
        )
        return {row[0]: self._exemplar(row) for row in found}

    def _exemplar(self, row: Sequence[Any]) -> Exemplar:
        _, uuid, kind, subject, face, content, created, until, vector = row
        return Exemplar(
            kind=kind,
            embedding=vector_of(vector, dims=self._dims),
            subject=subject,
            face=face,
            content=json.loads(content),
            id=uuid,
            created=datetime.fromisoformat(created),
            until=datetime.fromisoformat(until) if until else None,
        )

    def _check_id(self, transaction: Transaction, exemplar: Exemplar) -> None:
        rows = transaction.read(
            "SELECT collection, kind FROM exemplars WHERE uuid = ?", exemplar.id
        )
        if rows and rows[0] != (self._collection, exemplar.kind):
            raise AlreadyExists(f"there is another example {exemplar.id!r}")

    def _row_of_face(self, transaction: Transaction, face_id: str) -> int:
        rows = transaction.read(
            "SELECT id FROM faces WHERE uuid = ? AND collection = ?", face_id, self._collection
        )
        if not rows:
            raise NotFound(f"there is no face {face_id!r}")
        return int(rows[0][0])


def forget_expired(transaction: Transaction, now: datetime) -> None:
    """Delete what has been remembered long enough, of all collections."""
    transaction.run("DELETE FROM exemplars WHERE until <= ?", time_text(now))


def any_expired(database: Database, now: datetime) -> bool:
    """Whether there is something to be deleted so."""
    statement = "SELECT EXISTS (SELECT 1 FROM exemplars WHERE until <= ?)"
    return bool(database.read(statement, time_text(now))[0][0])


def follow_model(transaction: Transaction, collection: int) -> None:
    """Give exemplars of stored faces the faces' new vectors, and delete those of no face."""
    transaction.run("DELETE FROM exemplars WHERE collection = ? AND face IS NULL", collection)
    transaction.run(
        "UPDATE exemplars SET vector = (SELECT vector FROM faces WHERE id = exemplars.face)"
        " WHERE collection = ?",
        collection,
    )
