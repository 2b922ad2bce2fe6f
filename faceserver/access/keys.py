"""API keys, in a SQLite file of their own; see :mod:`faceserver.access.keyfile`.

The file is not the gallery's, so that keys can be made and revoked while a server holds the data
folder; the server looks into the file at each request, so that both take effect at once.

A key is ``fs_<id>_<secret>``. The secret has 256 random bits, so that nobody finds it by guessing,
however fast the hash: SHA-256 is enough, where a password would need a slow one. What is stored
is that hash; comparing takes the same time wherever two differ.

Clients of other programs can hold other forms alone: a UUID (122 random bits, stored as its hash),
or a pair of an access key id and a secret that requests are signed with. Whoever checks a signature
needs the secret itself, so that of a pair is stored as it is: the file is for its owner alone.
"""

import hmac
import logging
import re
import secrets
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal, get_args
from uuid import uuid4

from faceserver.access.keyfile import KeyFile
from faceserver.errors import AlreadyExists, InvalidRequest, NotFound
from faceserver.texts import clean_name

_log = logging.getLogger(__name__)

KeyScope = Literal["read", "write", "admin"]
"""What a key may do; each includes those before it."""

KEY_SCOPES: tuple[KeyScope, ...] = get_args(KeyScope)

KeyKind = Literal["own", "uuid", "pair"]
"""The form of a key: ours, a UUID, or an access key id with a secret to sign with."""

TOKEN = re.compile(r"fs_([0-9a-f]{12})_[A-Za-z0-9_-]{43}")
"""The form of a key; its first part, the id, is no secret."""

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_ID = re.compile(r"[0-9a-f]{12}")
KEYS_COLUMNS = "id, name, scope, collection, kind, created, last_used, revoked"
_BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
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
        kind: its form.
        created: in UTC.
        last_used: likewise, to the minute; None if it never was.
        revoked: likewise; None while it is good.
    """

    id: str
    name: str
    scope: KeyScope
    collection: str | None
    kind: KeyKind
    created: datetime
    last_used: datetime | None = None
    revoked: datetime | None = None


class KeyStore:
    """The keys of a data folder. Safe to use from several threads and processes at once."""

    def __init__(self, folder: Path) -> None:
        """Take the data folder; nothing is made until a key is."""
        self._file = KeyFile(folder)

    def create(
        self,
        name: str,
        scope: KeyScope,
        collection: str | None = None,
        *,
        kind: KeyKind = "own",
    ) -> tuple[Key, str]:
        """Make a key.

        Returns:
            What is stored of it, and the key itself, which is nowhere else; of a pair the access
            key id and the secret with a colon between them.

        Raises:
            InvalidRequest: the name is empty, too long, holds control characters, or could be
                taken for an id.
            AlreadyExists: a key of that name is in use.
            StoreError: the file cannot be written.
        """
        key, token, pair = new_key(name, scope, collection, kind)
        row = (
            *(key.id, name, scope, collection, kind, digest(token), key.created.isoformat()),
            *pair,
        )
        with self._file.writing() as database:
            try:
                database.execute(
                    "INSERT INTO keys (id, name, scope, collection, kind, hash, created, "
                    "access_id, secret) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    row,
                )
            except sqlite3.IntegrityError as error:
                raise AlreadyExists(
                    f"a key named {name!r} already exists: revoke it first"
                ) from error
        self._file.mark()
        return key, token

    def all(self) -> list[Key]:
        """All keys, the revoked ones too, in the order they were made."""
        with self._file.reading() as database:
            if database is None:
                return []
            rows = database.execute(f"SELECT {KEYS_COLUMNS} FROM keys ORDER BY created, id")  # noqa: S608
            return [_key(row) for row in rows]

    def any(self) -> bool:
        """Whether a key was ever made; revoking the last one does not open the server again."""
        with self._file.reading() as database:
            return database is not None

    def revoke(self, name: str) -> Key:
        """Take a key back, by its name or its id; who holds it is refused from now on.

        Raises:
            NotFound: no key in use has that name or id.
        """
        now = datetime.now(UTC).isoformat()
        with self._file.reading() as database:
            if database is not None:
                row = database.execute(
                    "UPDATE keys SET revoked = ? WHERE revoked IS NULL AND (name = ? OR id = ?) "  # noqa: S608
                    f"RETURNING {KEYS_COLUMNS}",
                    (now, name, name),
                ).fetchone()
                if row is not None:
                    return _key(row)
        raise NotFound(f"no key in use is named {name!r}; `faceserver keys list` lists them")

    def find(self, token: str) -> Key | None:
        """The key that a caller holds, None if it is none or revoked; notes that it was used."""
        sought = looked_up(token)
        if sought is None:
            return None
        found = self._used(sought.column, sought.value, "hash")
        return found[0] if found and hmac.compare_digest(found[1], sought.hash) else None

    def pair(self, access_id: str) -> tuple[Key, str] | None:
        """The key with an access key id and its secret, None if there is none or it is revoked.

        Who shows the id has shown nothing yet: the caller checks what was signed with the secret.
        """
        return self._used("access_id", access_id, "secret")

    def _used(self, column: str, value: object, wanted: str) -> tuple[Key, Any] | None:
        """A key that is not revoked, and one more of its columns; notes that it was used."""
        with self._file.reading() as database:
            if database is None:
                return None
            row = database.execute(
                f"SELECT {KEYS_COLUMNS}, {wanted} FROM keys "  # noqa: S608
                f"WHERE {column} = ? AND revoked IS NULL",
                (value,),
            ).fetchone()
            if row is None:
                return None
            key = _key(row[:-1])
            _note_use(database, key)
            return key, row[-1]

    def get(self, key_id: str) -> Key | None:
        """A key by its id, None if it is revoked."""
        with self._file.reading() as database:
            if database is None:
                return None
            row = database.execute(
                f"SELECT {KEYS_COLUMNS} FROM keys WHERE id = ? AND revoked IS NULL",  # noqa: S608
                (key_id,),
            ).fetchone()
            return None if row is None else _key(row)


def new_key(
    name: str, scope: KeyScope, collection: str | None, kind: KeyKind
) -> tuple[Key, str, tuple[str | None, str | None]]:
    """What is to be stored of a new key, the key itself, and of a pair its two parts.

    Raises:
        InvalidRequest: it cannot have that name.
    """
    try:
        name = clean_name(name)
    except ValueError as error:
        raise InvalidRequest(f"a key's name {error}") from error
    if _ID.fullmatch(name):
        raise InvalidRequest("this name looks like the id of a key")
    key = Key(secrets.token_hex(6), name, scope, collection, kind, datetime.now(UTC))
    token = _new_token(key)
    if kind != "pair":
        return key, token, (None, None)
    access_id, _, secret = token.partition(":")
    return key, token, (access_id, secret)


@dataclass(frozen=True)
class Sought:
    """By which column a caller's key is found, and the hash that it must have then."""

    column: Literal["id", "hash"]
    value: str | bytes
    hash: bytes


def looked_up(token: str) -> Sought | None:
    """How a caller's key is found; None where it has the form of none."""
    form = TOKEN.fullmatch(token)
    if form is not None:
        return Sought("id", form[1], digest(token))
    if not _UUID.fullmatch(token):
        return None
    hashed = digest(token.lower())
    return Sought("hash", hashed, hashed)


def digest(token: str) -> bytes:
    """What is stored of a key."""
    return sha256(token.encode()).digest()


def _note_use(database: sqlite3.Connection, key: Key) -> None:
    now = datetime.now(UTC)
    if key.last_used is not None and now - key.last_used < _USE_NOTED_EVERY:
        return
    try:
        database.execute("UPDATE keys SET last_used = ? WHERE id = ?", (now.isoformat(), key.id))
        database.commit()  # a full disk may refuse no sooner than here
    except sqlite3.OperationalError as error:  # no reason to refuse a good key
        database.rollback()
        _log.warning("the use of key %s could not be recorded: %s", key.id, error)


def _new_token(key: Key) -> str:
    if key.kind == "uuid":
        return str(uuid4())
    if key.kind == "pair":
        access_id = "".join(secrets.choice(_BASE32) for _ in range(16))
        return f"FSAK{access_id}:{secrets.token_urlsafe(30)}"
    return f"fs_{key.id}_{secrets.token_urlsafe(32)}"


def _key(row: Sequence[Any]) -> Key:
    key_id, name, scope, collection, kind, *times = row
    created, last_used, revoked = (datetime.fromisoformat(t) if t else None for t in times)
    assert created  # noqa: S101 - the column is NOT NULL
    return Key(key_id, name, scope, collection, kind, created, last_used, revoked)
