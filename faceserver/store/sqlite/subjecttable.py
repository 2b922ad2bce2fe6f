"""The rows of one collection's subjects."""

from collections.abc import Mapping, Sequence
from typing import Any

from faceserver.errors import AlreadyExists, NotFound
from faceserver.runtime.database import Database, Transaction
from faceserver.store.base import Page
from faceserver.store.codec import time_text
from faceserver.store.cursor import cursor_after, row_of
from faceserver.store.names import name_key
from faceserver.store.sqlite.facetable import delete_faces
from faceserver.store.sqlite.rows import SUBJECT, json_text, subject_from_row
from faceserver.types import Subject

_INSERT = """
    INSERT INTO subjects (uuid, collection, name, name_key, tags, metadata, created)
    VALUES (?, ?, ?, ?, ?, ?, ?)
"""

# Who was merged into somebody who was merged into this person is this person too.
_FORGET_MERGES = """
    WITH RECURSIVE gone (uuid) AS (
        VALUES (?) UNION SELECT m.subject FROM merges m JOIN gone ON m.stays = gone.uuid
    )
    DELETE FROM merges WHERE stays IN (SELECT uuid FROM gone)
"""


class SubjectTable:
    """People by id, by name and by tag."""

    def __init__(self, database: Database, *, collection: int) -> None:
        """Take the database and the collection's row id."""
        self._database = database
        self._collection = collection

    def insert(self, subject: Subject) -> None:
        """Add a person.

        Raises:
            AlreadyExists: the name or the id is taken.
        """
        with self._database.transaction() as transaction:
            check_is_free(transaction, self._collection, subject.name)
            if is_id_taken(transaction, subject.id):
                raise AlreadyExists(f"the subject {subject.id!r} is there")
            insert_subject(
                transaction,
                self._collection,
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

    def page(
        self, *, limit: int, cursor: str | None, tags: Sequence[str], called: str
    ) -> Page[Subject]:
        """Return some of the people who have these tags and are called so, by row id."""
        tagged = (
            " AND EXISTS (SELECT 1 FROM subject_tags t"
            " WHERE t.collection = s.collection AND t.tag = ? AND t.subject = s.id)"
        )
        rows = self._database.read(
            f"SELECT {SUBJECT} FROM subjects s WHERE s.collection = ? AND s.id > ?"
            f" AND instr(s.name_key, ?) > 0{tagged * len(tags)} ORDER BY s.id LIMIT ?",
            self._collection,
            row_of(cursor),
            name_key(called.strip()),
            *tags,
            limit + 1,
        )
        people = tuple(subject_from_row(row) for row in rows[:limit])
        return Page(people, cursor_after(rows[limit - 1][0]) if len(rows) > limit else None)

    def count(self) -> int:
        """How many people there are."""
        statement = "SELECT count(*) FROM subjects WHERE collection = ?"
        return int(self._database.read(statement, self._collection)[0][0])

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
            row = row_of_subject(transaction, self._collection, subject_id)
            if name is not None:
                check_is_free(transaction, self._collection, name, apart_from=row)
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

    def delete(self, subject_id: str, *, keep_faces: bool) -> None:
        """Delete a person and what merges remember, and all faces unless they are to be nobody's.

        Raises:
            NotFound: there is no such person.
        """
        with self._database.transaction() as transaction:
            row = row_of_subject(transaction, self._collection, subject_id)
            if keep_faces:
                transaction.run("UPDATE faces SET subject = NULL WHERE subject = ?", row)
            else:
                delete_faces(transaction, "subject = ?", row)
            transaction.run(_FORGET_MERGES, subject_id)
            transaction.run("DELETE FROM subjects WHERE id = ?", row)

    def delete_all(self) -> int:
        """Delete all people with their faces, and what merges remember; return how many people."""
        with self._database.transaction() as transaction:
            delete_faces(transaction, "collection = ? AND subject IS NOT NULL", self._collection)
            transaction.run("DELETE FROM merges WHERE collection = ?", self._collection)
            return transaction.run("DELETE FROM subjects WHERE collection = ?", self._collection)


def insert_subject(transaction: Transaction, collection: int, uuid: str, *columns: str) -> None:
    """Add a row; ``columns`` are name, tags, metadata and time as they stand in it."""
    name, tags, metadata, created = columns
    transaction.run(_INSERT, uuid, collection, name, name_key(name), tags, metadata, created)


def row_of_subject(transaction: Transaction, collection: int, subject_id: str) -> int:
    """The row id of a person.

    Raises:
        NotFound: the collection has none of that id.
    """
    rows = transaction.read(
        "SELECT id FROM subjects WHERE uuid = ? AND collection = ?", subject_id, collection
    )
    if not rows:
        raise NotFound(f"there is no subject {subject_id!r}")
    return int(rows[0][0])


def is_id_taken(transaction: Transaction, subject_id: str) -> bool:
    """Whether a person of any collection has this id."""
    return bool(transaction.read("SELECT 1 FROM subjects WHERE uuid = ?", subject_id))


def check_is_free(
    transaction: Transaction, collection: int, name: str, *, apart_from: int = 0
) -> None:
    """Refuse a name that a person of the collection has.

    Raises:
        AlreadyExists: the name is taken.
    """
    if transaction.read(
        "SELECT 1 FROM subjects WHERE collection = ? AND name_key = ? AND id <> ?",
        collection,
        name_key(name),
        apart_from,
    ):
        raise AlreadyExists(f"there is a subject named {name!r}")
