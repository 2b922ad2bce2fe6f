"""The rows of one collection's subjects, and what is needed to take a merge of two back."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from unicodedata import normalize
from uuid import uuid4

from faceserver.errors import AlreadyExists, CannotUndo, InvalidRequest, NotFound
from faceserver.store.base import Page
from faceserver.store.cursor import cursor_after, row_of
from faceserver.store.facetable import delete_faces
from faceserver.store.rows import SUBJECT, json_text, subject_from_row, time_text
from faceserver.store.sqlite import Database, Row, Transaction
from faceserver.types import Merge, Subject

_INSERT = """
    INSERT INTO subjects (uuid, collection, name, name_key, tags, metadata, created)
    VALUES (?, ?, ?, ?, ?, ?, ?)
"""
_MERGE = """
    SELECT id, uuid, stays, subject, name, tags, metadata, created, at, until,
           (SELECT count(*) FROM merged_faces WHERE merge = merges.id)
    FROM merges
"""


def name_key(name: str) -> str:
    """What two names have in common that count as the same."""
    return normalize("NFKC", normalize("NFKC", name).casefold())


def check_name(name: str) -> str:
    """The name without blanks around it.

    Raises:
        InvalidRequest: nothing remains.
    """
    if not name.strip():
        raise InvalidRequest("a subject needs a name")
    return name.strip()


@dataclass(frozen=True)
class _Merged:
    row: int
    merge: Merge
    tags: str
    metadata: str
    created: str


class SubjectTable:
    """People by id, by name and by tag."""

    def __init__(self, database: Database, *, collection: int, undo_for: timedelta) -> None:
        """Take the database, the collection's row id, and how long a merge can be undone."""
        self._database = database
        self._collection = collection
        self._undo_for = undo_for

    def insert(self, subject: Subject) -> None:
        """Add a person.

        Raises:
            AlreadyExists: the name or the id is taken.
        """
        with self._database.transaction() as transaction:
            self._check_name_is_free(transaction, subject.name)
            if transaction.read("SELECT 1 FROM subjects WHERE uuid = ?", subject.id):
                raise AlreadyExists(f"the subject {subject.id!r} is there")
            self._insert(
                transaction,
                subject.id,
                subject.name,
                json_text(subject.tags),
                json_text(subject.metadata),
                time_text(subject.created),
            )

    def get(self, subject_id: str) -> Subject:
        """Return one person.

        Raises:
            NotFound: there is none of that id.
        """
        rows = self._database.read(
            f"SELECT {SUBJECT} FROM subjects s WHERE s.uuid = ? AND s.collection = ?",
            subject_id,
            self._collection,
        )
        if not rows:
            raise NotFound(f"there is no subject {subject_id!r}")
        return subject_from_row(rows[0])

    def named(self, name: str) -> Subject | None:
        """Return the person of a name, None if there is none."""
        rows = self._database.read(
            f"SELECT {SUBJECT} FROM subjects s WHERE s.collection = ? AND s.name_key = ?",
            self._collection,
            name_key(name.strip()),
        )
        return subject_from_row(rows[0]) if rows else None

    def page(self, *, limit: int, cursor: str | None, tags: Sequence[str]) -> Page[Subject]:
        """Return some of the people who have these tags, by row id."""
        tagged = (
            " AND EXISTS (SELECT 1 FROM subject_tags t"
            " WHERE t.collection = s.collection AND t.tag = ? AND t.subject = s.id)"
        )
        rows = self._database.read(
            f"SELECT {SUBJECT} FROM subjects s WHERE s.collection = ? AND s.id > ?"
            f"{tagged * len(tags)} ORDER BY s.id LIMIT ?",
            self._collection,
            row_of(cursor),
            *tags,
            limit + 1,
        )
        people = tuple(subject_from_row(row) for row in rows[:limit])
        return Page(people, cursor_after(rows[limit - 1][0]) if len(rows) > limit else None)

    def change(
        self,
        subject_id: str,
        *,
        name: str | None,
        tags: Sequence[str] | None,
        metadata: Mapping[str, Any] | None,
    ) -> None:
        """Change what is given.

        Raises:
            NotFound: there is no such person.
            AlreadyExists: another one has the name.
        """
        with self._database.transaction() as transaction:
            row = self._row(transaction, subject_id)
            if name is not None:
                self._check_name_is_free(transaction, name, apart_from=row)
                transaction.run(
                    "UPDATE subjects SET name = ?, name_key = ? WHERE id = ?",
                    name,
                    name_key(name),
                    row,
                )
            if tags is not None:
                transaction.run("UPDATE subjects SET tags = ? WHERE id = ?", json_text(tags), row)
            if metadata is not None:
                text = json_text(metadata)
                transaction.run("UPDATE subjects SET metadata = ? WHERE id = ?", text, row)

    def delete(self, subject_id: str) -> int:
        """Delete a person with all faces, and what merges remember; return how many faces.

        Raises:
            NotFound: there is no such person.
        """
        with self._database.transaction() as transaction:
            row = self._row(transaction, subject_id)
            faces = delete_faces(transaction, "subject = ?", row)
            transaction.run("DELETE FROM merges WHERE stays = ?", subject_id)
            transaction.run("DELETE FROM subjects WHERE id = ?", row)
        return faces

    def merge(self, subject_id: str, *, into: str) -> Merge:
        """Give all faces of one person to another.

        Raises:
            NotFound: one of them is not there.
        """
        now = datetime.now(UTC)
        with self._database.transaction() as transaction:
            self._forget_old_merges(transaction, now)
            row, stays = self._row(transaction, subject_id), self._row(transaction, into)
            merge_id = uuid4().hex
            transaction.run(
                "INSERT INTO merges (uuid, collection, stays, subject, name, tags, metadata,"
                " created, at, until) SELECT ?, collection, ?, uuid, name, tags, metadata, created,"
                " ?, ? FROM subjects WHERE id = ?",
                merge_id,
                into,
                time_text(now),
                time_text(now + self._undo_for),
                row,
            )
            transaction.run(
                "INSERT INTO merged_faces SELECT (SELECT id FROM merges WHERE uuid = ?), id"
                " FROM faces WHERE subject = ?",
                merge_id,
                row,
            )
            transaction.run("UPDATE faces SET subject = ? WHERE subject = ?", stays, row)
            transaction.run("DELETE FROM subjects WHERE id = ?", row)
            return self._merged(transaction, merge_id).merge

    def merges(self) -> list[Merge]:
        """Those that can be undone, the latest first."""
        rows = self._database.read(
            f"{_MERGE} WHERE collection = ? AND until > ? ORDER BY id DESC",
            self._collection,
            time_text(datetime.now(UTC)),
        )
        return [_merge(row).merge for row in rows]

    def undo(self, merge_id: str) -> str:
        """Take a merge back; return the id of the person who is there again.

        Raises:
            NotFound: there is no such merge.
            CannotUndo: its time is over, who got the faces is gone, or the name is taken now.
        """
        with self._database.transaction() as transaction:
            merged = self._merged(transaction, merge_id)
            merge = merged.merge
            if merge.until <= datetime.now(UTC):
                raise CannotUndo(f"the time to undo it was over at {time_text(merge.until)}")
            try:
                stays = self._row(transaction, merge.into)
                self._check_name_is_free(transaction, merge.name)
            except (NotFound, AlreadyExists) as error:
                raise CannotUndo(f"it cannot be undone now: {error}") from error
            self._insert(
                transaction,
                merge.subject,
                merge.name,
                merged.tags,
                merged.metadata,
                merged.created,
            )
            transaction.run(
                "UPDATE faces SET subject = ? WHERE subject = ?"
                " AND id IN (SELECT face FROM merged_faces WHERE merge = ?)",
                self._row(transaction, merge.subject),
                stays,
                merged.row,
            )
            transaction.run("DELETE FROM merges WHERE id = ?", merged.row)
        return merge.subject

    def _insert(self, transaction: Transaction, uuid: str, name: str, *more: str) -> None:
        tags, metadata, created = more
        row = (uuid, self._collection, name, name_key(name), tags, metadata, created)
        transaction.run(_INSERT, *row)

    def _row(self, transaction: Transaction, subject_id: str) -> int:
        rows = transaction.read(
            "SELECT id FROM subjects WHERE uuid = ? AND collection = ?",
            subject_id,
            self._collection,
        )
        if not rows:
            raise NotFound(f"there is no subject {subject_id!r}")
        return int(rows[0][0])

    def _check_name_is_free(
        self, transaction: Transaction, name: str, *, apart_from: int = 0
    ) -> None:
        if transaction.read(
            "SELECT 1 FROM subjects WHERE collection = ? AND name_key = ? AND id <> ?",
            self._collection,
            name_key(name),
            apart_from,
        ):
            raise AlreadyExists(f"there is a subject named {name!r}")

    def _merged(self, transaction: Transaction, merge_id: str) -> _Merged:
        rows = transaction.read(
            f"{_MERGE} WHERE uuid = ? AND collection = ?", merge_id, self._collection
        )
        if not rows:
            raise NotFound(f"there is no merge {merge_id!r}")
        return _merge(rows[0])

    def _forget_old_merges(self, transaction: Transaction, now: datetime) -> None:
        """Who was merged away long ago is not to be read in the file any more."""
        transaction.run("DELETE FROM merges WHERE until <= ?", time_text(now))


def _merge(row: Row) -> _Merged:
    number, uuid, stays, subject, name, tags, metadata, created, at, until, faces = row
    merge = Merge(
        id=uuid,
        into=stays,
        subject=subject,
        name=name,
        faces=faces,
        at=datetime.fromisoformat(at),
        until=datetime.fromisoformat(until),
    )
    return _Merged(number, merge, tags, metadata, created)


def checked_metadata(metadata: Mapping[str, Any]) -> Mapping[str, Any]:
    """The metadata as JSON holds it.

    Raises:
        InvalidRequest: it is not JSON.
    """
    try:
        held: dict[str, Any] = json.loads(json.dumps(metadata, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise InvalidRequest(f"the metadata is no JSON: {error}") from error
    return held
