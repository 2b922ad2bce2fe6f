"""What is done with SQLite's file from beside a running server: it is read, never written."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from faceserver.errors import StoreCorrupt, StoreError
from faceserver.store.files import file_errors, sync


def snapshot(source: Path, target: Path) -> None:
    """Copy SQLite's file as it is at one moment, while others write to it.

    Args:
        source: the file that may be in use.
        target: a new file; complete and without a log beside it on return.

    Raises:
        StoreCorrupt: the source is damaged.
        StoreFull: no space is left.
        StoreError: the system or SQLite refused.
    """
    with file_errors(target), _errors(source), closing(_reader(source)) as live:
        with closing(sqlite3.connect(target)) as copy:
            live.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")  # all in this one file
        sync(target)


def pictures_named(path: Path) -> list[str]:
    """The pictures and crops that the faces in SQLite's file name, each once.

    Raises:
        StoreCorrupt: it is damaged.
        StoreError: SQLite refused.
    """
    with _errors(path), closing(_reader(path)) as connection:
        columns = {row[1] for row in connection.execute("PRAGMA table_info(faces)")}
        names = {row[0] for row in connection.execute("SELECT DISTINCT picture FROM faces")}
        if "crop" in columns:  # since schema 2
            names |= {row[0] for row in connection.execute("SELECT DISTINCT crop FROM faces")}
    return sorted(name for name in names if name)


def _reader(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)


@contextmanager
def _errors(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as error:
        damaged = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
        kind = StoreCorrupt if getattr(error, "sqlite_errorcode", 0) & 0xFF in damaged else None
        raise (kind or StoreError)(f"{path}: {error}") from error
