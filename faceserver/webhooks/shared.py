"""Webhooks in the database that several servers share.

Any server sends what any server has queued. A server claims a webhook while it sends to it, so that
each receiver gets one event at a time; where the server dies, another one goes on a little later.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from faceserver.runtime.database import Transaction
from faceserver.runtime.postgres import Postgres
from faceserver.runtime.postgres_listening import Listener
from faceserver.runtime.postgres_rows import PostgresRows, RowsTransaction
from faceserver.store.codec import time_text
from faceserver.store.lifetime import Lifetime
from faceserver.store.postgres.lives import SharedLifetime
from faceserver.webhooks.records import Due, State
from faceserver.webhooks.table import WebhookTable

LEASE = timedelta(minutes=5)
"""So long a webhook waits for a server that has died; sending takes a fraction of it."""

_CLAIM = """
    UPDATE hooks SET lease = ? WHERE id IN (
        SELECT h.id FROM hooks h
        WHERE (h.lease IS NULL OR h.lease <= ?) AND EXISTS (
            SELECT 1 FROM deliveries d WHERE d.hook = h.id AND d.state = 'waiting' AND d.next <= ?
        )
        ORDER BY (
            SELECT min(d.id) FROM deliveries d
            WHERE d.hook = h.id AND d.state = 'waiting' AND d.next <= ?
        )
        LIMIT ? FOR UPDATE SKIP LOCKED
    ) RETURNING id
"""
_DUE = """
    SELECT DISTINCT ON (d.hook) d.id, d.uuid, h.url, h.secret, d.body, d.attempts
    FROM deliveries d JOIN hooks h ON h.id = d.hook
    WHERE d.hook = ANY(?) AND d.state = 'waiting' AND d.next <= ? ORDER BY d.hook, d.id
"""
_NEXT_DUE = """
    SELECT min(greatest(d.next, h.lease)) FROM deliveries d JOIN hooks h ON h.id = d.hook
    WHERE d.state = 'waiting'
"""
_LET_GO = "UPDATE hooks SET lease = NULL WHERE id = (SELECT hook FROM deliveries WHERE id = ?)"


class SharedWebhookTable(WebhookTable):
    """All webhooks of all servers. Safe to call from several threads at once."""

    is_shared = True
    longest_rest = 30.0

    def __init__(self, database: Postgres) -> None:
        """Take the database, which has the schema of this version and which this object closes."""
        self._database: PostgresRows = PostgresRows(database)
        self._listener: Listener | None = None

    def listen(self, wake: Callable[[], None]) -> None:
        """Have a function called when a server has queued something."""
        self._listener = self._database.listener("deliveries", wake)

    def close(self) -> None:
        """Let go of the database; closing twice does nothing."""
        if self._listener is not None:
            self._listener.close()
        super().close()

    def due(self, now: datetime, *, limit: int) -> list[Due]:
        """Claim webhooks that no other server sends to; the oldest delivery of each that is due."""
        time = time_text(now)
        with self._database.transaction() as transaction:
            claimed = transaction.read(_CLAIM, time_text(now + LEASE), time, time, time, limit)
            rows = transaction.read(_DUE, [row[0] for row in claimed], time)
        return sorted((Due(*row) for row in rows), key=lambda due: due.row)

    def next_due(self) -> datetime | None:
        """When the next delivery is to be sent; None where none waits."""
        ((time,),) = self._database.read(_NEXT_DUE)
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
        """Note what became of an attempt, and leave the webhook to whoever comes next."""
        super().record(row, state, now=now, status=status, error=error, next_at=next_at)
        with self._database.transaction() as transaction:
            transaction.run(_LET_GO, row)

    def _check_lives(self, transaction: Transaction | RowsTransaction, lifetime: Lifetime) -> None:
        """Pass while a collection lives; no server deletes it before the transaction has ended."""
        lifetime.check()
        if isinstance(lifetime, SharedLifetime) and not transaction.read(
            "SELECT 1 FROM collections WHERE id = ? AND life = ? FOR SHARE",
            lifetime.collection,
            lifetime.life,
        ):
            lifetime.end()
            lifetime.check()

    def faults(self) -> list[str]:
        """Nothing: PostgreSQL looks after its own files."""
        return []
