"""API keys, in a SQLite file of their own.

The file is not the gallery's, so that keys can be made and revoked while a server holds the data
folder; the server looks into the file at each request, so that both take effect at once.

A key is ``fs_<id>_<secret>``. The secret has 256 random bits, so that nobody finds it by guessing,
however fast the hash: SHA-256 is enough, where a password would need a slow one. What is stored
is that hash; comparing takes the same time wherever two differ.
"""

import hmac
import logging
import re
import secrets
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Literal, get_args

from faceserver.errors import (
    AlreadyExists,
    InvalidRequest,
    NotFound,
    StoreError,
)
from faceserver.layout import KEYS
from faceserver.runtime.database import Database, Row
from faceserver.runtime.private_files import make_private_folders

_log = logging.getLogger(__name__)

KeyScope = Literal["read", "write", "admin"]
"""What a key may do; each includes those before it."""

KEY_SCOPES: tuple[KeyScope, ...] = get_args(KeyScope)

TOKEN = re.compile(r"fs_([0-9a-f]{12})_[A-Za-z0-9_-]{43}")
"""The form of a key; its first part, the id, is no secret."""

_NAME = re.compile(r"[^\x00-\x1f\x7f]{1,100}")
_ID = re.compile(r"[0-9a-f]{12}")
_MIGRATIONS = (
    """
    CREATE TABLE keys (
        id          TEXT PRIMARY KEY,
        name        TEXT NOT NULL,
        scope       TEXT NOT NULL,
        collection  TEXT,          -- the only one that it reaches; NULL: all
        hash        BLOB NOT NULL, -- SHA-256 of the whole key
        created     TEXT NOT NULL, -- ISO 8601, UTC
        last_used   TEXT,
        revoked     TEXT
    ) STRICT;
    CREATE UNIQUE INDEX keys_by_name ON keys (name) WHERE revoked IS NULL;
    """,
)
_COLUMNS = "id, name, scope, collection, created, last_used, revoked"
_USE_NOTED_EVERY = timedelta(minutes=1)
"""Each note is a write to the disk, which a busy key would otherwise cost at every request."""


@dataclass(frozen=True)
class Key:
    """What is known of a key; the key itself is not.

    Attributes:
        id: part of the key, to name it by.
        name: who or what holds it; unique among the keys that are not revoked.
        scope: what it may do.
        collection: the only one that it reaches; None reaches all.
        created: in UTC.
        last_used: likewise, to the minute; None if it never was.
        revoked: likewise; None while it is good.
    """

    id: str
    name: str
    scope: KeyScope
    collection: str | None
    created: datetime
    last_used: datetime | None = None
    revoked: datetime | None = None


class KeyStore:
    """The keys of a data folder. Safe to use from several threads and processes at once."""

    def __init__(self, folder: Path) -> None:
        """Take the data folder; nothing is made until a key is."""
        self._path = folder / KEYS

    def create(self, name: str, scope: KeyScope, collection: str | None = None) -> tuple[Key, str]:
        """Make a key.

        Returns:
            What is stored of it, and the key itself, which is nowhere else.

        Raises:
            InvalidRequest: the name is empty, too long, holds control characters, or could be
                taken for an id.
            AlreadyExists: a key of that name is in use.
            StoreError: the file cannot be written.
        """
        if not _NAME.fullmatch(name):
            raise InvalidRequest("a key's name has 1 to 100 characters, none of them for control")
        if _ID.fullmatch(name):
            raise InvalidRequest("this name could be taken for the id of a key")
        self._make_folder()
        key = Key(secrets.token_hex(6), name, scope, collection, datetime.now(UTC))
        token = f"fs_{key.id}_{secrets.token_urlsafe(32)}"
        row = (key.id, name, scope, collection, _digest(token), key.created.isoformat())
        with self._open() as database, database.transaction() as transaction:
            if transaction.read("SELECT 1 FROM keys WHERE revoked IS NULL AND name = ?", name):
                raise AlreadyExists(f"there is a key named {name!r}: revoke that first")
            transaction.run(
                "INSERT INTO keys (id, name, scope, collection, hash, created) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                *row,
            )
        return key, token

    def all(self) -> list[Key]:
        """All keys, the revoked ones too, in the order they were made."""
        if not self._path.exists():
            return []
        with self._open() as database:
            rows = database.read(f"SELECT {_COLUMNS} FROM keys ORDER BY created, id")
        return [_key(row) for row in rows]

    def any(self) -> bool:
        """Whether a key was ever made; revoking the last one does not open the server again."""
        if not self._path.exists():
            return False
        with self._open() as database:
            return bool(database.read("SELECT 1 FROM keys LIMIT 1"))

    def revoke(self, name: str) -> Key:
        """Take a key back, by its name or its id; who holds it is refused from now on.

        Raises:
            NotFound: no key in use has that name or id.
        """
        now = datetime.now(UTC).isoformat()
        if self._path.exists():
            with self._open() as database, database.transaction() as transaction:
                for row in transaction.read(
                    "UPDATE keys SET revoked = ? WHERE revoked IS NULL AND (name = ? OR id = ?) "
                    f"RETURNING {_COLUMNS}",
                    now,
                    name,
                    name,
                ):
                    return _key(row)
        raise NotFound(f"no key in use is named {name!r}; `faceserver keys list` lists them")

    def find(self, token: str) -> Key | None:
        """The key that a caller holds, None if it is none or revoked; notes that it was used."""
        form = TOKEN.fullmatch(token)
        if form is None or not self._path.exists():
            return None
        with self._open() as database:
            rows = database.read(
                f"SELECT {_COLUMNS}, hash FROM keys WHERE id = ? AND revoked IS NULL", form[1]
            )
            if not rows or not hmac.compare_digest(rows[0][-1], _digest(token)):
                return None
            key = _key(rows[0][:-1])
            _note_use(database, key)
            return key

    def get(self, key_id: str) -> Key | None:
        """A key by its id, None if it is revoked."""
        if not self._path.exists():
            return None
        with self._open() as database:
            rows = database.read(
                f"SELECT {_COLUMNS} FROM keys WHERE id = ? AND revoked IS NULL", key_id
            )
        return _key(rows[0]) if rows else None

    def _make_folder(self) -> None:
        try:
            make_private_folders(self._path.parent)
        except OSError as error:
            raise StoreError(f"{self._path} cannot be made: {error.strerror}") from error

    @contextmanager
    def _open(self) -> Iterator[Database]:
        """The file, for one use.

        Opening takes less than a millisecond, and what another process has put in its place counts
        at once.
        """
        with closing(Database(self._path, _MIGRATIONS, log=False)) as database:
            yield database


def _note_use(database: Database, key: Key) -> None:
    now = datetime.now(UTC)
    if key.last_used is not None and now - key.last_used < _USE_NOTED_EVERY:
        return
    try:
        with database.transaction() as transaction:
            transaction.run("UPDATE keys SET last_used = ? WHERE id = ?", now.isoformat(), key.id)
    except StoreError as error:  # a full disk is no reason to refuse a good key
        _log.warning("the use of key %s could not be noted: %s", key.id, error)


def _digest(token: str) -> bytes:
    return sha256(token.encode()).digest()


def _key(row: Row) -> Key:
    key_id, name, scope, collection, *times = row
    created, last_used, revoked = (datetime.fromisoformat(t) if t else None for t in times)
    assert created  # noqa: S101 - the column is NOT NULL
    return Key(key_id, name, scope, collection, created, last_used, revoked)
