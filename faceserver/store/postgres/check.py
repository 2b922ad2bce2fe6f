"""Verifies a shared gallery, beside the servers that work on it, and mends what can be mended."""

from collections.abc import Callable, Iterator
from functools import partial

from faceserver.errors import NotFound
from faceserver.runtime.findings import Finder, Finding
from faceserver.runtime.postgres import Transaction
from faceserver.store.pictures import is_thumbnail_name
from faceserver.store.postgres import pinning
from faceserver.store.postgres.store import PostgresStore
from faceserver.store.postgres.tables import (
    CollectionRow,
    all_rows,
    index_of,
    partition,
    vectors,
)

_OFF = "NOT abs(vector_norm(vector) - 1) <= 0.001"
"""Of an embedding that is no unit vector."""


def check_database(store: PostgresStore, *, repair: bool = False) -> Iterator[Finding]:
    """Check rows, vectors, pictures and indexes.

    Args:
        store: which servers may be using.
        repair: mend what is found.

    Raises:
        StoreError: PostgreSQL, or the place of the pictures, refused.
    """
    found = Finder(repair=repair).found
    for row in store.database.read(all_rows):
        for fault, mend in _faults(store, row):
            yield found(f"{row.name}: {fault}", mend)
    for name in _missing_pictures(store):
        yield found(f"picture {name}: it is missing", partial(_forget, store, name))
    for name in store.pictures.names():
        if not store.pictures.is_pinned(name) and not _is_shown(store, name):
            yield found(f"picture {name}: no face is in it", partial(_removed, store, name))


def _faults(
    store: PostgresStore, row: CollectionRow
) -> Iterator[tuple[str, Callable[[], str] | None]]:
    faces, stored = partition("faces", row.id), vectors(row.space)
    people, beside = partition("subjects", row.id), partition("exemplars", row.id)
    lost = (
        f"FROM {beside} WHERE face NOT IN (SELECT id FROM {faces})"
        f" OR subject NOT IN (SELECT id FROM {people})"
        f" OR vector_dims(vector) <> {row.dims:d} OR {_OFF}"
    )
    queries = {
        "of {} faces the embedding is missing": (
            f"FROM {faces} WHERE id NOT IN (SELECT face FROM {stored})",
            f"DELETE FROM {faces} WHERE id NOT IN (SELECT face FROM {stored})",
        ),
        "{} embeddings have no face": (
            f"FROM {stored} WHERE face NOT IN (SELECT id FROM {faces})",
            f"DELETE FROM {stored} WHERE face NOT IN (SELECT id FROM {faces})",
        ),
        "{} embeddings are no unit vectors": (
            f"FROM {stored} WHERE {_OFF}",
            (
                f"WITH gone AS (DELETE FROM {stored} WHERE {_OFF} RETURNING face)"
                f" DELETE FROM {faces} WHERE id IN (SELECT face FROM gone)"
            ),
        ),
        "{} faces show somebody who is not there": (
            f"FROM {faces} WHERE subject IS NOT NULL AND subject NOT IN (SELECT id FROM {people})",
            (
                f"UPDATE {faces} SET subject = NULL WHERE subject IS NOT NULL"
                f" AND subject NOT IN (SELECT id FROM {people})"
            ),
        ),
        "{} exemplars have a bad embedding, or are of a face or person who is not there": (
            lost,
            f"DELETE {lost}",
        ),
    }
    for fault, (query, mending) in queries.items():
        ((count,),) = store.database.read(lambda t, q=query: t.read(f"SELECT count(*) {q}"))  # type: ignore[misc]
        if count:
            yield fault.format(count), partial(_mend, store, mending)
    index = index_of(row.space)
    rows = store.database.read(
        lambda transaction: transaction.read(
            "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)", index
        )
    )
    if rows and not rows[0][0]:
        yield "its index is not complete", partial(_drop_index, store, index)


def _mend(store: PostgresStore, statement: str) -> str:
    return f"{store.database.write(lambda transaction: transaction.run(statement))} rows changed"


def _drop_index(store: PostgresStore, index: str) -> str:
    store.database.outside(f"DROP INDEX IF EXISTS {index}")
    return "removed; a server makes it anew"


def _missing_pictures(store: PostgresStore) -> Iterator[str]:
    """The pictures that faces name and that cannot be had."""
    rows = store.database.read(
        lambda transaction: transaction.read(
            "SELECT picture FROM faces WHERE picture IS NOT NULL"
            " UNION SELECT crop FROM faces WHERE crop IS NOT NULL"
        )
    )
    for (name,) in rows:
        try:
            store.pictures.open(name).close()
        except NotFound:
            yield name


def _forget(store: PostgresStore, name: str) -> str:
    def forget(transaction: Transaction) -> int:
        return sum(
            transaction.run(f"UPDATE faces SET {column} = NULL WHERE {column} = %s", name)
            for column in ("picture", "crop")
        )

    return f"{store.database.write(forget)} rows name it no more"


def _is_shown(store: PostgresStore, name: str) -> bool:
    if is_thumbnail_name(name):
        return not store.database.read(lambda transaction: pinning.unused(transaction, [name]))
    query = "SELECT 1 FROM faces WHERE picture = %s UNION ALL SELECT 1 FROM faces WHERE crop = %s"
    return bool(
        store.database.read(lambda transaction: transaction.read(f"{query} LIMIT 1", name, name))
    )


def _removed(store: PostgresStore, name: str) -> str:
    store.pictures.discard([name])
    try:
        store.pictures.open(name).close()
    except NotFound:
        return "removed"
    return "it is in use now, and stays"
