"""The vectors that a collection is changing to; every function is part of one transaction."""

from collections.abc import Mapping

from faceserver.errors import ModelChanged
from faceserver.runtime.postgres import Transaction
from faceserver.store.base import Page
from faceserver.store.cursor import row_of
from faceserver.store.postgres import exemplartable
from faceserver.store.postgres.facetable import page_of
from faceserver.store.postgres.rows import FACE, faces_of
from faceserver.store.postgres.tables import (
    Tables,
    drop_space,
    lock_row,
    make_space,
    vectors,
)
from faceserver.store.postgres.vectors import text_of
from faceserver.types import Face, Floats


def begin(transaction: Transaction, tables: Tables, *, model: str, dims: int) -> int:
    """Change to this model; what there is of a change to another one is dropped.

    Returns:
        The number of the new embeddings.
    """
    lock_row(transaction, tables.row.id)
    rows = transaction.read(
        "SELECT s.id, s.model, s.dims FROM collections c JOIN spaces s ON s.id = c.next_space"
        " WHERE c.id = %s",
        tables.row.id,
    )
    if rows and rows[0][1:] == (model, dims):
        return int(rows[0][0])
    abandon(transaction, tables)
    space = make_space(transaction, model=model, dims=dims)
    transaction.run("UPDATE collections SET next_space = %s WHERE id = %s", space, tables.row.id)
    return space


def abandon(transaction: Transaction, tables: Tables) -> None:
    """Drop the change, if there is one."""
    lock_row(transaction, tables.row.id)
    rows = transaction.read("SELECT next_space FROM collections WHERE id = %s", tables.row.id)
    transaction.run("UPDATE collections SET next_space = NULL WHERE id = %s", tables.row.id)
    for (space,) in rows:
        if space is not None:
            drop_space(transaction, space)


def state(transaction: Transaction, tables: Tables) -> tuple[str, int] | None:
    """The model that is changed to and how many faces have their new vector; None if none."""
    rows = transaction.read(
        "SELECT s.id, s.model FROM collections c JOIN spaces s ON s.id = c.next_space"
        " WHERE c.id = %s",
        tables.row.id,
    )
    if not rows:
        return None
    ((done,),) = transaction.read(f"SELECT count(*) FROM {vectors(rows[0][0])}")
    return rows[0][1], done


def check(transaction: Transaction, tables: Tables, space: int, model: str) -> None:
    """Go on while the collection is changing to these embeddings; they stay until the end.

    Raises:
        ModelChanged: it is not.
    """
    if not transaction.read(
        "SELECT 1 FROM collections WHERE id = %s AND next_space = %s FOR SHARE",
        tables.row.id,
        space,
    ):
        raise ModelChanged(
            f"the collection {tables.row.name!r} is not changing to {model} any more"
        )


def pending(
    transaction: Transaction, tables: Tables, space: int, *, limit: int, cursor: str | None
) -> Page[Face]:
    """Some of the faces that have no new vector yet, in the order they came."""
    rows = transaction.read(
        f"SELECT {FACE} FROM {faces_of(tables)} WHERE f.place > %s AND NOT EXISTS"
        f" (SELECT 1 FROM {vectors(space)} n WHERE n.face = f.id)"
        " ORDER BY f.place LIMIT %s",
        row_of(cursor),
        limit + 1,
    )
    return page_of(rows, limit=limit, dims=tables.row.dims)


def count_pending(transaction: Transaction, tables: Tables, space: int) -> int:
    """How many faces have no new vector yet."""
    ((count,),) = transaction.read(
        f"SELECT count(*) FROM {tables.faces} f WHERE NOT EXISTS"
        f" (SELECT 1 FROM {vectors(space)} n WHERE n.face = f.id)"
    )
    return int(count)


def put(transaction: Transaction, tables: Tables, space: int, new: Mapping[str, Floats]) -> int:
    """Keep new vectors by the ids of their faces; return how many were taken."""
    # Locked, so that whoever deletes one of the faces waits, and then deletes its new vector too.
    rows = transaction.read(
        f"SELECT id, uuid FROM {tables.faces} WHERE uuid = ANY(%s) ORDER BY id FOR KEY SHARE",
        list(new),
    )
    taken = 0
    for number, face_id in rows:
        taken += transaction.run(
            f"INSERT INTO {vectors(space)} VALUES (%s, %s::vector) ON CONFLICT DO NOTHING",
            number,
            text_of(new[face_id]),
        )
    return taken


def adopt(transaction: Transaction, tables: Tables, space: int) -> None:
    """Make the new vectors those of the collection; the old ones go."""
    transaction.run(
        "UPDATE collections SET space = %s, next_space = NULL WHERE id = %s", space, tables.row.id
    )
    exemplartable.follow(transaction, tables, space)
    drop_space(transaction, tables.row.space)
