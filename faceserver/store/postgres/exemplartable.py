"""The rows of one collection's exemplars; every function is part of one transaction.

They are compared one by one where they are: what one server keeps, all of them find.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np

from faceserver.errors import AlreadyExists, NotFound
from faceserver.runtime.postgres import Row, Taken, Transaction
from faceserver.store.base import Page
from faceserver.store.cursor import cursor_after, row_of
from faceserver.store.exemplars import Exemplar, ExemplarKind, NearExemplar, content_text
from faceserver.store.index.exact import nearest, squared_distances
from faceserver.store.postgres.rows import in_utc
from faceserver.store.postgres.searcher import NOISE
from faceserver.store.postgres.tables import Tables, vectors
from faceserver.store.postgres.vectors import text_of, vector_of, vectors_of
from faceserver.types import Floats

_LIVES = "(e.until IS NULL OR e.until > %s)"


def keep(transaction: Transaction, tables: Tables, exemplar: Exemplar) -> None:
    """Add a row, or replace the one of the same id.

    Raises:
        NotFound: it names a person or a face that is not there.
        AlreadyExists: its id is taken by one of another kind or collection.
    """
    forget_expired(transaction)
    tables.ordered(transaction)
    _check_id(transaction, tables, exemplar)
    values = (
        _row(transaction, tables.subjects, "subject", exemplar.subject),
        _row(transaction, tables.faces, "face", exemplar.face),
        content_text(exemplar.content),
        exemplar.created,
        exemplar.until,
        text_of(exemplar.embedding),
    )
    try:
        transaction.run(
            f"INSERT INTO {tables.exemplars}"
            " (subject, face, content, created, until, vector, uuid, kind)"
            " VALUES (%s, %s, %s::json, %s, %s, %s::vector, %s, %s)"
            " ON CONFLICT (uuid, collection) DO UPDATE SET subject = excluded.subject,"
            " face = excluded.face, content = excluded.content, created = excluded.created,"
            " until = excluded.until, vector = excluded.vector",
            *values,
            exemplar.id,
            exemplar.kind,
        )
    except Taken as error:
        raise _taken(exemplar.id) from error


def get(transaction: Transaction, tables: Tables, exemplar_id: str) -> Exemplar:
    """One exemplar.

    Raises:
        NotFound: there is none of that id, or its time is over.
    """
    rows = transaction.read(
        f"{_select(tables)} WHERE e.uuid = %s AND {_LIVES}", exemplar_id, datetime.now(UTC)
    )
    if not rows:
        raise NotFound(f"there is no example {exemplar_id!r}")
    return _exemplar(rows[0], tables)


def page(
    transaction: Transaction,
    tables: Tables,
    kind: ExemplarKind,
    *,
    limit: int,
    cursor: str | None,
    subject: str | None,
) -> Page[Exemplar]:
    """Some of a kind, in the order they were first kept."""
    about = f" AND e.subject = (SELECT id FROM {tables.subjects} WHERE uuid = %s)"
    rows = transaction.read(
        f"{_select(tables)} WHERE e.kind = %s AND e.id > %s AND {_LIVES}"
        f"{about if subject is not None else ''} ORDER BY e.id LIMIT %s",
        kind,
        row_of(cursor),
        datetime.now(UTC),
        *([subject] if subject is not None else []),
        limit + 1,
    )
    items = tuple(_exemplar(row, tables) for row in rows[:limit])
    return Page(items, cursor_after(rows[limit - 1][0]) if len(rows) > limit else None)


def near(
    transaction: Transaction,
    tables: Tables,
    kind: ExemplarKind,
    probe: Floats,
    *,
    max_distance: float,
    k: int,
) -> list[NearExemplar]:
    """The nearest of a kind, nearest first; the distances are those of the exact vectors."""
    chosen = (
        f"SELECT e.id, (e.vector <-> %s::vector) ^ 2 AS distance FROM {tables.exemplars} e"
        f" WHERE e.kind = %s AND {_LIVES}"
    )
    rows = transaction.read(
        f"WITH near AS ({chosen}), kth AS (SELECT distance FROM near ORDER BY distance"
        " OFFSET %s LIMIT 1)"
        f" {_select(tables)} JOIN near n ON n.id = e.id WHERE n.distance < %s"
        " AND n.distance <= coalesce((SELECT distance FROM kth), 'infinity') + %s ORDER BY e.id",
        text_of(probe),
        kind,
        datetime.now(UTC),
        max(k - 1, 0),
        max_distance + NOISE,
        2 * NOISE,
    )
    if not rows:
        return []
    stored = vectors_of([row[-1] for row in rows], dims=tables.row.dims)
    places = np.arange(len(rows), dtype=np.int64)
    found, distances = nearest(places, squared_distances(stored, probe), k=min(k, len(rows)))
    return [
        NearExemplar(_exemplar(rows[place], tables), distance)
        for place, distance in zip(found.tolist(), distances.tolist(), strict=True)
        if distance < max_distance
    ]


def forget(transaction: Transaction, tables: Tables, exemplar_ids: Sequence[str]) -> int:
    """Delete these rows; return how many there were."""
    numbers = [
        row[0]
        for row in transaction.read(
            f"SELECT id FROM {tables.exemplars} WHERE uuid = ANY(%s) ORDER BY id FOR UPDATE",
            list(exemplar_ids),
        )
    ]
    return transaction.run(f"DELETE FROM {tables.exemplars} WHERE id = ANY(%s)", numbers)


def forget_expired(transaction: Transaction) -> None:
    """Delete those of all collections whose time is over, apart from what others delete now."""
    transaction.run(
        "DELETE FROM exemplars WHERE (id, collection) IN (SELECT id, collection FROM exemplars"
        " WHERE until <= %s FOR UPDATE SKIP LOCKED)",
        datetime.now(UTC),
    )


def about(transaction: Transaction, tables: Tables, subject: int) -> list[int]:
    """The ids in the database of those about a person, which nobody else changes now."""
    rows = transaction.read(
        f"SELECT id FROM {tables.exemplars} WHERE subject = %s ORDER BY id FOR UPDATE", subject
    )
    return [row[0] for row in rows]


def follow(transaction: Transaction, tables: Tables, space: int) -> None:
    """Give those of faces the faces' new vectors; those of no face go."""
    transaction.run(f"DELETE FROM {tables.exemplars} WHERE face IS NULL")
    transaction.run(
        f"UPDATE {tables.exemplars} e SET vector = v.vector FROM {vectors(space)} v"
        " WHERE v.face = e.face"
    )


def _check_id(transaction: Transaction, tables: Tables, exemplar: Exemplar) -> None:
    """No two collections share an id, and none changes its kind."""
    rows = transaction.read("SELECT collection, kind FROM exemplars WHERE uuid = %s", exemplar.id)
    if rows and rows[0] != (tables.row.id, exemplar.kind):
        raise _taken(exemplar.id)


def _taken(exemplar_id: str) -> AlreadyExists:
    return AlreadyExists(f"there is another example {exemplar_id!r}")


def _row(transaction: Transaction, table: str, what: str, uuid: str | None) -> int | None:
    """The id in the database of what an exemplar names; nobody deletes it before the commit."""
    if uuid is None:
        return None
    rows = transaction.read(f"SELECT id FROM {table} WHERE uuid = %s FOR KEY SHARE", uuid)
    if not rows:
        raise NotFound(f"there is no {what} {uuid!r}")
    return int(rows[0][0])


def _select(tables: Tables) -> str:
    return (
        "SELECT e.id, e.uuid, e.kind,"
        f" (SELECT uuid FROM {tables.subjects} WHERE id = e.subject),"
        f" (SELECT uuid FROM {tables.faces} WHERE id = e.face),"
        f" e.content, e.created, e.until, e.vector FROM {tables.exemplars} e"
    )


def _exemplar(row: Row, tables: Tables) -> Exemplar:
    _, uuid, kind, subject, face, content, created, until, vector = row
    return Exemplar(
        kind=kind,
        embedding=vector_of(vector, dims=tables.row.dims),
        subject=subject,
        face=face,
        content=content,
        id=uuid,
        created=in_utc(created),
        until=until and in_utc(until),
    )
