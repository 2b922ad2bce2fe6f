"""A collection in PostgreSQL on its way to another model's embeddings.

The old vectors answer until the end. The new ones gather in a table of their own, which gets its
index before the switch; the switch itself is one row.
"""

from collections.abc import Callable, Mapping

from faceserver.errors import ChangeIncomplete
from faceserver.runtime.postgres import Postgres, Transaction
from faceserver.store.base import Page
from faceserver.store.faces import check_embedding
from faceserver.store.postgres import changetable
from faceserver.store.postgres.collection import PostgresCollection
from faceserver.types import Face, Floats


class PostgresChange:
    """See :class:`faceserver.store.base.ModelChange`. Made by the store."""

    def __init__(
        self,
        database: Postgres,
        collection: PostgresCollection,
        space: int,
        *,
        model: str,
        dims: int,
        prepare: Callable[[int, int], None],
        reopen: Callable[[], PostgresCollection],
    ) -> None:
        """Take the parts.

        Args:
            database: where the tables are.
            collection: what is changed; it refuses everything after the switch.
            space: the number of the new embeddings.
            model: what is changed to.
            dims: length of its embeddings.
            prepare: gives the new vectors an index, if they are many enough for one.
            reopen: gives the collection as it is after the switch.
        """
        self.model = model
        self.dims = dims
        self._database = database
        self._collection = collection
        self._space = space
        self._prepare = prepare
        self._reopen = reopen

    def pending(self, *, limit: int, cursor: str | None = None) -> Page[Face]:
        """List faces that have no new vector yet, in the order they were stored."""

        def read(transaction: Transaction) -> Page[Face]:
            self._begin(transaction)
            tables = self._collection.tables
            return changetable.pending(transaction, tables, self._space, limit=limit, cursor=cursor)

        return self._database.write(read)

    def put(self, vectors: Mapping[str, Floats]) -> int:
        """Keep the new vectors of faces; on return they survive a crash."""
        for vector in vectors.values():
            check_embedding(vector, dims=self.dims)

        def write(transaction: Transaction) -> int:
            self._begin(transaction)
            return changetable.put(transaction, self._collection.tables, self._space, vectors)

        return self._database.write(write)

    def finish(self) -> PostgresCollection:
        """Switch, once every face has its new vector."""
        self._database.write(self._check_complete)
        self._prepare(self._space, self.dims)

        def switch(transaction: Transaction) -> None:
            self._collection.tables.alone(transaction)
            self._check_complete(transaction)
            changetable.adopt(transaction, self._collection.tables, self._space)

        self._database.write(switch)
        return self._reopen()

    def _begin(self, transaction: Transaction) -> None:
        tables = self._collection.tables
        tables.change(transaction)
        changetable.check(transaction, tables, self._space, self.model)

    def _check_complete(self, transaction: Transaction) -> None:
        self._begin(transaction)
        pending = changetable.count_pending(transaction, self._collection.tables, self._space)
        if pending:
            raise ChangeIncomplete(f"{pending} faces have no new vector yet")
