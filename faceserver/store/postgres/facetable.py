"""The rows of one collection's faces, and of their vectors.

Every function is part of one transaction, which has begun with one of the ways into
:class:`.tables.Tables`.
"""

from collections.abc import Sequence

from faceserver.errors import AlreadyExists, NotFound
from faceserver.runtime.postgres import Row, Taken, Transaction
from faceserver.store.base import EVERYTHING, Page
from faceserver.store.cursor import cursor_after, row_of
from faceserver.store.pictures import thumbnail_name
from faceserver.store.postgres.facefilter import conditions_of
from faceserver.store.postgres.pinning import doom
from faceserver.store.postgres.rows import (
    FACE,
    INSERTED,
    face_from_row,
    face_to_row,
    faces_of,
)
from faceserver.store.postgres.tables import Tables, vectors
from faceserver.store.postgres.vectors import text_of
from faceserver.types import Face, Filter, Floats

_COPIED_FROM = 50
"""So many vectors at once are brought in by COPY."""


def insert(transaction: Transaction, tables: Tables, faces: Sequence[Face]) -> None:
    """Add all of the faces or none.

    Vectors first, for their index takes time; then, under the lock, the faces.

    Raises:
        NotFound: a face shows a person whom the collection does not have.
        AlreadyExists: an id is taken.
    """
    owners = _subjects(transaction, tables, {face.subject for face in faces if face.subject})
    _check_ids(transaction, [face.id for face in faces])
    numbers = [
        row[0]
        for row in transaction.read(
            "SELECT nextval('face_ids') FROM generate_series(1, %s)", len(faces)
        )
    ]
    numbered = list(zip(faces, numbers, strict=True))
    _insert_vectors(transaction, tables.vectors, [(n, face.embedding) for face, n in numbered])
    tables.ordered(transaction)
    try:
        transaction.run_many(
            f"INSERT INTO {tables.faces} {INSERTED}",
            [
                face_to_row(face, number, owners.get(face.subject or ""))
                for face, number in numbered
            ],
        )
    except Taken as error:
        raise AlreadyExists("a face with one of these ids already exists") from error


def get(transaction: Transaction, tables: Tables, face_id: str) -> Face:
    """One face.

    Raises:
        NotFound: there is none of that id.
    """
    rows = transaction.read(f"SELECT {FACE} FROM {faces_of(tables)} WHERE f.uuid = %s", face_id)
    if not rows:
        raise NotFound(f"there is no face {face_id!r}")
    return face_from_row(rows[0], dims=tables.row.dims)


def page(
    transaction: Transaction,
    tables: Tables,
    *,
    limit: int,
    cursor: str | None,
    only: Filter,
    skip: int = 0,
) -> Page[Face]:
    """Some of the faces that fit a filter, by place."""
    where, values = conditions_of(only, tables)
    rows = transaction.read(
        f"SELECT {FACE} FROM {faces_of(tables)} WHERE {where} AND f.place > %s"
        " ORDER BY f.place LIMIT %s OFFSET %s",
        *values,
        row_of(cursor),
        limit + 1,
        skip,
    )
    return page_of(rows, limit=limit, dims=tables.row.dims)


def page_of(rows: Sequence[Row], *, limit: int, dims: int) -> Page[Face]:
    """The first faces in these rows, and where the others begin."""
    faces = tuple(face_from_row(row, dims=dims) for row in rows[:limit])
    return Page(faces, cursor_after(rows[limit - 1][1]) if len(rows) > limit else None)


def numbers_of(transaction: Transaction, tables: Tables, face_ids: Sequence[str]) -> list[int]:
    """The ids in the database of those of the faces that there are; nobody else changes them now.

    In one order, so that nobody waits for somebody who waits for him.
    """
    rows = transaction.read(
        f"SELECT id FROM {tables.faces} WHERE uuid = ANY(%s) ORDER BY id FOR UPDATE",
        list(face_ids),
    )
    return [row[0] for row in rows]


def delete(transaction: Transaction, tables: Tables, where: str, *values: object) -> int:
    """Delete faces and all that hangs on them, doom their pictures; return how many there were."""
    gone = transaction.read(
        f"DELETE FROM {tables.faces} WHERE {where} RETURNING id, uuid, picture, crop", *values
    )
    numbers = [row[0] for row in gone]
    ((_, *spaces),) = transaction.read(
        "SELECT id, space, next_space FROM collections WHERE id = %s FOR SHARE", tables.row.id
    )
    for space in filter(None, spaces):
        transaction.run(f"DELETE FROM {vectors(space)} WHERE face = ANY(%s)", numbers)
    transaction.run(f"DELETE FROM {tables.exemplars} WHERE face = ANY(%s)", numbers)
    doom(transaction, {name for row in gone for name in row[2:] if name})
    doom(transaction, [thumbnail_name(row[1]) for row in gone if any(row[2:])])
    return len(numbers)


def move(
    transaction: Transaction, tables: Tables, face_ids: Sequence[str], subject: str | None
) -> int:
    """Say whom faces show; return how many of them there are.

    Raises:
        NotFound: the collection does not have that person.
    """
    owners = _subjects(transaction, tables, {subject} if subject is not None else set())
    numbers = numbers_of(transaction, tables, face_ids)
    owner = None if subject is None else owners[subject]
    return transaction.run(
        f"UPDATE {tables.faces} SET subject = %s WHERE id = ANY(%s)", owner, numbers
    )


def put(transaction: Transaction, tables: Tables, face_id: str, column: str, value: object) -> None:
    """Change one column of a face.

    Raises:
        NotFound: there is none of that id.
    """
    changed = transaction.run(
        f"UPDATE {tables.faces} SET {column} = %s WHERE uuid = %s", value, face_id
    )
    if not changed:
        raise NotFound(f"there is no face {face_id!r}")


def count(transaction: Transaction, tables: Tables, only: Filter = EVERYTHING) -> int:
    """How many faces there are that fit a filter."""
    where, values = conditions_of(only, tables)
    query = f"SELECT count(*) FROM {tables.faces} f WHERE {where}"
    return int(transaction.read(query, *values)[0][0])


def _insert_vectors(
    transaction: Transaction, table: str, numbered: Sequence[tuple[int, Floats]]
) -> None:
    if len(numbered) < _COPIED_FROM:
        rows = [(number, text_of(vector)) for number, vector in numbered]
        transaction.run_many(f"INSERT INTO {table} VALUES (%s, %s::vector)", rows)
        return
    lines = (f"{number}\t{text_of(vector)}\n" for number, vector in numbered)
    transaction.copy_in(f"COPY {table} FROM STDIN", lines)


def _subjects(transaction: Transaction, tables: Tables, subjects: set[str]) -> dict[str, int]:
    """The ids in the database of people, whom nobody deletes before this transaction ends."""
    if not subjects:
        return {}
    known: dict[str, int] = dict(
        transaction.read(
            f"SELECT uuid, id FROM {tables.subjects} WHERE uuid = ANY(%s) ORDER BY id"
            " FOR KEY SHARE",
            sorted(subjects),
        )
    )
    for missing in sorted(subjects - known.keys()):
        raise NotFound(f"there is no subject {missing!r}")
    return known


def _check_ids(transaction: Transaction, ids: Sequence[str]) -> None:
    """No two collections share an id, either."""
    taken = transaction.read("SELECT uuid FROM faces WHERE uuid = ANY(%s) LIMIT 1", list(ids))
    if taken or len(set(ids)) < len(ids):
        raise AlreadyExists(f"the face {taken[0][0] if taken else 'in question'!r} already exists")
