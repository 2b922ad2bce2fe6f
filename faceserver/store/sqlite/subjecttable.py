"""The rows of one collection's subjects."""

from collections.abc import Sequence

from faceserver.errors import AlreadyExists, NotFound
from faceserver.runtime.database import Database, Row, Transaction
from faceserver.store.base import Page
from faceserver.store.codec import time_text
from faceserver.store.cursor import cursor_after, row_of
from faceserver.store.listing import DESCENDING, SORTED_BY, Key, Order, place_of, sorted_cursor
from faceserver.store.names import folded, name_key
from faceserver.store.sqlite.facetable import delete_faces
from faceserver.store.sqlite.rows import SUBJECT, json_text, subject_from_row
from faceserver.store.subjects import SubjectChange
from faceserver.types import Subject

_INSERT = """
    INSERT INTO subjects
        (uuid, collection, name, name_key, folded, tags, metadata, created, hidden, cover)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""

_COLUMNS = 10
"""Of :data:`SUBJECT`."""

_KEYS: dict[Order, str] = {
    "name": f"substr(s.folded, 1, {SORTED_BY})",
    "newest": "s.created",
    "faces": "(SELECT count(*) FROM faces WHERE subject = s.id)",
}
"""What people are sorted by."""

_FROM_THE_START: tuple[Key, ...] = ()

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
                raise AlreadyExists(f"the subject {subject.id!r} already exists")
            insert_subject(transaction, self._collection, subject)

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
        self,
        *,
        limit: int,
        cursor: str | None,
        tags: Sequence[str],
        called: str,
        hidden: bool | None,
        order: Order,
    ) -> Page[Subject]:
        """Return some of the people who have these tags and are called so."""
        fits, values = self._condition(tags, called, hidden)
        if order == "stored":
            rows = self._database.read(
                f"SELECT {SUBJECT} FROM subjects s WHERE {fits} AND s.id > ? ORDER BY s.id LIMIT ?",
                *values,
                row_of(cursor),
                limit + 1,
            )
        else:
            rows = self._sorted(fits, values, order, cursor, limit + 1)
        people = tuple(subject_from_row(row[:_COLUMNS]) for row in rows[:limit])
        if len(rows) <= limit:
            return Page(people, None)
        last = rows[limit - 1]
        if order == "stored":
            return Page(people, cursor_after(last[0]))
        return Page(people, sorted_cursor(order, last[-1], last[0]))

    def count(
        self, *, tags: Sequence[str] = (), called: str = "", hidden: bool | None = None
    ) -> int:
        """How many people there are who fit."""
        fits, values = self._condition(tags, called, hidden)
        return int(
            self._database.read(f"SELECT count(*) FROM subjects s WHERE {fits}", *values)[0][0]
        )

    def _condition(
        self, tags: Sequence[str], called: str, hidden: bool | None
    ) -> tuple[str, list[object]]:
        """What a row ``s`` must be, and the values in it."""
        tagged = (
            " AND EXISTS (SELECT 1 FROM subject_tags t"
            " WHERE t.collection = s.collection AND t.tag = ? AND t.subject = s.id)"
        )
        seen = "" if hidden is None else " AND s.hidden" if hidden else " AND NOT s.hidden"
        name = folded(called.strip())
        part = " AND instr(s.folded, ?) > 0" if name else ""
        return (
            f"s.collection = ?{part}{seen}{tagged * len(tags)}",
            [self._collection, *([name] if name else []), *tags],
        )

    def _sorted(
        self, fits: str, values: list[object], order: Order, cursor: str | None, limit: int
    ) -> list[Row]:
        """Rows of people, each with its key at the end; they are read once it is known which."""
        key = _KEYS[order]
        direction, beyond = ("DESC", "<") if order in DESCENDING else ("ASC", ">")
        after, place = "", _FROM_THE_START
        if cursor is not None:
            after, place = f" AND ({key}, s.id) {beyond} (?, ?)", place_of(cursor, order)
        return self._database.read(
            f"SELECT {SUBJECT}, p.key FROM ("
            f" SELECT s.id, {key} AS key FROM subjects s WHERE {fits}{after}"
            f" ORDER BY key {direction}, s.id {direction} LIMIT ?"
            f") p JOIN subjects s ON s.id = p.id ORDER BY p.key {direction}, p.id {direction}",
            *values,
            *place,
            limit,
        )

    def change(self, subject_id: str, change: SubjectChange) -> None:
        """Change what is given; an empty cover is none that was chosen.

        Raises:
            NotFound: there is no such person, or the cover is no face of this person with a
                picture.
            AlreadyExists: another one has the name.
        """
        with self._database.transaction() as transaction:
            row = row_of_subject(transaction, self._collection, subject_id)
            if (name := change.get("name")) is not None:
                check_is_free(transaction, self._collection, name, apart_from=row)
                transaction.run(
                    "UPDATE subjects SET name = ?, name_key = ?, folded = ? WHERE id = ?",
                    name,
                    name_key(name),
                    folded(name),
                    row,
                )
            if (tags := change.get("tags")) is not None:
                transaction.run("UPDATE subjects SET tags = ? WHERE id = ?", json_text(tags), row)
            if (metadata := change.get("metadata")) is not None:
                text = json_text(metadata)
                transaction.run("UPDATE subjects SET metadata = ? WHERE id = ?", text, row)
            if (hidden := change.get("hidden")) is not None:
                transaction.run("UPDATE subjects SET hidden = ? WHERE id = ?", hidden, row)
            if (cover := change.get("cover")) is not None:
                _check_cover(transaction, row, subject_id, cover)
                transaction.run("UPDATE subjects SET cover = ? WHERE id = ?", cover or None, row)

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


def insert_subject(transaction: Transaction, collection: int, subject: Subject) -> None:
    """Add a row; the cover, if there is one, was chosen."""
    transaction.run(
        _INSERT,
        subject.id,
        collection,
        subject.name,
        name_key(subject.name),
        folded(subject.name),
        json_text(subject.tags),
        json_text(subject.metadata),
        time_text(subject.created),
        subject.hidden,
        subject.cover,
    )


def _check_cover(transaction: Transaction, row: int, subject_id: str, face_id: str) -> None:
    """Refuse a cover that is none; an empty one is no face."""
    if face_id and not transaction.read(
        "SELECT 1 FROM faces WHERE uuid = ? AND subject = ?"
        " AND (picture <> '' OR crop IS NOT NULL)",
        face_id,
        row,
    ):
        raise NotFound(f"the subject {subject_id!r} has no face {face_id!r} with a picture")


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
        raise AlreadyExists(f"a subject named {name!r} already exists")
