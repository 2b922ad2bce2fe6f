"""The webhooks and their deliveries, in ``webhooks.sqlite`` in the data folder."""

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from faceserver.errors import NotFound, StoreCorrupt
from faceserver.layout import WEBHOOKS
from faceserver.runtime.database import Database, Transaction
from faceserver.services.telling import EventKind
from faceserver.store.base import Page
from faceserver.store.codec import time_text
from faceserver.store.cursor import cursor_after, row_of
from faceserver.store.lifetime import Lifetime
from faceserver.webhooks.records import Delivery, Due, State, Webhook

if TYPE_CHECKING:
    from faceserver.runtime.postgres_rows import PostgresRows, RowsTransaction

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE hooks (
        id          INTEGER PRIMARY KEY AUTOINCREMENT,
        uuid        TEXT    NOT NULL UNIQUE,
        url         TEXT    NOT NULL,
        events      TEXT    NOT NULL, -- JSON: ["...", ...]
        collection  TEXT,
        secret      TEXT    NOT NULL, -- signing needs it as it is
        created     TEXT    NOT NULL
    ) STRICT;
    CREATE TABLE deliveries (
        id          INTEGER PRIMARY KEY AUTOINCREMENT,
        uuid        TEXT    NOT NULL,
        hook        INTEGER NOT NULL REFERENCES hooks (id) ON DELETE CASCADE,
        event       TEXT    NOT NULL,
        collection  TEXT    NOT NULL,
        body        TEXT    NOT NULL, -- JSON, as it is sent
        state       TEXT    NOT NULL DEFAULT 'waiting',
        attempts    INTEGER NOT NULL DEFAULT 0,
        created     TEXT    NOT NULL,
        at          TEXT,
        status      INTEGER,
        error       TEXT,
        next        TEXT
    ) STRICT;
    CREATE INDEX deliveries_by_hook ON deliveries (hook);
    CREATE INDEX deliveries_waiting ON deliveries (next) WHERE state = 'waiting';
    """,
)
"""The steps that lead to the schema. A released step never changes."""

MOST_WAITING = 10_000
"""So many events wait for one receiver at most; what comes beyond them is not told."""

_HOOK = "SELECT id, uuid, url, events, collection, created FROM hooks"
_DELIVERY = """
    SELECT id, uuid, event, state, attempts, created, at, status, error, next FROM deliveries
"""
_DUE = """
    SELECT min(d.id), d.uuid, h.url, h.secret, d.body, d.attempts
    FROM deliveries d JOIN hooks h ON h.id = d.hook
    WHERE d.state = 'waiting' AND d.next <= ? GROUP BY d.hook ORDER BY 1 LIMIT ?
"""


class WebhookTable:
    """All webhooks. Safe to call from several threads at once.

    Attributes:
        is_shared: whether other servers make webhooks and queue events too.
        longest_rest: after so many seconds at most, what is due is asked for again.
    """

    is_shared = False
    longest_rest = 3600.0

    _database: "Database | PostgresRows"

    def __init__(self, folder: Path) -> None:
        """Open the file, or make it.

        Raises:
            StoreCorrupt: it is damaged, and left as it is.
            StoreError: it cannot be used.
        """
        path = folder / WEBHOOKS
        try:
            self._database = Database(path, MIGRATIONS)
        except StoreCorrupt as error:
            raise StoreCorrupt(
                f"{path} is damaged: `faceserver check --repair` sets it aside, and the server "
                "creates a new one; create the webhooks again"
            ) from error

    def listen(self, wake: Callable[[], None]) -> None:
        """Have a function called when somebody else may have queued something; here nobody does."""

    def close(self) -> None:
        """Let go of the file; closing twice does nothing."""
        self._database.close()

    def insert(self, hook: Webhook, secret: str) -> None:
        """Add a webhook."""
        with self._database.transaction() as transaction:
            transaction.run(
                "INSERT INTO hooks (uuid, url, events, collection, secret, created)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                hook.id,
                hook.url,
                json.dumps(hook.events),
                hook.collection,
                secret,
                time_text(hook.created),
            )

    def get(self, hook_id: str) -> Webhook:
        """One webhook.

        Raises:
            NotFound: there is none of that id.
        """
        return _hook(self._row(hook_id))

    def page(self, *, limit: int, cursor: str | None) -> Page[Webhook]:
        """Some of the webhooks, in the order they were made.

        Raises:
            InvalidCursor: the cursor is none.
        """
        rows = self._database.read(
            f"{_HOOK} WHERE id > ? ORDER BY id LIMIT ?", row_of(cursor), limit + 1
        )
        following = cursor_after(rows[limit - 1][0]) if len(rows) > limit else None
        return Page(tuple(map(_hook, rows[:limit])), following)

    def delete(self, hook_id: str) -> None:
        """Delete a webhook and its deliveries.

        Raises:
            NotFound: there is none of that id.
        """
        row = self._row(hook_id)[0]
        with self._database.transaction() as transaction:
            transaction.run("DELETE FROM hooks WHERE id = ?", row)

    def all(self) -> list[Webhook]:
        """Every webhook."""
        return list(map(_hook, self._database.read(f"{_HOOK} ORDER BY id")))

    def queue(
        self,
        hook_id: str,
        event: EventKind,
        collection: str,
        body: str,
        now: datetime,
        *,
        lifetime: Lifetime | None = None,
    ) -> Delivery | None:
        """Have an event sent, at once; None where too many wait already.

        Args:
            hook_id: of the webhook.
            event: what has happened.
            collection: where.
            body: what is sent.
            now: the time, in UTC.
            lifetime: of the collection; nothing is kept of one that was deleted meanwhile.

        Raises:
            NotFound: there is no such webhook.
            Conflict: the collection was deleted.
        """
        row, uuid, time = self._row(hook_id)[0], uuid4().hex, time_text(now)
        with self._database.transaction() as transaction:
            if lifetime is not None:
                self._check_lives(transaction, lifetime)
            ((waiting,),) = transaction.read(
                "SELECT count(*) FROM deliveries WHERE hook = ? AND state = 'waiting'", row
            )
            if waiting >= MOST_WAITING:
                return None
            transaction.run(
                "INSERT INTO deliveries (uuid, hook, event, collection, body, created, next)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                uuid,
                row,
                event,
                collection,
                body,
                time,
                time,
            )
        return Delivery(uuid, event, "waiting", 0, now, None, None, None, now)

    def due(self, now: datetime, *, limit: int) -> list[Due]:
        """The oldest delivery of each webhook that is to be sent by now."""
        return [Due(*row) for row in self._database.read(_DUE, time_text(now), limit)]

    def next_due(self) -> datetime | None:
        """When the next delivery is to be sent; None where none waits."""
        ((time,),) = self._database.read("SELECT min(next) FROM deliveries WHERE state = 'waiting'")
        return datetime.fromisoformat(time) if time else None

    def record(
        self,
        row: int,
        state: State,
        *,
        now: datetime,
        status: int | None,
        error: str | None,
        next_at: datetime | None,
    ) -> None:
        """Note what became of an attempt."""
        with self._database.transaction() as transaction:
            transaction.run(
                "UPDATE deliveries SET state = ?, attempts = attempts + 1, at = ?, status = ?,"
                " error = ?, next = ? WHERE id = ?",
                state,
                time_text(now),
                status,
                error,
                time_text(next_at) if next_at else None,
                row,
            )

    def deliveries(self, hook_id: str, *, limit: int, cursor: str | None) -> Page[Delivery]:
        """Some of what was sent to a webhook, the newest first.

        Raises:
            NotFound: there is no such webhook.
            InvalidCursor: the cursor is none.
        """
        hook, before = self._row(hook_id)[0], row_of(cursor)
        rows = self._database.read(
            f"{_DELIVERY} WHERE hook = ? AND (? = 0 OR id < ?) ORDER BY id DESC LIMIT ?",
            hook,
            before,
            before,
            limit + 1,
        )
        following = cursor_after(rows[limit - 1][0]) if len(rows) > limit else None
        return Page(tuple(map(_delivery, rows[:limit])), following)

    def forget(self, collection: str | None) -> None:
        """Delete the webhooks of a collection, and all that was told of it; leave no trace.

        Args:
            collection: which; None deletes those of each, but not those of all together.
        """
        some, values = ("IS NOT NULL", []) if collection is None else ("= ?", [collection])
        with self._database.transaction() as transaction:
            gone = sum(
                transaction.run(f"DELETE FROM {table} WHERE collection {some}", *values)  # noqa: S608
                for table in ("deliveries", "hooks")
            )
        if gone:
            self._database.scrub()

    def forget_before(self, time: datetime) -> None:
        """Delete what was delivered, or given up, and happened before a time."""
        with self._database.transaction() as transaction:
            transaction.run(
                "DELETE FROM deliveries WHERE state <> 'waiting' AND created < ?", time_text(time)
            )

    def faults(self) -> list[str]:
        """What SQLite finds wrong in the file."""
        return [row[0] for row in self._database.read("PRAGMA integrity_check") if row[0] != "ok"]

    def _check_lives(
        self, transaction: "Transaction | RowsTransaction", lifetime: Lifetime
    ) -> None:
        """Pass while a collection lives: a deletion ends it before it has the table forget it.

        Raises:
            Conflict: it was deleted.
        """
        del transaction  # one process deletes here, and its transactions are one after another
        lifetime.check()

    def _row(self, hook_id: str) -> Sequence[Any]:
        rows = self._database.read(f"{_HOOK} WHERE uuid = ?", hook_id)
        if not rows:
            raise NotFound(f"there is no webhook {hook_id!r}")
        return rows[0]


def _hook(row: Sequence[Any]) -> Webhook:
    _, uuid, url, events, collection, created = row
    made = datetime.fromisoformat(created)
    return Webhook(uuid, url, tuple(json.loads(events)), collection, made)


def _delivery(row: Sequence[Any]) -> Delivery:
    _, uuid, event, state, attempts, created, at, status, error, next_at = row
    return Delivery(
        id=uuid,
        event=event,
        state=state,
        attempts=attempts,
        created=datetime.fromisoformat(created),
        at=datetime.fromisoformat(at) if at else None,
        status=status,
        error=error,
        next=datetime.fromisoformat(next_at) if next_at else None,
    )
