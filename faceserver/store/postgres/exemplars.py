"""What a collection in PostgreSQL remembers beside its faces."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from functools import partial
from typing import Self, TypeVar

from faceserver.runtime.postgres import Postgres, Transaction
from faceserver.runtime.postgres_transaction import Reader
from faceserver.store.base import Page
from faceserver.store.exemplars import Exemplar, ExemplarKind, NearExemplar, accept_exemplar
from faceserver.store.faces import check_embedding
from faceserver.store.postgres import exemplartable
from faceserver.store.postgres.tables import Tables
from faceserver.types import Floats

Result = TypeVar("Result")

_TURNS = 6
"""Names the locks of those who come one after the other, among the advisory locks."""

_TURN_WAIT = "10s"


class PostgresExemplars:
    """The part of a collection; see :class:`faceserver.store.exemplars.ExemplarCollection`."""

    def __init__(self, database: Postgres, tables: Tables) -> None:
        """Take the database, and the collection's tables."""
        self.tables = tables
        self._database = database
        self._read_by: Reader = database.read

    def for_reading(self) -> Self:
        """The same, for requests that only read; a replica may answer."""
        view = copy(self)
        view._read_by = self._database.read_near
        return view

    @contextmanager
    def one_at_a_time(self) -> Iterator[None]:
        """What is in the block no other thread does meanwhile, on no server."""
        # Within this server by a lock of its own: who waits in the database holds a connection.
        with self._database.one_here, self._database.transaction() as transaction:
            transaction.run(f"SET LOCAL lock_timeout = '{_TURN_WAIT}'")
            number = self.tables.row.id % 2**31
            transaction.run("SELECT pg_advisory_xact_lock(%s, %s)", _TURNS, number)
            yield

    def keep(self, exemplar: Exemplar) -> Exemplar:
        """Remember an exemplar, in the place of the one that has its id."""
        new = accept_exemplar(exemplar, dims=self.tables.row.dims)
        self._write(partial(exemplartable.keep, exemplar=new))
        return new

    def exemplar(self, exemplar_id: str) -> Exemplar:
        """Return one."""
        return self._read(partial(exemplartable.get, exemplar_id=exemplar_id))

    def exemplars(
        self,
        kind: ExemplarKind,
        *,
        limit: int,
        cursor: str | None = None,
        subject: str | None = None,
    ) -> Page[Exemplar]:
        """List those of a kind in the order they were first kept."""
        return self._read(
            partial(exemplartable.page, kind=kind, limit=limit, cursor=cursor, subject=subject)
        )

    def near_exemplars(
        self, kind: ExemplarKind, probe: Floats, *, max_distance: float, k: int = 100
    ) -> list[NearExemplar]:
        """Find the nearest of a kind, exactly."""
        check_embedding(probe, dims=self.tables.row.dims)
        return self._read(
            partial(exemplartable.near, kind=kind, probe=probe, max_distance=max_distance, k=k)
        )

    def forget(self, exemplar_ids: list[str]) -> int:
        """Forget these; return how many there were."""
        return self._write(partial(exemplartable.forget, exemplar_ids=exemplar_ids))

    def _read(self, work: Callable[[Transaction, Tables], Result]) -> Result:
        def read(transaction: Transaction) -> Result:
            self.tables.read(transaction)
            return work(transaction, self.tables)

        return self._read_by(read)

    def _write(self, work: Callable[[Transaction, Tables], Result]) -> Result:
        def write(transaction: Transaction) -> Result:
            self.tables.change(transaction)
            return work(transaction, self.tables)

        return self._database.write(write)
