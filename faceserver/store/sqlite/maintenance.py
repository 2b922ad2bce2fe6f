"""What is done with SQLite's file from beside a running server: it is read, never written."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from faceserver.errors import StoreCorrupt, StoreError, StoreFull
from faceserver.runtime.atomic_files import file_errors, sync
from faceserver.runtime.database import one_line
from faceserver.runtime.private_files import make_private

Progress = Callable[[int, int], None]
"""Told how many bytes are done, and of how many."""

_STEP = 512  # pages, 4 MB


def snapshot(source: Path, target: Path, progress: Progress = lambda _, __: None) -> None:
    """Copy SQLite's file as it is at one moment, while others write to it.

    Args:
        source: the file that may be in use.
        target: a new file; complete and without a log beside it on return.
        progress: told every few megabytes.

    Raises:
        StoreCorrupt: the source is damaged.
        StoreFull: no space left on the device.
        StoreError: the system or SQLite refused.
    """
    with file_errors(target), _errors(source, target), closing(_reader(source)) as live:
        # While this transaction lasts SQLite shows the file as it is now; without it, each write of
        # another process between two steps would make the copy begin anew.
        live.execute("BEGIN")
        (page,) = live.execute("PRAGMA page_size").fetchone()
        live.execute("SELECT count(*) FROM sqlite_master").fetchone()
        make_private(target)
        with closing(sqlite3.connect(target)) as copy:
            live.backup(
                copy,
                pages=_STEP,
                progress=lambda _, left, of: progress((of - left) * page, of * page),
            )
            copy.execute("PRAGMA journal_mode = DELETE")  # all in this one file
            # A copy of a damaged file would be refused when it is needed: better to know now.
            (verdict,) = copy.execute("PRAGMA quick_check(1)").fetchone()
            if verdict != "ok":
                raise StoreCorrupt(f"{source} is damaged ({one_line(verdict)})")
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


def count_faces(path: Path) -> int:
    """How many faces SQLite's file holds.

    Raises:
        StoreCorrupt: it is damaged.
        StoreError: SQLite refused.
    """
    with _errors(path), closing(_reader(path)) as connection:
        (count,) = connection.execute("SELECT count(*) FROM faces").fetchone()
    return int(count)


def _reader(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)


@contextmanager
def _errors(source: Path, target: Path | None = None) -> Iterator[None]:
    """Turn SQLite's errors inside the block into ours; only the target is written."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code == sqlite3.SQLITE_FULL and target:
            raise StoreFull(f"{target} cannot be written: no space left on the device") from error
        damaged = code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
        raise (StoreCorrupt if damaged else StoreError)(f"{source}: {error}") from error
