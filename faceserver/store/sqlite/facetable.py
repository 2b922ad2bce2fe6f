"""The rows of one collection's faces."""

import json
from collections.abc import Iterable, Sequence

import numpy as np

from faceserver.errors import AlreadyExists, NotFound
from faceserver.runtime.database import Transaction
from faceserver.store.base import EVERYTHING, Page
from faceserver.store.cursor import cursor_after, row_of
from faceserver.store.index.exact import Labels
from faceserver.store.sqlite.facefilter import conditions_of, source_of
from faceserver.store.sqlite.rows import (
    FACE,
    HAS_THUMBNAIL,
    INSERT_FACE,
    THUMBNAIL,
    face_from_row,
    face_to_row,
    json_text,
)
from faceserver.store.sqlite.vectortable import VectorTable
from faceserver.types import Face, Filter, Floats

_AMONG = "SELECT value FROM json_each(?)"

_NAME = "(SELECT name FROM subjects WHERE id = f.subject)"

_TWINS = """
    SELECT min(f.id) AS first, min(json_extract(near.value, '$[1]')) AS gap
    FROM json_each(?) near CROSS JOIN faces f ON f.id = json_extract(near.value, '$[0]')
    WHERE f.collection = ?
    GROUP BY coalesce(f.subject, -f.id), f.vector ORDER BY gap LIMIT ?
"""

Shown = tuple[Face, str | None]
"""A face, and the name of whom it shows."""


class FaceTable(VectorTable):
    """Faces by id, by row and by filter. A face's row id is its label in the index."""

    def insert(self, faces: Sequence[Face]) -> None:
        """Add all of the faces or none; on return they are on the disk.

        Raises:
            NotFound: a face shows a person whom the collection does not have.
            AlreadyExists: an id is taken.
            StoreFull: no space left on the device.
        """
        with self._database.transaction() as transaction:
            if subjects := {face.subject for face in faces if face.subject}:
                self._check_subjects(transaction, subjects)
            self._check_ids(transaction, [face.id for face in faces])
            transaction.run_many(
                INSERT_FACE, (face_to_row(face, self._collection) for face in faces)
            )

    def get(self, face_id: str) -> Face:
        """Return one face.

        Raises:
            NotFound: there is none of that id.
        """
        rows = self._database.read(
            f"SELECT {FACE} FROM faces f WHERE f.uuid = ? AND f.collection = ?",
            face_id,
            self._collection,
        )
        if not rows:
            raise NotFound(f"there is no face {face_id!r}")
        return face_from_row(rows[0], dims=self.dims)

    def labelled(self, labels: Iterable[int], *, only: Filter) -> dict[int, Face]:
        """Return the faces in the rows of these ids that fit a filter, as far as there are any."""
        where, values = conditions_of(only, self._collection)
        rows = self._database.read(
            f"SELECT {FACE} FROM faces f WHERE f.id IN ({_AMONG}) AND {where}",
            json.dumps(list(labels)),
            *values,
        )
        return {row[0]: face_from_row(row, dims=self.dims) for row in rows}

    def page(self, *, limit: int, cursor: str | None, only: Filter, skip: int = 0) -> Page[Face]:
        """Return some of the faces that fit a filter, by row id."""
        source, values = source_of(only, self._collection)
        rows = self._database.read(
            f"SELECT {FACE} FROM {source} AND f.id > ? ORDER BY f.id LIMIT ? OFFSET ?",
            *values,
            row_of(cursor),
            limit + 1,
            skip,
        )
        faces = tuple(face_from_row(row, dims=self.dims) for row in rows[:limit])
        return Page(faces, cursor_after(rows[limit - 1][0]) if len(rows) > limit else None)

    def labels(self, *, only: Filter = EVERYTHING, limit: int = -1) -> Labels:
        """Return the row ids of faces that fit a filter, rising: at most so many of them."""
        source, values = source_of(only, self._collection)
        rows = self._database.read(f"SELECT f.id FROM {source} LIMIT ?", *values, limit)
        return np.sort(np.fromiter((row[0] for row in rows), np.int64, len(rows)))

    def labels_of(self, face_ids: Sequence[str]) -> Labels:
        """Return the row ids of those of the faces that there are, rising."""
        rows = self._database.read(
            f"SELECT id FROM faces WHERE uuid IN ({_AMONG}) AND +collection = ? ORDER BY id",
            json.dumps(list(face_ids)),
            self._collection,
        )
        return np.fromiter((row[0] for row in rows), np.int64, len(rows))

    def ids_of(self, labels: Labels) -> dict[int, str]:
        """Return the ids of the faces in these rows, as far as there are any."""
        rows = self._database.read(
            f"SELECT id, uuid FROM faces WHERE id IN ({_AMONG}) AND +collection = ?",
            json.dumps(labels.tolist()),
            self._collection,
        )
        return dict(rows)

    def fitting(self, labels: Labels, *, only: Filter) -> Labels:
        """Return those of the row ids whose faces fit a filter, rising."""
        where, values = conditions_of(only, self._collection)
        rows = self._database.read(
            f"SELECT f.id FROM faces f WHERE f.id IN ({_AMONG}) AND {where} ORDER BY f.id",
            json.dumps(labels.tolist()),
            *values,
        )
        return np.fromiter((row[0] for row in rows), np.int64, len(rows))

    def with_names(self, labels: Labels) -> dict[int, Shown]:
        """Return the faces in these rows, as far as there are any, and whom they show."""
        rows = self._database.read(
            f"SELECT {FACE}, {_NAME} FROM faces f WHERE f.id IN ({_AMONG}) AND f.collection = ?",
            json.dumps(labels.tolist()),
            self._collection,
        )
        return {row[0]: (face_from_row(row[:-1], dims=self.dims), row[-1]) for row in rows}

    def without_twins(self, labels: Labels, gaps: Floats, *, limit: int) -> dict[int, Shown]:
        """Return like :meth:`with_names`, of equal faces of a person the first alone.

        Args:
            labels: row ids, shape (n,).
            gaps: shape (n,); those with the least come first.
            limit: at most so many.
        """
        rows = self._database.read(
            f"SELECT {FACE}, {_NAME} FROM ({_TWINS}) t CROSS JOIN faces f ON f.id = t.first",
            json.dumps(list(zip(labels.tolist(), gaps.tolist(), strict=True))),
            self._collection,
            limit,
        )
        return {row[0]: (face_from_row(row[:-1], dims=self.dims), row[-1]) for row in rows}

    def delete(self, labels: Labels) -> int:
        """Delete rows; remember their pictures as doomed; return how many rows there were."""
        among = json.dumps(labels.tolist())
        with self._database.transaction() as transaction:
            return delete_faces(transaction, f"id IN ({_AMONG})", among)

    def move(self, labels: Labels, subject: str | None) -> None:
        """Say whom the faces in these rows show.

        Raises:
            NotFound: the collection does not have that person.
        """
        with self._database.transaction() as transaction:
            if subject:
                self._check_subjects(transaction, {subject})
            transaction.run(
                "UPDATE faces SET subject = (SELECT id FROM subjects WHERE uuid = ?) "
                f"WHERE id IN ({_AMONG})",
                subject,
                json.dumps(labels.tolist()),
            )

    def tag(self, face_id: str, tags: Sequence[str]) -> None:
        """Replace a face's tags.

        Raises:
            NotFound: there is none of that id.
        """
        with self._database.transaction() as transaction:
            changed = transaction.run(
                "UPDATE faces SET tags = ? WHERE uuid = ? AND collection = ?",
                json_text(tags),
                face_id,
                self._collection,
            )
        if not changed:
            raise NotFound(f"there is no face {face_id!r}")

    def identify(self, face_id: str, external_id: str | None) -> None:
        """Replace what another system calls a face.

        Raises:
            NotFound: there is none of that id.
        """
        with self._database.transaction() as transaction:
            changed = transaction.run(
                "UPDATE faces SET external_id = ? WHERE uuid = ? AND collection = ?",
                external_id,
                face_id,
                self._collection,
            )
        if not changed:
            raise NotFound(f"there is no face {face_id!r}")

    def count(self, only: Filter = EVERYTHING) -> int:
        """How many faces there are that fit a filter."""
        source, values = source_of(only, self._collection)
        return int(self._database.read(f"SELECT count(*) FROM {source}", *values)[0][0])

    def _check_subjects(self, transaction: Transaction, subjects: set[str]) -> None:
        known = transaction.read(
            f"SELECT uuid FROM subjects WHERE uuid IN ({_AMONG}) AND +collection = ?",
            json.dumps(sorted(subjects)),
            self._collection,
        )
        for missing in sorted(subjects - {row[0] for row in known}):
            raise NotFound(f"there is no subject {missing!r}")

    def _check_ids(self, transaction: Transaction, ids: Sequence[str]) -> None:
        taken = transaction.read(
            f"SELECT uuid FROM faces WHERE uuid IN ({_AMONG}) LIMIT 1", json.dumps(ids)
        )
        if taken or len(set(ids)) < len(ids):
            raise AlreadyExists(
                f"the face {taken[0][0] if taken else 'in question'!r} already exists"
            )


def delete_faces(transaction: Transaction, where: str, *values: object) -> int:
    """Delete rows of ``faces``; remember their pictures as doomed; return how many there were."""
    transaction.run(
        "INSERT OR IGNORE INTO doomed_pictures "
        f"SELECT picture FROM faces WHERE {where} AND picture <> '' "
        f"UNION SELECT crop FROM faces WHERE {where} AND crop IS NOT NULL "
        f"UNION SELECT {THUMBNAIL} FROM faces WHERE {where} AND {HAS_THUMBNAIL}",
        *values,
        *values,
        *values,
    )
    return transaction.run(f"DELETE FROM faces WHERE {where}", *values)
