"""The SQLite file of the keys: it fails closed.

A full disk may leave a file without a byte in it where the first key could not be made. The same
file is what a disk leaves that has lost all keys. So ``keys.made`` lies beside it from the first
key on: with it, a file without keys opens the server to nobody.
"""

import logging
import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from faceserver.errors import StoreCorrupt, StoreError, StoreFull, StoreTooNew
from faceserver.layout import KEYS, KEYS_MADE
from faceserver.runtime.atomic_files import file_errors
from faceserver.runtime.private_files import make_private, make_private_folders

_log = logging.getLogger(__name__)

_MADE_TEXT = b"Keys were made for this folder: without keys.sqlite the server lets nobody in.\n"
_VERSION = 2
_SCHEMA = """
CREATE TABLE IF NOT EXISTS keys (
    id          TEXT PRIMARY KEY,
    name        TEXT NOT NULL,
    scope       TEXT NOT NULL,
    collection  TEXT,          -- the only one that it reaches; NULL: all
    hash        BLOB NOT NULL, -- SHA-256 of the whole key
    created     TEXT NOT NULL, -- ISO 8601, UTC
    last_used   TEXT,
    revoked     TEXT
) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS keys_by_name ON keys (name) WHERE revoked IS NULL;
"""
_UPGRADES = (
    "",
    """
    ALTER TABLE keys ADD COLUMN kind TEXT NOT NULL DEFAULT 'own';
    ALTER TABLE keys ADD COLUMN access_id TEXT; -- of a pair: what requests name it by
    ALTER TABLE keys ADD COLUMN secret TEXT;    -- of a pair: what its holder signs with
    CREATE UNIQUE INDEX keys_by_access_id ON keys (access_id);
    CREATE INDEX keys_by_hash ON keys (hash);
    """,
)
"""What leads from a version of the file to the next one."""

_SCOPES = {"read", "write", "admin"}
_HASH_BYTES = 32
_BUSY_SECONDS = 5.0
_WHAT_TO_DO = (
    "nobody is let in; put a copy of the file back, or make a new key with `faceserver keys create`"
)


class KeyFile:
    """The file of a data folder. Safe to use from several threads and processes at once."""

    def __init__(self, folder: Path) -> None:
        """Take the data folder; nothing is made yet."""
        self.path = folder / KEYS
        self._made = folder / KEYS_MADE

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection | None]:
        """A connection in a transaction, None where no key was ever made.

        One for each use: opening takes a tenth of a millisecond, and nothing is shared between
        threads. Nothing needs to be written.

        Raises:
            StoreCorrupt: the file is damaged, or keys were made and there are none.
            StoreTooNew: it was written by a newer version.
            StoreError: it cannot be used.
        """
        if self._is_empty():
            self._refuse_loss()
            yield None
            return
        with self._connected() as database:
            if _version(database, self.path) == 0 or not _has_keys(database):
                self._refuse_loss()
                yield None
                return
            _upgrade(database, self.path)
            self.mark()
            yield database

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A connection in a transaction, with the schema in place.

        Raises:
            StoreCorrupt: the file is damaged.
            StoreTooNew: it was written by a newer version.
            StoreFull: no space left on the device.
            StoreError: it cannot be used.
        """
        self._make()
        with self._connected() as database:
            _upgrade(database, self.path)
            yield database

    def mark(self) -> None:
        """Keep in mind that a key was made; that the disk is full is no reason to fail."""
        if self._made.exists():
            return
        try:
            descriptor = os.open(self._made, os.O_WRONLY | os.O_CREAT, 0o600)
            try:
                os.write(descriptor, _MADE_TEXT)
            finally:
                os.close(descriptor)
        except OSError as error:  # the next look at the keys tries again
            _log.warning("%s cannot be written: %s", self._made, error.strerror)

    def has_content(self) -> bool:
        """Whether there is something in the file."""
        return not self._is_empty()

    def fault(self) -> str | None:
        """What SQLite finds wrong with the file, or that the keys are lost."""
        try:
            with self.reading() as database:
                if database is None:
                    return None
                ((verdict,), *_) = database.execute("PRAGMA integrity_check").fetchall()
                return None if verdict == "ok" else str(verdict)
        except StoreCorrupt as error:
            return str(error)

    def bad_rows(self) -> list[str]:
        """The ids of the keys whose rows make no sense."""
        with self.reading() as database:
            if database is None:
                return []
            rows = database.execute(
                "SELECT id, scope, length(hash), created, last_used, revoked FROM keys"
            )
            return [str(row[0]) for row in rows if not _makes_sense(*row[1:])]

    def remove(self, key_id: str) -> None:
        """Remove a row; where it was the last one, nobody is let in."""
        with self.writing() as database:
            database.execute("DELETE FROM keys WHERE id = ?", (key_id,))

    def set_aside(self) -> Path:
        """Move a damaged file away; from then on nobody is let in until a new key is made.

        Raises:
            StoreError: the system refused.
        """
        self.mark()
        now = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
        aside = self.path.with_name(f"{KEYS}.damaged-{now}")
        with file_errors(self.path):
            if not self._made.exists():
                raise StoreError(f"{self._made} cannot be written: the file stays where it is")
            self.path.replace(aside)
            self.path.with_name(f"{KEYS}-journal").unlink(missing_ok=True)
        return aside

    def _is_empty(self) -> bool:
        try:
            return self.path.stat().st_size == 0
        except FileNotFoundError:
            return True
        except OSError as error:
            raise StoreError(f"{self.path} cannot be used: {error.strerror}") from error

    def _refuse_loss(self) -> None:
        if self._made.exists():
            raise StoreCorrupt(
                f"{self.path} holds no key although keys were created, so {_WHAT_TO_DO}; "
                f"to allow access without a key, delete {self._made.name} beside it"
            )

    def _make(self) -> None:
        try:
            make_private_folders(self.path.parent)
            make_private(self.path)
        except OSError as error:
            raise StoreError(f"{self.path} cannot be made: {error.strerror}") from error

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(self.path, timeout=_BUSY_SECONDS)) as database, database:
                yield database
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_ERROR:  # it lacks a table or a column
                raise self._damaged(error) from error
            kind = StoreFull if error.sqlite_errorcode == sqlite3.SQLITE_FULL else StoreError
            raise kind(f"{self.path} cannot be used: {error}") from error
        except sqlite3.DatabaseError as error:
            raise self._damaged(error) from error

    def _damaged(self, error: sqlite3.DatabaseError) -> StoreCorrupt:
        return StoreCorrupt(
            f"{self.path} is damaged ({error}), so {_WHAT_TO_DO} after "
            "`faceserver check --repair` has set it aside"
        )


def _version(database: sqlite3.Connection, path: Path) -> int:
    (version,) = database.execute("PRAGMA user_version").fetchone()
    if version > _VERSION:
        raise StoreTooNew(f"{path} was written by a newer version of faceserver")
    return int(version)


def _upgrade(database: sqlite3.Connection, path: Path) -> None:
    """Bring the file to the version of this program, unless another process has just done it."""
    if _version(database, path) == _VERSION:
        return
    database.execute("BEGIN IMMEDIATE")
    for statement in _statements(_version(database, path)):
        database.execute(statement)
    database.execute(f"PRAGMA user_version = {_VERSION}")
    database.commit()


def _statements(version: int) -> list[str]:
    script = _SCHEMA if version == 0 else ""
    script += "".join(_UPGRADES[max(version, 1) :])
    bare = re.sub(r"--[^\n]*", "", script)
    return [statement for statement in bare.split(";") if statement.strip()]


def _has_keys(database: sqlite3.Connection) -> bool:
    return database.execute("SELECT 1 FROM keys LIMIT 1").fetchone() is not None


def _makes_sense(scope: str, length: int, *times: str | None) -> bool:
    created = times[0]
    try:
        for time in times:
            if time:
                datetime.fromisoformat(time)
    except ValueError:
        return False
    return bool(created) and scope in _SCOPES and length == _HASH_BYTES
