"""The rows of a collection's merges: what is needed to take them back."""

import json
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from faceserver.errors import AlreadyExists, CannotUndo, NotFound
from faceserver.runtime.database import Database, Row, Transaction
from faceserver.store.codec import time_text
from faceserver.store.sqlite.rows import json_text
from faceserver.store.sqlite.subjecttable import (
    check_is_free,
    insert_subject,
    is_id_taken,
    row_of_subject,
)
from faceserver.store.subjects import checked_metadata
from faceserver.types import Merge, MergeRecord, Subject

_MERGE = """
    SELECT id, uuid, stays, subject, name, tags, metadata, created, hidden, cover, at, until,
           (SELECT count(*) FROM merged_faces WHERE merge = merges.id)
    FROM merges
"""
_INSERT = """
    INSERT INTO merges (
        uuid, collection, stays, subject, name, tags, metadata, created, hidden, cover, at, until
    ) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_FACES = """
    SELECT f.uuid FROM merged_faces m JOIN faces f ON f.id = m.face
    WHERE m.merge = ? ORDER BY f.id
"""
_EXEMPLARS = """
    SELECT e.uuid FROM merged_exemplars m JOIN exemplars e ON e.id = m.exemplar
    WHERE m.merge = ? ORDER BY e.id
"""


class MergeTable:
    """Merges by id and by time."""

    def __init__(self, database: Database, *, collection: int, undo_for: timedelta) -> None:
        """Take the database, the collection's row id, and how long a merge can be undone."""
        self._database = database
        self._collection = collection
        self._undo_for = undo_for

    def merge(self, subject_id: str, *, into: str) -> Merge:
        """Give all faces of one person to another.

        Raises:
            NotFound: one of them is not there.
        """
        now = datetime.now(UTC)
        with self._database.transaction() as transaction:
            self._forget_old(transaction, now)
            row = row_of_subject(transaction, self._collection, subject_id)
            stays = row_of_subject(transaction, self._collection, into)
            ((*told,),) = transaction.read(
                "SELECT name, tags, metadata, created, hidden, cover FROM subjects WHERE id = ?",
                row,
            )
            merge_id = uuid4().hex
            gone = (subject_id, *told)
            times = (time_text(now), time_text(now + self._undo_for))
            transaction.run(_INSERT, merge_id, self._collection, into, *gone, *times)
            transaction.run(
                "INSERT INTO merged_faces SELECT (SELECT id FROM merges WHERE uuid = ?), id"
                " FROM faces WHERE subject = ?",
                merge_id,
                row,
            )
            transaction.run(
                "INSERT INTO merged_exemplars SELECT (SELECT id FROM merges WHERE uuid = ?), id"
                " FROM exemplars WHERE subject = ?",
                merge_id,
                row,
            )
            for table in ("faces", "exemplars"):
                transaction.run(f"UPDATE {table} SET subject = ? WHERE subject = ?", stays, row)
            transaction.run("DELETE FROM subjects WHERE id = ?", row)
            return _merge(self._row(transaction, merge_id))

    def all(self) -> list[Merge]:
        """Those that can be undone, the latest first."""
        return [_merge(row) for row in self._rows()]

    def records(self) -> list[MergeRecord]:
        """The same with all that undoing them needs."""
        records = []
        for row in self._rows():
            faces, about = (
                tuple(one[0] for one in self._database.read(statement, row[0]))
                for statement in (_FACES, _EXEMPLARS)
            )
            records.append(MergeRecord(_merge(row), _gone(row), faces, about))
        return records

    def insert(self, record: MergeRecord) -> bool:
        """Take in a merge of an export, with those of its faces that are here.

        Returns:
            False where there is nothing to undo: it is in already, who went is here, or its time is
            over.
        """
        merge, gone = record.merge, record.gone
        with self._database.transaction() as transaction:
            known = transaction.read("SELECT 1 FROM merges WHERE uuid = ?", merge.id)
            if known or is_id_taken(transaction, gone.id) or merge.until <= datetime.now(UTC):
                return False
            transaction.run(
                _INSERT,
                merge.id,
                self._collection,
                merge.into,
                gone.id,
                gone.name,
                json_text(gone.tags),
                json_text(checked_metadata(gone.metadata)),
                time_text(gone.created),
                gone.hidden,
                gone.cover,
                time_text(merge.at),
                time_text(merge.until),
            )
            transaction.run(
                "INSERT OR IGNORE INTO merged_faces"
                " SELECT (SELECT id FROM merges WHERE uuid = ?), id FROM faces"
                " WHERE uuid IN (SELECT value FROM json_each(?)) AND +collection = ?",
                merge.id,
                json.dumps(record.faces),
                self._collection,
            )
            transaction.run(
                "INSERT OR IGNORE INTO merged_exemplars"
                " SELECT (SELECT id FROM merges WHERE uuid = ?), id FROM exemplars"
                " WHERE uuid IN (SELECT value FROM json_each(?)) AND +collection = ?",
                merge.id,
                json.dumps(record.exemplars),
                self._collection,
            )
        return True

    def undo(self, merge_id: str) -> str:
        """Take a merge back; return the id of the person who is there again.

        Raises:
            NotFound: there is no such merge.
            CannotUndo: its time is over, who got the faces is gone, or the name or the id is taken
                now.
        """
        with self._database.transaction() as transaction:
            row = self._row(transaction, merge_id)
            number, merge = row[0], _merge(row)
            stays = self._check_can_be_undone(transaction, merge)
            insert_subject(transaction, self._collection, _gone(row))
            back = row_of_subject(transaction, self._collection, merge.subject)
            for table, one in (("faces", "face"), ("exemplars", "exemplar")):
                transaction.run(
                    f"UPDATE {table} SET subject = ? WHERE subject = ?"
                    f" AND id IN (SELECT {one} FROM merged_{table} WHERE merge = ?)",
                    back,
                    stays,
                    number,
                )
            transaction.run("DELETE FROM merges WHERE id = ?", number)
        return merge.subject

    def _check_can_be_undone(self, transaction: Transaction, merge: Merge) -> int:
        """The row id of who got the faces."""
        if merge.until <= datetime.now(UTC):
            raise CannotUndo(f"it could only be undone until {time_text(merge.until)}")
        try:
            stays = row_of_subject(transaction, self._collection, merge.into)
            check_is_free(transaction, self._collection, merge.name)
        except (NotFound, AlreadyExists) as error:
            raise CannotUndo(f"it cannot be undone now: {error}") from error
        if is_id_taken(transaction, merge.subject):
            raise CannotUndo(
                f"it cannot be undone now: the subject {merge.subject!r} already exists"
            )
        return stays

    def _rows(self) -> list[Row]:
        return self._database.read(
            f"{_MERGE} WHERE collection = ? AND until > ? ORDER BY at DESC, id DESC",
            self._collection,
            time_text(datetime.now(UTC)),
        )

    def _row(self, transaction: Transaction, merge_id: str) -> Row:
        rows = transaction.read(
            f"{_MERGE} WHERE uuid = ? AND collection = ?", merge_id, self._collection
        )
        if not rows:
            raise NotFound(f"there is no merge {merge_id!r}")
        return rows[0]

    def _forget_old(self, transaction: Transaction, now: datetime) -> None:
        """Who was merged away long ago is not to be read in the file any more."""
        transaction.run("DELETE FROM merges WHERE until <= ?", time_text(now))


def _merge(row: Row) -> Merge:
    uuid, stays, subject, name = row[1:5]
    at, until, faces = row[10:]
    return Merge(
        id=uuid,
        into=stays,
        subject=subject,
        name=name,
        faces=faces,
        at=datetime.fromisoformat(at),
        until=datetime.fromisoformat(until),
    )


def _gone(row: Row) -> Subject:
    subject, name, tags, metadata, created, hidden, cover = row[3:10]
    return Subject(
        id=subject,
        name=name,
        tags=tuple(json.loads(tags)),
        metadata=json.loads(metadata),
        created=datetime.fromisoformat(created),
        faces=0,
        cover=cover,
        cover_chosen=cover is not None,
        hidden=bool(hidden),
    )
