"""The rows of one collection's subjects; every function is part of one transaction."""

import json
from collections.abc import Sequence
from hashlib import sha256

from faceserver.errors import AlreadyExists, NotFound
from faceserver.runtime.postgres import Row, Taken, Transaction
from faceserver.store.base import Page
from faceserver.store.codec import time_text
from faceserver.store.cursor import cursor_after, row_of
from faceserver.store.listing import DESCENDING, SORTED_BY, Key, Order, place_of, sorted_cursor
from faceserver.store.names import folded, name_key
from faceserver.store.postgres.facetable import delete
from faceserver.store.postgres.rows import subject_columns, subject_from_row
from faceserver.store.postgres.tables import Tables
from faceserver.store.subjects import SubjectChange
from faceserver.types import Subject

_COLUMNS = 10
"""Of :func:`subject_columns`."""

_KEYS: dict[Order, str] = {
    "name": f"left(s.folded, {SORTED_BY})",
    "newest": "s.created",
    "faces": "(SELECT count(*) FROM {faces} WHERE subject = s.id)",
}
"""What people are sorted by."""

_FROM_THE_START: tuple[Key, ...] = ()


def insert(transaction: Transaction, tables: Tables, subject: Subject) -> None:
    """Add a person; the cover, if there is one, was chosen.

    Raises:
        AlreadyExists: the name or the id is taken.
    """
    check_is_free(transaction, tables, subject.name)
    if is_id_taken(transaction, subject.id):
        raise AlreadyExists(f"the subject {subject.id!r} already exists")
    tables.ordered(transaction)
    try:
        transaction.run(
            f"INSERT INTO {tables.subjects}"
            " (uuid, name, name_key, name_hash, folded, tags, metadata, created, hidden, cover)"
            " VALUES (%s, %s, %s, %s, %s, %s::text[], %s::json, %s, %s, %s)",
            subject.id,
            subject.name,
            name_key(subject.name),
            _hash(subject.name),
            folded(subject.name),
            list(subject.tags),
            json.dumps(subject.metadata),
            subject.created,
            subject.hidden,
            subject.cover,
        )
    except Taken as error:  # by somebody who was faster
        raise AlreadyExists(
            f"a subject named {subject.name!r}, or with its id, already exists"
        ) from error


def get(transaction: Transaction, tables: Tables, subject_id: str) -> Subject:
    """One person.

    Raises:
        NotFound: there is none of that id.
    """
    rows = transaction.read(
        f"SELECT {subject_columns(tables)} FROM {tables.subjects} s WHERE s.uuid = %s", subject_id
    )
    if not rows:
        raise NotFound(f"there is no subject {subject_id!r}")
    return subject_from_row(rows[0])


def named(transaction: Transaction, tables: Tables, name: str) -> Subject | None:
    """The person of a name, None if there is none."""
    rows = transaction.read(
        f"SELECT {subject_columns(tables)} FROM {tables.subjects} s WHERE s.name_hash = %s",
        _hash(name.strip()),
    )
    return subject_from_row(rows[0]) if rows else None


def page(
    transaction: Transaction,
    tables: Tables,
    *,
    limit: int,
    cursor: str | None,
    tags: Sequence[str],
    called: str,
    hidden: bool | None,
    order: Order,
) -> Page[Subject]:
    """Some of the people who have these tags and are called so."""
    fits, values = _condition(tags, called, hidden)
    if order == "stored":
        rows = transaction.read(
            f"SELECT {subject_columns(tables)} FROM {tables.subjects} s"
            f" WHERE {fits} AND s.id > %s ORDER BY s.id LIMIT %s",
            *values,
            row_of(cursor),
            limit + 1,
        )
    else:
        rows = _sorted(
            transaction, tables, (fits, values), order=order, cursor=cursor, limit=limit + 1
        )
    people = tuple(subject_from_row(row[:_COLUMNS]) for row in rows[:limit])
    if len(rows) <= limit:
        return Page(people, None)
    last = rows[limit - 1]
    if order == "stored":
        return Page(people, cursor_after(last[0]))
    key = time_text(last[-1]) if order == "newest" else last[-1]
    return Page(people, sorted_cursor(order, key, last[0]))


def _sorted(
    transaction: Transaction,
    tables: Tables,
    condition: tuple[str, list[object]],
    *,
    order: Order,
    cursor: str | None,
    limit: int,
) -> list[Row]:
    """Rows of people, each with its key at the end; they are read once it is known which."""
    fits, values = condition
    key = _KEYS[order].format(faces=tables.faces)
    direction, beyond = ("DESC", "<") if order in DESCENDING else ("ASC", ">")
    after, place = "", _FROM_THE_START
    if cursor is not None:
        kind = "::timestamptz" if order == "newest" else ""
        after, place = f" AND ({key}, s.id) {beyond} (%s{kind}, %s)", place_of(cursor, order)
    return transaction.read(
        f"SELECT {subject_columns(tables)}, p.key FROM ("
        f" SELECT s.id, {key} AS key FROM {tables.subjects} s WHERE {fits}{after}"
        f" ORDER BY key {direction}, s.id {direction} LIMIT %s"
        f") p JOIN {tables.subjects} s ON s.id = p.id"
        f" ORDER BY p.key {direction}, p.id {direction}",
        *values,
        *place,
        limit,
    )


def count(
    transaction: Transaction,
    tables: Tables,
    *,
    tags: Sequence[str] = (),
    called: str = "",
    hidden: bool | None = None,
) -> int:
    """How many people there are who fit."""
    fits, values = _condition(tags, called, hidden)
    statement = f"SELECT count(*) FROM {tables.subjects} s WHERE {fits}"
    return int(transaction.read(statement, *values)[0][0])


def _condition(tags: Sequence[str], called: str, hidden: bool | None) -> tuple[str, list[object]]:
    """What a row ``s`` must be, and the values in it."""
    seen = "" if hidden is None else " AND s.hidden" if hidden else " AND NOT s.hidden"
    fits = f"s.tags @> %s::text[] AND position(%s in s.folded) > 0{seen}"
    return fits, [list(tags), folded(called.strip())]


def change(
    transaction: Transaction,
    tables: Tables,
    subject_id: str,
    change: SubjectChange,
) -> None:
    """Change what is given; an empty cover is none that was chosen.

    Raises:
        NotFound: there is no such person, or the cover is no face of this person with a picture.
        AlreadyExists: another one has the name.
    """
    (number,) = lock(transaction, tables, subject_id)
    where = f"UPDATE {tables.subjects} SET"
    if (name := change.get("name")) is not None:
        check_is_free(transaction, tables, name, apart_from=number)
        try:
            transaction.run(
                f"{where} name = %s, name_key = %s, name_hash = %s, folded = %s WHERE id = %s",
                name,
                name_key(name),
                _hash(name),
                folded(name),
                number,
            )
        except Taken as error:
            raise AlreadyExists(f"a subject named {name!r} already exists") from error
    if (tags := change.get("tags")) is not None:
        transaction.run(f"{where} tags = %s::text[] WHERE id = %s", list(tags), number)
    if (metadata := change.get("metadata")) is not None:
        transaction.run(f"{where} metadata = %s::json WHERE id = %s", json.dumps(metadata), number)
    if (hidden := change.get("hidden")) is not None:
        transaction.run(f"{where} hidden = %s WHERE id = %s", hidden, number)
    if (cover := change.get("cover")) is not None:
        _check_cover(transaction, tables, number, subject_id, cover)
        transaction.run(f"{where} cover = %s WHERE id = %s", cover or None, number)


def _check_cover(
    transaction: Transaction, tables: Tables, number: int, subject_id: str, face_id: str
) -> None:
    """Refuse a cover that is none; an empty one is no face."""
    if face_id and not transaction.read(
        f"SELECT 1 FROM {tables.faces} WHERE uuid = %s AND subject = %s"
        " AND (picture IS NOT NULL OR crop IS NOT NULL)",
        face_id,
        number,
    ):
        raise NotFound(f"the subject {subject_id!r} has no face {face_id!r} with a picture")


def remove(transaction: Transaction, tables: Tables, subject_id: str, *, keep_faces: bool) -> int:
    """Delete a person and what merges remember, and all faces unless they are to be nobody's.

    Returns:
        How many faces there were.

    Raises:
        NotFound: there is no such person.
    """
    (number,) = lock(transaction, tables, subject_id)
    if keep_faces:
        numbers = showing(transaction, tables, number)
        faces = transaction.run(
            f"UPDATE {tables.faces} SET subject = NULL WHERE id = ANY(%s)", numbers
        )
    else:
        faces = delete(transaction, tables, "subject = %s", number)
    # Who was merged into somebody who was merged into this person is this person too.
    transaction.run(
        "WITH RECURSIVE gone (uuid) AS ("
        ' SELECT %s::text COLLATE "C"'
        f" UNION SELECT m.subject FROM {tables.merges} m JOIN gone ON m.stays = gone.uuid"
        f") DELETE FROM {tables.merges} WHERE stays IN (SELECT uuid FROM gone)",
        subject_id,
    )
    _delete_rows(transaction, tables, [number])
    return faces


def remove_all(transaction: Transaction, tables: Tables) -> tuple[int, int]:
    """Delete all people with their faces and what merges remember; return how many of both."""
    rows = transaction.read(f"SELECT id FROM {tables.subjects} ORDER BY id FOR UPDATE")
    numbers = [row[0] for row in rows]
    faces = delete(transaction, tables, "subject = ANY(%s)", numbers)
    transaction.run(f"DELETE FROM {tables.merges}")
    _delete_rows(transaction, tables, numbers)
    return len(numbers), faces


def _delete_rows(transaction: Transaction, tables: Tables, numbers: list[int]) -> None:
    """Delete people who are locked, and what is remembered about them."""
    transaction.run(f"DELETE FROM {tables.exemplars} WHERE subject = ANY(%s)", numbers)
    transaction.run(f"DELETE FROM {tables.subjects} WHERE id = ANY(%s)", numbers)


def showing(transaction: Transaction, tables: Tables, number: int) -> list[int]:
    """The ids in the database of a person's faces, which nobody else changes now."""
    rows = transaction.read(
        f"SELECT id FROM {tables.faces} WHERE subject = %s ORDER BY id FOR UPDATE", number
    )
    return [row[0] for row in rows]


def lock(transaction: Transaction, tables: Tables, *subject_ids: str) -> list[int]:
    """The ids in the database of people whom nobody else changes or gives faces now.

    Raises:
        NotFound: the collection has none of that id.
    """
    rows: dict[str, int] = dict(
        transaction.read(
            f"SELECT uuid, id FROM {tables.subjects} WHERE uuid = ANY(%s) ORDER BY id FOR UPDATE",
            list(subject_ids),
        )
    )
    for subject_id in subject_ids:
        if subject_id not in rows:
            raise NotFound(f"there is no subject {subject_id!r}")
    return [rows[subject_id] for subject_id in subject_ids]


def is_id_taken(transaction: Transaction, subject_id: str) -> bool:
    """Whether a person of any collection has this id."""
    return bool(transaction.read("SELECT 1 FROM subjects WHERE uuid = %s", subject_id))


def check_is_free(
    transaction: Transaction, tables: Tables, name: str, *, apart_from: int = 0
) -> None:
    """Refuse a name that a person of the collection has.

    Raises:
        AlreadyExists: the name is taken.
    """
    if transaction.read(
        f"SELECT 1 FROM {tables.subjects} WHERE name_hash = %s AND id <> %s",
        _hash(name),
        apart_from,
    ):
        raise AlreadyExists(f"a subject named {name!r} already exists")


def _hash(name: str) -> bytes:
    return sha256(name_key(name).encode(errors="replace")).digest()
