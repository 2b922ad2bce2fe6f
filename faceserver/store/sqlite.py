"""The truth: faces in SQLite, which is spoken to here alone."""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from faceserver.errors import (
    NotFound,
    StoreCorrupt,
    StoreError,
    StoreFull,
    StoreMismatch,
    StoreTooNew,
)
from faceserver.store.exact import Labels
from faceserver.store.migrations import MIGRATIONS
from faceserver.store.rows import from_row, to_row, vector_of
from faceserver.types import Floats, StoredFace

COLLECTION = "default"

_PAGE_BYTES = 8192
"""A face with 512 numbers takes about 2.5 KB: of SQLite's usual pages of 4 KB each holds one."""

_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_FULL = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE}

_INSERT = """
    INSERT INTO faces (uuid, collection, picture, source, created, box, points, score, vector)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_BY_UUID = """
    SELECT id, uuid, picture, source, created, box, points, score, vector
    FROM faces WHERE uuid = ?
"""
_BY_LABEL = """
    SELECT id, uuid, picture, source, created, box, points, score, vector
    FROM faces WHERE id IN (SELECT value FROM json_each(?))
"""


class FaceDatabase:
    """One SQLite file with the faces of one model. Safe to call from several threads at once.

    One connection writes, behind a lock; each search borrows one of its own to read, so that
    nobody waits for a writer: that is what SQLite's WAL mode gives.
    """

    def __init__(self, path: Path, *, model: str, dims: int) -> None:
        """Open the file, or make it, and bring its schema up to date.

        Raises:
            StoreCorrupt: the file is damaged; it is left as it was.
            StoreTooNew: its schema is one of a later version; it is left as it was.
            StoreMismatch: it holds faces of another model.
            StoreFull: no space is left.
            StoreError: SQLite refused for another reason.
        """
        self._path = path
        self._dims = dims
        self._lock = Lock()
        self._readers = _Readers(path)
        with _sqlite_errors(path):
            if path.exists() and path.stat().st_size:
                _examine(path)
            self._writer = _connect(path)
            try:
                _migrate(self._writer)
                self._collection = self._bound_collection(model)
            except BaseException:
                self._writer.close()
                raise

    def insert(self, faces: Sequence[StoredFace]) -> None:
        """Add all of the faces or none; on return they are on the disk.

        Raises:
            StoreFull: no space is left.
        """
        rows = [to_row(face, self._collection) for face in faces]
        with self._lock, _sqlite_errors(self._path), _transaction(self._writer):
            self._writer.executemany(_INSERT, rows)

    def get(self, face_id: str) -> StoredFace:
        """Return one face.

        Raises:
            NotFound: there is none of that id.
        """
        rows = self._read(_BY_UUID, face_id)
        if not rows:
            raise NotFound(f"there is no face {face_id!r}")
        return from_row(rows[0], dims=self._dims)

    def labelled(self, labels: Iterable[int]) -> dict[int, StoredFace]:
        """Return the faces in the rows of these ids, as far as there are any."""
        rows = self._read(_BY_LABEL, json.dumps(list(labels)))
        return {row[0]: from_row(row, dims=self._dims) for row in rows}

    def face_id(self, label: int) -> str | None:
        """Return the id of the face in a row, None if there is none."""
        rows = self._read("SELECT uuid FROM faces WHERE id = ?", label)
        return str(rows[0][0]) if rows else None

    def vectors(self, *, after: int, limit: int) -> tuple[Labels, Floats]:
        """Return row ids, rising from ``after``, and their vectors: float32, shape (n, dims)."""
        rows = self._read(
            "SELECT id, vector FROM faces WHERE id > ? ORDER BY id LIMIT ?", after, limit
        )
        labels = np.array([label for label, _ in rows], np.int64)
        vectors = [vector_of(blob, dims=self._dims) for _, blob in rows]
        return labels, np.array(vectors, np.float32).reshape(-1, self._dims)

    def count(self) -> int:
        """How many faces there are."""
        return int(self._read("SELECT count(*) FROM faces")[0][0])

    def close(self) -> None:
        """Let go of the file; closing twice does nothing."""
        self._readers.close()
        with self._lock:
            self._writer.close()

    def _bound_collection(self, model: str) -> int:
        """The id of the collection, made where it is missing; its model must be this one."""
        with _transaction(self._writer):
            self._writer.execute(
                "INSERT OR IGNORE INTO collections (name, model, dims) VALUES (?, ?, ?)",
                (COLLECTION, model, self._dims),
            )
        (row_id, held_model, held_dims) = self._writer.execute(
            "SELECT id, model, dims FROM collections WHERE name = ?", (COLLECTION,)
        ).fetchone()
        if (held_model, held_dims) != (model, self._dims):
            raise StoreMismatch(
                f"{self._path} holds faces of the model {held_model} ({held_dims} numbers), not of "
                f"{model} ({self._dims}): go back to that model, or choose another folder with "
                "FACESERVER_DATA_DIR"
            )
        return int(row_id)

    def _read(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        with _sqlite_errors(self._path), self._readers.borrowed() as connection:
            return connection.execute(statement, values).fetchall()


class _Readers:
    """Connections that only read; as many as there are readers at one time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = Lock()
        self._idle: list[sqlite3.Connection] = []
        self._closed = False

    @contextmanager
    def borrowed(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection to the block."""
        connection = self._take()
        try:
            yield connection
        finally:
            self._give_back(connection)

    def close(self) -> None:
        """Close those that are idle now, and each of the others when it comes back."""
        with self._lock:
            self._closed = True
            while self._idle:
                self._idle.pop().close()

    def _take(self) -> sqlite3.Connection:
        with self._lock:
            if self._closed:
                raise StoreError(f"{self._path} is closed")
            if self._idle:
                return self._idle.pop()
        connection = _connect(self._path)
        connection.execute("PRAGMA query_only = ON")
        return connection

    def _give_back(self, connection: sqlite3.Connection) -> None:
        with self._lock:
            if self._closed:
                connection.close()
            else:
                self._idle.append(connection)


def _connect(path: Path) -> sqlite3.Connection:
    # Without an isolation level Python begins no transactions of its own. The connection may
    # change threads, as long as one thread at a time has it.
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        connection.execute(f"PRAGMA page_size = {_PAGE_BYTES}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
    except BaseException:
        connection.close()
        raise
    return connection


def _examine(path: Path) -> None:
    """Refuse a file that must not be opened for writing: even closing such a one would change it.

    The check walks over all pages: about a tenth of a second for 100,000 faces of 512 numbers.
    """
    uri = f"{path.resolve().as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True)) as connection:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version > len(MIGRATIONS):
            raise StoreTooNew(
                f"{path} has schema {version}, this version of faceserver knows {len(MIGRATIONS)}: "
                "use the version that wrote it, or a later one"
            )
        (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != "ok":
            raise StoreCorrupt(_damaged(path, verdict))


def _migrate(connection: sqlite3.Connection) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    for number, step in enumerate(MIGRATIONS[version:], start=version + 1):
        script = f"BEGIN IMMEDIATE; {step}; PRAGMA user_version = {number}; COMMIT;"
        try:
            connection.executescript(script)
        except BaseException:
            _roll_back(connection)
            raise


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        _roll_back(connection)
        raise


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
            raise StoreFull(f"{path} cannot be written: no space is left") from error
        raise StoreError(f"{path}: {error}") from error


def _damaged(path: Path, verdict: str) -> str:
    return (
        f"{path} is damaged ({verdict}); it is left as it is: put a backup in its place, or choose "
        "another folder with FACESERVER_DATA_DIR"
    )
