"""PostgreSQL behind the methods of :class:`~faceserver.runtime.database.Database`.

For tables whose statements both databases understand; their values are ``?`` here as there.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

from faceserver.runtime.postgres import Postgres, Row, Transaction
from faceserver.runtime.postgres_listening import Listener


class PostgresRows:
    """Reads and writes rows of one database. Safe to call from several threads at once."""

    def __init__(self, database: Postgres) -> None:
        """Take the database."""
        self._database = database

    def read(self, statement: str, *values: object) -> list[Row]:
        """Return a query's rows, of what is committed."""
        return self._database.read(
            lambda transaction: transaction.read(_placed(statement), *values)
        )

    @contextmanager
    def transaction(self) -> Iterator["RowsTransaction"]:
        """Commit what the block does, or undo it where it raises."""
        with self._database.transaction() as transaction:
            yield RowsTransaction(transaction)

    def listener(self, table: str, wake: Callable[[], None]) -> Listener:
        """Have a function called when another server may have added rows that want work."""
        return Listener(self._database.url, table, wake)

    def empty_log(self) -> None:
        """Do nothing: PostgreSQL's log is not the server's to empty."""

    def scrub(self) -> None:
        """Do nothing: see what a purge cannot promise in docs/scaling.md."""

    def close(self) -> None:
        """Let go of the database; closing twice does nothing."""
        self._database.close()


class RowsTransaction:
    """What may be done inside :meth:`PostgresRows.transaction`."""

    def __init__(self, transaction: Transaction) -> None:
        """Take the transaction."""
        self._transaction = transaction

    def run(self, statement: str, *values: object) -> int:
        """Run a statement; return how many rows it changed."""
        return self._transaction.run(_placed(statement), *values)

    def run_many(self, statement: str, rows: Iterable[Sequence[object]]) -> None:
        """Run a statement once for each row of values."""
        self._transaction.run_many(_placed(statement), rows)

    def read(self, statement: str, *values: object) -> list[Row]:
        """Return a query's rows, as the transaction has left them so far."""
        return self._transaction.read(_placed(statement), *values)


def _placed(statement: str) -> str:
    return statement.replace("?", "%s")
