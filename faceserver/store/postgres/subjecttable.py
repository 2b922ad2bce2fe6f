"""The rows of one collection's subjects; every function is part of one transaction."""

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from faceserver.errors import AlreadyExists, NotFound
from faceserver.runtime.postgres import Taken, Transaction
from faceserver.store.base import Page
from faceserver.store.cursor import cursor_after, row_of
from faceserver.store.names import name_key
from faceserver.store.postgres.facetable import delete
from faceserver.store.postgres.rows import subject_columns, subject_from_row
from faceserver.store.postgres.tables import Tables
from faceserver.types import Subject


def insert(transaction: Transaction, tables: Tables, subject: Subject) -> None:
    """Add a person.

    Raises:
        AlreadyExists: the name or the id is taken.
    """
    check_is_free(transaction, tables, subject.name)
    if is_id_taken(transaction, subject.id):
        raise AlreadyExists(f"the subject {subject.id!r} is there")
    tables.ordered(transaction)
    try:
        transaction.run(
            f"INSERT INTO {tables.subjects}"
            " (uuid, name, name_key, name_hash, tags, metadata, created)"
            " VALUES (%s, %s, %s, %s, %s::text[], %s::json, %s)",
            subject.id,
            subject.name,
            name_key(subject.name),
            _hash(subject.name),
            list(subject.tags),
            json.dumps(subject.metadata),
            subject.created,
        )
    except Taken as error:  # by somebody who was faster
        raise AlreadyExists(f"there is a subject named {subject.name!r}, or of its id") from error


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
) -> Page[Subject]:
    """Some of the people who have these tags and are called so, in the order they came."""
    rows = transaction.read(
        f"SELECT {subject_columns(tables)} FROM {tables.subjects} s"
        " WHERE s.id > %s AND s.tags @> %s::text[] AND position(%s in s.name_key) > 0"
        " ORDER BY s.id LIMIT %s",
        row_of(cursor),
        list(tags),
        name_key(called.strip()),
        limit + 1,
    )
    people = tuple(subject_from_row(row) for row in rows[:limit])
    return Page(people, cursor_after(rows[limit - 1][0]) if len(rows) > limit else None)


def count(transaction: Transaction, tables: Tables) -> int:
    """How many people there are."""
    return int(transaction.read(f"SELECT count(*) FROM {tables.subjects}")[0][0])


def change(
    transaction: Transaction,
    tables: Tables,
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
    (number,) = lock(transaction, tables, subject_id)
    where = f"UPDATE {tables.subjects} SET"
    if name is not None:
        check_is_free(transaction, tables, name, apart_from=number)
        try:
            transaction.run(
                f"{where} name = %s, name_key = %s, name_hash = %s WHERE id = %s",
                name,
                name_key(name),
                _hash(name),
                number,
            )
        except Taken as error:
            raise AlreadyExists(f"there is a subject named {name!r}") from error
    if tags is not None:
        transaction.run(f"{where} tags = %s::text[] WHERE id = %s", list(tags), number)
    if metadata is not None:
        transaction.run(f"{where} metadata = %s::json WHERE id = %s", json.dumps(metadata), number)


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
        raise AlreadyExists(f"there is a subject named {name!r}")


def _hash(name: str) -> bytes:
    return sha256(name_key(name).encode(errors="replace")).digest()
