"""A PostgreSQL database: connections, transactions, errors, schema.

Several processes work on it at the same time. A transaction is a function, so that it can be run
anew: where PostgreSQL has ended it for the sake of another one (a deadlock), or where the
connection broke before its end, as it does when another machine takes over.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import TypeVar

import psycopg
from psycopg import errors
from psycopg.abc import Buffer
from psycopg.conninfo import conninfo_to_dict
from psycopg.types.string import StrDumperUnknown
from psycopg_pool import ConnectionPool, PoolClosed, PoolTimeout

from faceserver.errors import (
    InvalidSetting,
    StoreCorrupt,
    StoreError,
    StoreFull,
    StoreUnavailable,
)
from faceserver.runtime.postgres_transaction import (
    Gone,
    Row,
    Taken,
    Transaction,
    one_line,
    query_of,
)

__all__ = [
    "CONNECTIONS",
    "Gone",
    "Postgres",
    "Row",
    "Taken",
    "Transaction",
]

_log = logging.getLogger(__name__)

Result = TypeVar("Result")

Before = Callable[[Transaction], None]

CONNECTIONS = 20
"""At most so many connections a server has: one for each request that is at the database."""

PATIENCE = 15.0
"""So many seconds a transaction waits for a connection: another machine may have to take over."""

_TRIES = 8

_ANEW = (errors.SerializationFailure, errors.DeadlockDetected, errors.LockNotAvailable)
_ELSEWHERE = (
    errors.AdminShutdown,
    errors.CrashShutdown,
    errors.CannotConnectNow,
    errors.ReadOnlySqlTransaction,  # the machine is a replica by now
)
_BROKEN = (psycopg.OperationalError, psycopg.InterfaceError, *_ELSEWHERE)
_DAMAGED = (errors.DataCorrupted, errors.IndexCorrupted)


class Postgres:
    """One database. Safe to call from several threads at once, one transaction a thread.

    Attributes:
        url: its address, with the password.
        one_here: for whoever needs a second connection while holding one: two at a time could wait
            for each other.
    """

    def __init__(
        self,
        url: str,
        *,
        connections: int = CONNECTIONS,
        wait: bool = True,
        patience: float = PATIENCE,
        is_replica: bool = False,
    ) -> None:
        """Make the connections.

        Args:
            url: ``postgresql://user:password@host,host/database?parameters``, as libpq reads it.
            connections: at most so many.
            wait: until there is one; otherwise that is tried in the background.
            patience: so many seconds a transaction waits for a connection.
            is_replica: it may be behind, which its transactions tell.

        Raises:
            InvalidSetting: it is no such address.
            StoreUnavailable: there is no connection to be had.
        """
        self.url = url
        self._where = shown(url)
        self._is_replica = is_replica
        self.one_here = Lock()
        self._pool: ConnectionPool[psycopg.Connection[Row]] = ConnectionPool(
            url,
            min_size=1,
            max_size=connections,
            timeout=patience,
            kwargs={"autocommit": True, "prepare_threshold": None},
            configure=_configure,
            check=ConnectionPool.check_connection,
            name="postgres",
            open=False,
        )
        try:
            self._pool.open(wait=wait, timeout=patience)
        except PoolTimeout as error:
            self._pool.close()
            raise StoreUnavailable(f"{self._where} cannot be reached") from error

    def write(self, work: Callable[[Transaction], Result]) -> Result:
        """Commit what a function does, or undo it where it raises; return what it returns.

        Args:
            work: run anew where that may help, so it must change nothing but the database.

        Raises:
            StoreUnavailable: the database cannot be reached; or the connection broke while it was
                committing, so that nobody knows whether it did.
            StoreFull: no space left on the device.
        """
        return self._run(work, "BEGIN")

    def read(self, work: Callable[[Transaction], Result], *, first: Before | None = None) -> Result:
        """Run a function that reads alone; all that it reads is of one moment.

        The moment is that of its first query; LOCK TABLE is none.

        Args:
            work: run anew where that may help.
            first: asks before that moment.

        Raises:
            StoreUnavailable: the database cannot be reached.
        """
        return self._run(work, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", first)

    def read_near(self, work: Callable[[Transaction], Result]) -> Result:
        """Like :meth:`read`, where a replica may answer that has all that was written from here."""
        return self.read(work)

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Commit what the block does, or undo it where it raises; nothing is done anew.

        Raises:
            StoreUnavailable: the database cannot be reached, or was lost.
            StoreFull: no space left on the device.
            StoreError: PostgreSQL has ended it for the sake of another one.
        """
        try:
            with self._begun("BEGIN") as transaction:
                yield transaction
        except _ANEW as error:
            raise StoreError(f"{self._where}: {one_line(error)}") from error
        except _Lost as error:
            raise StoreUnavailable(f"{self._where}: {error}") from error

    def outside(self, statement: str) -> None:
        """Run a statement that PostgreSQL runs in no transaction.

        Raises:
            StoreUnavailable: the database cannot be reached.
            StoreError: PostgreSQL refused.
        """
        with self._errors(), self._pool.connection() as connection:
            connection.execute(query_of(statement))

    @contextmanager
    def led(self, leadership: int) -> Iterator[bool]:
        """Whether this process is the one that does something during the block, of all that are.

        It holds a connection of its own, and leads as long as that lasts.

        Args:
            leadership: a number for what is done.
        """
        with self._errors(), self._pool.connection() as connection:
            query = "SELECT pg_try_advisory_lock(%s, 0)"
            row = connection.execute(query, (leadership,)).fetchone()
            leads = bool(row and row[0])
            try:
                yield leads
            finally:
                if leads and not connection.closed:
                    connection.execute("SELECT pg_advisory_unlock(%s, 0)", (leadership,))

    def close(self) -> None:
        """Let go of the connections; closing twice does nothing."""
        self._pool.close()

    def _run(
        self, work: Callable[[Transaction], Result], begin: str, first: Before | None = None
    ) -> Result:
        for attempt in range(1, _TRIES + 1):
            try:
                with self._begun(begin, first) as transaction:
                    return work(transaction)
            except _ANEW as error:
                if attempt == _TRIES:
                    raise StoreError(f"{self._where}: {one_line(error)}") from error
            except _Lost as error:
                if attempt == _TRIES:
                    raise StoreUnavailable(f"{self._where}: {error}") from error
                _log.warning("%s: %s; the transaction begins anew", self._where, error)
        raise AssertionError

    @contextmanager
    def _begun(self, begin: str, first: Before | None = None) -> Iterator[Transaction]:
        with self._errors(), self._pool.connection() as connection:
            try:
                if first is not None:
                    first(Transaction(connection))
                connection.execute(query_of(begin))
                yield Transaction(connection, is_replica=self._is_replica)
            except BaseException as error:
                if connection.broken or isinstance(error, _ELSEWHERE):
                    connection.close()  # whatever it did is undone
                    raise _Lost(one_line(error)) from error
                _roll_back(connection)
                raise
            connection.execute(query_of("COMMIT"))

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Turn PostgreSQL's errors inside the block into ours."""
        try:
            yield
        except (PoolTimeout, PoolClosed) as error:
            raise StoreUnavailable(f"{self._where} cannot be reached") from error
        except _ANEW:
            raise
        except errors.DiskFull as error:
            raise StoreFull(f"{self._where}: no space left on the device") from error
        except _DAMAGED as error:
            raise StoreCorrupt(f"{self._where} is damaged: {one_line(error)}") from error
        except _BROKEN as error:
            raise StoreUnavailable(
                f"{self._where}: the connection was lost; it is unknown whether the last change "
                f"was kept ({one_line(error)})"
            ) from error
        except psycopg.Error as error:
            raise StoreError(f"{self._where}: {one_line(error)}") from error


class _Lost(Exception):
    """The connection broke before the end of the transaction: nothing of it was kept."""


def shown(url: str) -> str:
    """An address without its password, for messages.

    Raises:
        InvalidSetting: it is none.
    """
    try:
        parts = conninfo_to_dict(url)
    except psycopg.ProgrammingError as error:
        raise InvalidSetting(f"not a PostgreSQL address: {error}") from error
    return f"the database {parts.get('dbname', '')!r} on {parts.get('host', 'this machine')}"


class _Texts(StrDumperUnknown):
    """Texts as PostgreSQL takes them: what it cannot hold is in no row, and is found in none."""

    def dump(self, obj: str) -> Buffer:
        return obj.encode(errors="replace").replace(b"\0", "\ufffd".encode())


def _configure(connection: psycopg.Connection[Row]) -> None:
    connection.adapters.register_dumper(str, _Texts)
    # A plan for values that are not known yet would not know which filters are narrow.
    connection.execute("SET plan_cache_mode = force_custom_plan")
    connection.execute("SET TimeZone = 'UTC'")


def _roll_back(connection: psycopg.Connection[Row]) -> None:
    try:
        if not connection.closed:
            connection.execute("ROLLBACK")
    except psycopg.Error:
        connection.close()
