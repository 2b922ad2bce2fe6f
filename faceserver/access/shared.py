"""Keys, sessions and counts of requests in the database that several servers share.

What one server does, such as revoking a key, counts for all of them with the next request.
"""

import hmac
import secrets
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from time import monotonic
from typing import Any

from faceserver.access.keys import KEYS_COLUMNS, Key, KeyKind, KeyScope, digest, looked_up, new_key
from faceserver.access.sessions import MAX_SESSIONS_OF_KEY, Session
from faceserver.errors import AlreadyExists, NotFound
from faceserver.runtime.postgres import Postgres, Row, Taken, Transaction

_USE_NOTED_EVERY = timedelta(minutes=1)
"""Each note is a write, which a busy key would otherwise cost at every request."""


class SharedKeys:
    """See :class:`faceserver.access.base.Keys`."""

    def __init__(self, database: Postgres) -> None:
        """Take the database."""
        self._database = database

    def create(
        self,
        name: str,
        scope: KeyScope,
        collection: str | None = None,
        *,
        kind: KeyKind = "own",
    ) -> tuple[Key, str]:
        """Make a key; return what is stored of it, and the key itself."""
        key, token, pair = new_key(name, scope, collection, kind)
        try:
            self._database.write(
                lambda transaction: transaction.run(
                    "INSERT INTO keys"
                    " (id, name, scope, collection, kind, hash, created, access_id, secret)"
                    " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
                    key.id,
                    name,
                    scope,
                    collection,
                    kind,
                    digest(token),
                    key.created,
                    *pair,
                )
            )
        except Taken as error:
            raise AlreadyExists(f"a key named {name!r} already exists: revoke it first") from error
        return key, token

    def all(self) -> list[Key]:
        """All keys, the revoked ones too, in the order they were made."""
        return [_key(row) for row in self._read("ORDER BY created, id")]

    def any(self) -> bool:
        """Whether a key was ever made."""
        return bool(self._read("LIMIT 1"))

    def revoke(self, name: str) -> Key:
        """Take a key back, by its name or its id."""
        rows = self._database.write(
            lambda transaction: transaction.read(
                "UPDATE keys SET revoked = now() WHERE revoked IS NULL AND (name = %s OR id = %s)"
                f" RETURNING {KEYS_COLUMNS}",
                name,
                name,
            )
        )
        if not rows:
            raise NotFound(f"no key in use is named {name!r}; `faceserver keys list` lists them")
        return _key(rows[0])

    def find(self, token: str) -> Key | None:
        """The key that a caller holds, None if it is none or revoked; notes that it was used."""
        sought = looked_up(token)
        if sought is None:
            return None
        found = self._used(sought.column, sought.value, "hash")
        return found[0] if found and hmac.compare_digest(found[1], sought.hash) else None

    def pair(self, access_id: str) -> tuple[Key, str] | None:
        """The key with an access key id and its secret, None if there is none or it is revoked."""
        if "\0" in access_id:  # PostgreSQL has no such text
            return None
        return self._used("access_id", access_id, "secret")

    def _used(self, column: str, value: object, wanted: str) -> tuple[Key, Any] | None:
        """A key that is not revoked, and one more of its columns; notes that it was used."""
        rows = self._database.read(
            lambda transaction: transaction.read(
                f"SELECT {KEYS_COLUMNS}, {wanted} FROM keys"
                f" WHERE {column} = %s AND revoked IS NULL",
                value,
            )
        )
        if not rows:
            return None
        key = _key(rows[0][:-1])
        if key.last_used is None or datetime.now(UTC) - key.last_used >= _USE_NOTED_EVERY:
            self._database.write(
                lambda transaction: transaction.run(
                    "UPDATE keys SET last_used = now() WHERE id = %s", key.id
                )
            )
        return key, rows[0][-1]

    def get(self, key_id: str) -> Key | None:
        """A key by its id, None if it is revoked."""
        rows = self._read("WHERE id = %s AND revoked IS NULL", key_id)
        return _key(rows[0]) if rows else None

    def _read(self, rest: str, *values: object) -> list[Row]:
        query = f"SELECT {KEYS_COLUMNS} FROM keys {rest}"
        return self._database.read(lambda transaction: transaction.read(query, *values))


class SharedSessions:
    """See :class:`faceserver.access.base.SessionStore`."""

    def __init__(self, database: Postgres, seconds: float) -> None:
        """Take the database, and how long a session lasts."""
        self.seconds = seconds
        self._database = database

    def begin(self, key_id: str) -> tuple[str, Session]:
        """Begin a session; return what the browser is to hold, and the session."""
        secret, token = secrets.token_urlsafe(32), secrets.token_urlsafe(32)

        def begin(transaction: Transaction) -> None:
            transaction.run("DELETE FROM sessions WHERE ends <= now()")
            transaction.run(
                "DELETE FROM sessions WHERE hash IN (SELECT hash FROM sessions"
                " WHERE key_id = %s ORDER BY ends DESC OFFSET %s)",
                key_id,
                MAX_SESSIONS_OF_KEY - 1,
            )
            transaction.run(
                "INSERT INTO sessions (hash, key_id, csrf_token, ends)"
                " VALUES (%s, %s, %s, now() + make_interval(secs => %s))",
                _digest(secret),
                key_id,
                token,
                self.seconds,
            )

        self._database.write(begin)
        return secret, Session(key_id, token, monotonic() + self.seconds)

    def find(self, secret: str) -> Session | None:
        """The session of a browser, None if there is none or it is over."""
        rows = self._database.read(
            lambda transaction: transaction.read(
                "SELECT key_id, csrf_token, extract(epoch FROM ends - now())::float8"
                " FROM sessions WHERE hash = %s AND ends > now()",
                _digest(secret),
            )
        )
        if not rows:
            return None
        key_id, token, left = rows[0]
        return Session(key_id, token, monotonic() + left)

    def end(self, secret: str) -> None:
        """End a session; one that is not there is no error."""
        self._database.write(
            lambda transaction: transaction.run(
                "DELETE FROM sessions WHERE hash = %s", _digest(secret)
            )
        )


class SharedCounts:
    """See :class:`faceserver.access.base.Counts`. They are not put on the disk for certain."""

    def __init__(self, database: Postgres) -> None:
        """Take the database."""
        self._database = database

    def add(self, key: str, seconds: float, amount: int) -> int:
        """Count more; a window of so many seconds begins where none is open. Returns the sum."""

        def add(transaction: Transaction) -> int:
            transaction.run("SET LOCAL synchronous_commit = off")
            ((count,),) = transaction.read(
                "INSERT INTO request_counts AS c (name, count, ends)"
                " VALUES (%s, %s, now() + make_interval(secs => %s))"
                " ON CONFLICT (name) DO UPDATE SET"
                " count = CASE WHEN c.ends > now() THEN c.count ELSE 0 END + excluded.count,"
                " ends = CASE WHEN c.ends > now() THEN c.ends ELSE excluded.ends END"
                " RETURNING count",
                key,
                amount,
                seconds,
            )
            if count == amount:  # now and then
                transaction.run("DELETE FROM request_counts WHERE ends < now() - interval '1 hour'")
            return int(count)

        return self._database.write(add)

    def window(self, key: str) -> tuple[int, float] | None:
        """The count of the open window and in how many seconds it ends; None without one."""
        rows = self._database.read(
            lambda transaction: transaction.read(
                "SELECT count, extract(epoch FROM ends - now())::float8 FROM request_counts"
                " WHERE name = %s AND ends > now()",
                key,
            )
        )
        return rows[0] if rows else None

    def forget(self, key: str | None) -> None:
        """Forget a key, or with None all."""
        self._database.write(
            lambda transaction: transaction.run(
                "DELETE FROM request_counts WHERE name = coalesce(%s::text, name)", key
            )
        )


def _digest(secret: str) -> bytes:
    return sha256(secret.encode(errors="surrogatepass")).digest()


def _key(row: Row) -> Key:
    key_id, name, scope, collection, kind, created, *times = row
    last_used, revoked = (time and time.astimezone(UTC) for time in times)
    return Key(key_id, name, scope, collection, kind, created.astimezone(UTC), last_used, revoked)
