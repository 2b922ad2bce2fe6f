"""What may be done inside a transaction of PostgreSQL, and the errors that callers may expect."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar, cast

import psycopg
from psycopg import errors
from psycopg.abc import QueryNoTemplate

from faceserver.errors import AlreadyExists, StoreError, StoreOutdated

Row = tuple[Any, ...]

Result = TypeVar("Result")


class Taken(AlreadyExists):
    """A value that must be unique is there already."""


class Gone(StoreOutdated):
    """A table is not there, or not any more."""


class Behind(StoreError):
    """A replica does not know yet what the caller knows."""


class Transaction:
    """What may be done inside :meth:`Postgres.write` and :meth:`Postgres.read`.

    Attributes:
        is_replica: what it reads may not be the latest.
    """

    def __init__(self, connection: psycopg.Connection[Row], *, is_replica: bool = False) -> None:
        """Take the connection that the transaction runs on."""
        self.is_replica = is_replica
        self._connection = connection

    def run(self, statement: str, *values: object) -> int:
        """Run a statement; return how many rows it changed.

        Raises:
            Taken: a value that must be unique is there already.
            Gone: a table is not there.
        """
        with _told_apart():
            return self._connection.execute(query_of(statement), values or None).rowcount

    def run_many(self, statement: str, rows: Iterable[Sequence[object]]) -> None:
        """Run a statement once for each row of values; raises like :meth:`run`."""
        with _told_apart(), self._connection.cursor() as cursor:
            cursor.executemany(query_of(statement), rows)

    def read(self, statement: str, *values: object) -> list[Row]:
        """Return a query's rows; what is of no type that Python knows comes as bytes.

        Raises:
            Taken: likewise, of a statement that inserts.
            Gone: a table is not there.
        """
        with _told_apart():
            rows = self._connection.execute(query_of(statement), values or None, binary=True)
            return rows.fetchall()

    def copy_in(self, statement: str, lines: Iterable[str]) -> None:
        """Bring rows in by COPY, as they stand in its text format; raises like :meth:`run`."""
        with (
            _told_apart(),
            self._connection.cursor() as cursor,
            cursor.copy(query_of(statement)) as copy,
        ):
            for line in lines:
                copy.write(line)


class Reader(Protocol):
    """Runs what only reads: :meth:`Postgres.read` or :meth:`Postgres.read_near`."""

    def __call__(self, work: Callable[[Transaction], Result], /) -> Result:
        """Return what a function returns that is given a transaction."""
        ...


@contextmanager
def _told_apart() -> Iterator[None]:
    """Tell callers of those errors that they may expect."""
    try:
        yield
    except errors.UniqueViolation as error:
        raise Taken(one_line(error)) from error
    except errors.UndefinedTable as error:
        raise Gone(f"{one_line(error)}: run `faceserver db upgrade` first") from error


def query_of(statement: str) -> QueryNoTemplate:
    """A statement as the library takes it: their parts are constants, their values are bound."""
    return cast("QueryNoTemplate", statement)


def one_line(error: BaseException) -> str:
    """What an error says, on one line."""
    return " ".join(str(error).split())
