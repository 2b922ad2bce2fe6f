"""The tables of a collection: made, locked, dropped; and what their vectors are indexed by.

All that has a name made of numbers is named here, and nowhere else.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from faceserver.errors import ModelChanged
from faceserver.runtime.postgres import Gone, Row, Transaction
from faceserver.runtime.postgres_transaction import Behind
from faceserver.store.lifetime import Lifetime
from faceserver.store.postgres.pinning import doom_all
from faceserver.store.postgres.vectors import MAX_INDEXED_DIMS
from faceserver.store.results import DEFAULT

_PARTED = ("faces", "subjects", "merges", "exemplars")

_PLAIN_DIMS = 1900
"""Vectors up to this length fit into a page of the table: they are read without a detour."""

DEFAULT_EF = 100
"""So many candidates a search of the index looks at, until somebody has measured."""

_ORDER = 1
"""Names the locks under which places are drawn, among the advisory locks."""

_LOCK_WAIT = "3s"
"""So long whoever switches or empties a collection makes others wait, before it tries again."""

_COLLECTION = """
    SELECT c.id, c.name, c.life, c.space, s.model, s.dims, c.created
    FROM collections c JOIN spaces s ON s.id = c.space
"""


@dataclass(frozen=True)
class CollectionRow:
    """A collection as it is at one moment.

    Attributes:
        id: its number.
        name: its name.
        life: rises when it is emptied as a whole.
        space: the number of its model's embeddings.
        model: its embedding model.
        dims: length of its embeddings.
        created: when it was made, in UTC.
    """

    id: int
    name: str
    life: int
    space: int
    model: str
    dims: int
    created: datetime


def all_rows(transaction: Transaction) -> list[CollectionRow]:
    """Every collection, by name."""
    return [_row(row) for row in transaction.read(f"{_COLLECTION} ORDER BY c.name")]


def row_named(transaction: Transaction, name: str) -> CollectionRow | None:
    """The collection of a name."""
    rows = transaction.read(f"{_COLLECTION} WHERE c.name = %s", name)
    return _row(rows[0]) if rows else None


def _row(row: Row) -> CollectionRow:
    *values, created = row
    number, name, life, space, model, dims = values
    return CollectionRow(number, name, life, space, model, dims, created.astimezone(UTC))


def lock_row(transaction: Transaction, collection: int) -> None:
    """Wait until nobody else changes what a collection is, and keep others from it."""
    transaction.run("SELECT 1 FROM collections WHERE id = %s FOR UPDATE", collection)


class Tables:
    """The tables of one collection in one life and with one model."""

    def __init__(self, row: CollectionRow, lifetime: Lifetime) -> None:
        """Take the collection as it was when this object was made, and what ends with it."""
        self.row = row
        self.lifetime = lifetime
        self.faces, self.subjects, self.merges, self.exemplars = (
            partition(name, row.id) for name in _PARTED
        )
        self.vectors = vectors(row.space)

    def read(self, transaction: Transaction) -> None:
        """Begin to read: the collection stays what it is until the transaction ends.

        Raises:
            Conflict: it was deleted.
            ModelChanged: its embeddings are of another model now.
        """
        self._hold(transaction, "ACCESS SHARE")

    def change(self, transaction: Transaction) -> None:
        """Begin to change rows, beside others who do; raises like :meth:`read`."""
        self._hold(transaction, "ROW EXCLUSIVE")

    def alone(self, transaction: Transaction) -> None:
        """Begin to change what the collection is, once nobody reads it; raises like :meth:`read`.

        Raises:
            StoreError: somebody reads it for long.
        """
        transaction.run(f"SET LOCAL lock_timeout = '{_LOCK_WAIT}'")
        self._hold(transaction, "ACCESS EXCLUSIVE")

    def ordered(self, transaction: Transaction) -> None:
        """From here to its commit, no other transaction adds to the collection.

        So places rise in the order of the commits: who has read up to one never misses a lower one
        that is committed later.
        """
        transaction.run("SELECT pg_advisory_xact_lock(%s, %s)", _ORDER, self.row.id % 2**31)

    def _hold(self, transaction: Transaction, mode: str) -> None:
        self.lifetime.check()
        try:
            transaction.run(f"LOCK TABLE {self.faces} IN {mode} MODE")
        except Gone:
            self._end(transaction)
        rows = transaction.read("SELECT life, space FROM collections WHERE id = %s", self.row.id)
        if not rows or rows[0][0] != self.row.life:
            self._end(transaction)
        if rows[0][1] != self.row.space:
            raise ModelChanged(
                f"the collection {self.row.name!r} is not of {self.row.model} any more"
            )

    def _end(self, transaction: Transaction) -> None:
        """The collection is not there; or a replica has not heard of it yet."""
        if transaction.is_replica:
            raise Behind(f"a replica does not know the collection {self.row.name!r}")
        self.lifetime.end()
        self.lifetime.check()


def partition(table: str, collection: int) -> str:
    """The name of a collection's part of a table."""
    return f"{table}_{collection:d}"


def vectors(space: int) -> str:
    """The name of the table that holds the vectors of one model's embeddings."""
    return f"vectors_{space:d}"


def index_of(space: int) -> str:
    """The name of the index of these vectors."""
    return f"vectors_{space:d}_near"


def make_collection(transaction: Transaction, name: str, *, model: str, dims: int) -> CollectionRow:
    """Make a collection with all its tables; its name is free."""
    space = make_space(transaction, model=model, dims=dims)
    ((number, created),) = transaction.read(
        "INSERT INTO collections (name, space) VALUES (%s, %s) RETURNING id, created", name, space
    )
    make_parts(transaction, number)
    return CollectionRow(number, name, 1, space, model, dims, created.astimezone(UTC))


def make_parts(transaction: Transaction, collection: int) -> None:
    """Make the tables of a collection's faces, people, merges and exemplars."""
    for table in _PARTED:
        part = partition(table, collection)
        # Attached rather than made as a partition, which would have everybody wait.
        transaction.run(f"CREATE TABLE {part} (LIKE {table} INCLUDING ALL)")
        transaction.run(f"ALTER TABLE {part} ALTER COLUMN collection SET DEFAULT {collection:d}")
        transaction.run(
            f"ALTER TABLE {table} ATTACH PARTITION {part} FOR VALUES IN ({collection:d})"
        )


def drop_parts(transaction: Transaction, collection: int) -> None:
    """Drop the tables of a collection's faces, people, merges and exemplars, with their files."""
    for table in _PARTED:
        transaction.run(f"DROP TABLE {partition(table, collection)}")


def empty(transaction: Transaction, held: Tables) -> tuple[int, int]:
    """Drop a collection with all its tables; doom its pictures.

    Returns:
        How many faces and people it had.
    """
    ((faces,),) = transaction.read(f"SELECT count(*) FROM {held.faces}")
    ((subjects,),) = transaction.read(f"SELECT count(*) FROM {held.subjects}")
    doom_all(transaction, held.faces)
    drop_parts(transaction, held.row.id)
    if held.row.name != DEFAULT:
        transaction.run("DELETE FROM collections WHERE id = %s", held.row.id)
        drop_space(transaction, held.row.space)
    return faces, subjects


def renew(transaction: Transaction, row: CollectionRow) -> CollectionRow:
    """Give a collection that was emptied new tables, and another life."""
    make_parts(transaction, row.id)
    space = make_space(transaction, model=row.model, dims=row.dims)
    transaction.run(
        "UPDATE collections SET space = %s, life = life + 1 WHERE id = %s", space, row.id
    )
    drop_space(transaction, row.space)
    return replace(row, space=space, life=row.life + 1)


def make_space(transaction: Transaction, *, model: str, dims: int) -> int:
    """Make a table for the vectors of a model; return its number."""
    ((space,),) = transaction.read(
        "INSERT INTO spaces (model, dims) VALUES (%s, %s) RETURNING id", model, dims
    )
    transaction.run(
        f"CREATE TABLE {vectors(space)} (face bigint PRIMARY KEY, vector vector({dims:d}) NOT NULL)"
    )
    if dims <= _PLAIN_DIMS:
        transaction.run(f"ALTER TABLE {vectors(space)} ALTER COLUMN vector SET STORAGE PLAIN")
    return int(space)


def drop_space(transaction: Transaction, space: int) -> None:
    """Drop the vectors of a model; no collection names it any more."""
    transaction.run(f"DROP TABLE {vectors(space)}")
    transaction.run("DELETE FROM spaces WHERE id = %s", space)


def index_statement(space: int, dims: int, *, beside_others: bool) -> str | None:
    """What makes the index of these vectors: the one place that says which kind it is.

    Half precision takes half the memory; searches look again with the exact vectors.

    Args:
        space: the number of the embeddings.
        dims: their length.
        beside_others: others may write meanwhile; then it cannot be part of a transaction.

    Returns:
        None where vectors of that length cannot be indexed.
    """
    if dims > MAX_INDEXED_DIMS:
        return None
    concurrently = "CONCURRENTLY " if beside_others else ""
    return (
        f"CREATE INDEX {concurrently}IF NOT EXISTS {index_of(space)} ON {vectors(space)}"
        f" USING hnsw ((vector::halfvec({dims:d})) halfvec_l2_ops)"
        " WITH (m = 16, ef_construction = 100)"
    )


def index_state(transaction: Transaction, space: int) -> int | None:
    """How many candidates a search of the index looks at; None where there is no index."""
    rows = transaction.read(
        "SELECT s.ef FROM spaces s JOIN pg_index i ON i.indexrelid = to_regclass(%s)"
        " WHERE s.id = %s AND i.indisvalid",
        index_of(space),
        space,
    )
    return (rows[0][0] or DEFAULT_EF) if rows else None


def is_indexed(transaction: Transaction, space: int) -> bool:
    """Whether the index is there and complete."""
    rows = transaction.read(
        "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)", index_of(space)
    )
    return bool(rows and rows[0][0])
