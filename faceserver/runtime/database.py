"""A file of SQLite: connections, transactions, errors, schema."""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

from faceserver.errors import StoreCorrupt, StoreError, StoreFull, StoreTooNew
from faceserver.runtime.atomic_files import file_errors
from faceserver.runtime.private_files import make_private
from faceserver.texts import without_accents

Row = tuple[Any, ...]

_PAGE_BYTES = 8192
"""A face with 512 numbers takes about 2.5 KB: of SQLite's usual pages of 4 KB each holds one."""

_BUSY_MS = 10_000
"""So long a checkpoint waits for searches that are reading."""

_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_FULL = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE}


class Transaction:
    """What may be done inside :meth:`Database.transaction`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Take the connection that the transaction runs on."""
        self._connection = connection

    def run(self, statement: str, *values: object) -> int:
        """Run a statement; return how many rows it changed."""
        return self._connection.execute(statement, values).rowcount

    def run_many(self, statement: str, rows: Iterable[Sequence[object]]) -> None:
        """Run a statement once for each row of values."""
        self._connection.executemany(statement, rows)

    def read(self, statement: str, *values: object) -> list[Row]:
        """Return a query's rows, as the transaction has left them so far."""
        return self._connection.execute(statement, values).fetchall()


class Witness(Protocol):
    """Sees each transaction of a :class:`Database`, one call at a time."""

    def opened(self, transaction: Transaction) -> None:
        """The file is open and its schema up to date; nothing is written now."""
        ...

    def committing(self, transaction: Transaction) -> None:
        """A transaction is about to be committed; what is written here is committed with it."""
        ...

    def committed(self) -> None:
        """The transaction that :meth:`committing` saw is committed."""
        ...


class Database:
    """One SQLite file. Safe to call from several threads at once.

    One connection writes, behind a lock; whoever reads borrows one of its own, so that nobody
    waits for a writer: that is what SQLite's WAL mode gives. Its owner alone may read the file and
    its log. Other processes may have it open, too.
    """

    def __init__(
        self,
        path: Path,
        migrations: Sequence[str],
        *,
        witness: Witness | None = None,
    ) -> None:
        """Open the file, or make it, and bring its schema up to date.

        Args:
            path: of the file.
            migrations: the steps that lead to its schema; step n leads from schema n - 1, the
                number in SQLite's ``user_version``, to schema n. A step that has been released
                never changes.
            witness: sees what is committed.

        Raises:
            StoreCorrupt: the file is damaged; it is left as it was.
            StoreTooNew: its schema is one of a later version; it is left as it was.
            StoreFull: no space left on the device.
            StoreError: SQLite refused for another reason.
        """
        self.path = path
        self._lock = Lock()
        self._witness = witness
        self._readers = _Readers(path)
        with _sqlite_errors(path):
            if path.exists() and path.stat().st_size:
                _examine(path, len(migrations))
            with file_errors(path):
                make_private(path)  # SQLite gives its log the same mode
            self._writer = _connect(path)
            try:
                _migrate(self._writer, migrations)
                if witness:
                    witness.opened(Transaction(self._writer))
            except BaseException:
                self._writer.close()
                raise

    def read(self, statement: str, *values: object) -> list[Row]:
        """Return a query's rows, of what is committed."""
        with self._readers.borrowed() as connection:
            return connection.execute(statement, values).fetchall()

    def read_in_parts(self, statement: str, *values: object, size: int) -> Iterator[list[Row]]:
        """Yield a query's rows, of what is committed, at most ``size`` at a time."""
        with (
            self._readers.borrowed() as connection,
            closing(connection.execute(statement, values)) as found,
        ):
            while rows := found.fetchmany(size):
                yield rows

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Commit what the block does, or undo it where it raises; one at a time.

        Raises:
            StoreFull: no space left on the device.
        """
        with self._lock, _sqlite_errors(self.path):
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                transaction = Transaction(self._writer)
                yield transaction
                if self._witness:
                    self._witness.committing(transaction)
                self._writer.execute("COMMIT")
            except BaseException:
                _roll_back(self._writer)
                raise
            if self._witness:
                self._witness.committed()

    def empty_log(self) -> None:
        """Write what the log holds into the file, so that nothing deleted is left in the log.

        Raises:
            StoreFull: no space left on the device.
            StoreError: somebody reads without end.
        """
        with self._lock, _sqlite_errors(self.path):
            self._checkpoint()

    def scrub(self) -> None:
        """Write the file anew, without the pages and the log that deleted rows have left.

        Raises:
            StoreFull: no space left on the device; the file is as it was.
            StoreError: somebody reads without end.
        """
        with self._lock, _sqlite_errors(self.path):
            self._checkpoint()
            self._writer.execute("VACUUM")
            self._checkpoint()

    def close(self) -> None:
        """Let go of the file; closing twice does nothing."""
        self._readers.close()
        with self._lock:
            self._writer.close()

    def _checkpoint(self) -> None:
        (busy, _, _) = self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            raise StoreError(
                f"{self.path}: its write-ahead log cannot be truncated while it is being read"
            )


class _Readers:
    """Connections that only read; as many as there are readers at one time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = Lock()
        self._idle: list[sqlite3.Connection] = []
        self._closed = False

    @contextmanager
    def borrowed(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection to the block; SQLite's errors in it become ours."""
        with _sqlite_errors(self._path):
            with self._lock:
                if self._closed:
                    raise StoreError(f"{self._path} is closed")
                connection = self._idle.pop() if self._idle else None
            if connection is None:
                connection = _connect(self._path)
                connection.execute("PRAGMA query_only = ON")
            try:
                yield connection
            finally:
                self._give_back(connection)

    def _give_back(self, connection: sqlite3.Connection) -> None:
        with self._lock:
            if self._closed:
                connection.close()
            else:
                self._idle.append(connection)

    def close(self) -> None:
        """Close those that are idle now, and each of the others when it comes back."""
        with self._lock:
            self._closed = True
            while self._idle:
                self._idle.pop().close()


def _connect(path: Path) -> sqlite3.Connection:
    # Without an isolation level Python begins no transactions of its own. The connection may
    # change threads, as long as one thread at a time has it.
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        connection.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")
        connection.execute(f"PRAGMA page_size = {_PAGE_BYTES}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA secure_delete = ON")  # what is deleted is overwritten
    except BaseException:
        connection.close()
        raise
    return connection


def _examine(path: Path, known: int) -> None:
    """Refuse a file that must not be opened for writing: even closing such a one would change it.

    The check walks over all pages: about a tenth of a second for 100,000 faces of 512 numbers.
    """
    uri = f"{path.resolve().as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True)) as connection:
        version = _version(connection)
        if version > known:
            raise StoreTooNew(
                f"{path} has schema {version}, this version of faceserver knows {known}: "
                "use the version that wrote it, or a later one"
            )
        (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != "ok":
            raise StoreCorrupt(_damaged(path, verdict))


def _migrate(connection: sqlite3.Connection, migrations: Sequence[str]) -> None:
    connection.create_function("json_number", 1, json.dumps, deterministic=True)
    connection.create_function("without_accents", 1, without_accents, deterministic=True)
    for number, step in enumerate(migrations, start=1):
        if _version(connection) >= number:
            continue
        script = f"BEGIN IMMEDIATE; {step}; PRAGMA user_version = {number}; COMMIT;"
        try:
            connection.executescript(script)
        except BaseException:
            _roll_back(connection)
            if _version(connection) < number:  # otherwise another process was faster
                raise


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _roll_back(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:  # SQLite ends it by itself after some errors
        connection.execute("ROLLBACK")


@contextmanager
def _sqlite_errors(path: Path) -> Iterator[None]:
    """Turn SQLite's errors inside the block into ours."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
        if {code, code & 0xFF} & _DAMAGED:
            raise StoreCorrupt(_damaged(path, str(error))) from error
        if {code, code & 0xFF} & _FULL:
            raise StoreFull(f"{path} cannot be written: no space left on the device") from error
        raise StoreError(f"{path}: {error}") from error


def one_line(verdict: str) -> str:
    """What SQLite says of a damaged file, without the line that names its only database."""
    return " ".join(verdict.removeprefix("*** in database main ***").split())


def _damaged(path: Path, verdict: str) -> str:
    return (
        f"{path} is damaged ({one_line(verdict)}); it is left as it is: put a backup in its place "
        "with `faceserver restore --force FILE`, or choose another folder with FACESERVER_DATA_DIR"
    )
