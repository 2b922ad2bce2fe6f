"""Sends what is due, in a thread of its own; what is not taken is sent again, later and later."""

import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from faceserver.errors import FaceServerError, StoreError
from faceserver.runtime.turns import Turns
from faceserver.webhooks.records import Due, State
from faceserver.webhooks.signing import headers_of
from faceserver.webhooks.table import WebhookTable

_log = logging.getLogger(__name__)

Post = Callable[[str, bytes, Mapping[str, str]], int]
"""Sends a body to a URL with headers; returns the status, or raises FetchError."""

PAUSES = (
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(hours=1),
    timedelta(hours=6),
    timedelta(hours=24),
)
"""Between one attempt and the next; after the last one it is given up."""

KEPT_FOR = timedelta(days=7)
"""So long a delivery is remembered."""

_AT_ONCE = 4
_AFTER_FAULT = 60.0
_GONE = 410


class Sender:
    """The thread; it holds no state that is not in the table.

    Attributes:
        wake: to be called when there is something to send.
        stop: begins nothing more, and does not wait for what is under way.
    """

    def __init__(
        self,
        table: WebhookTable,
        post: Post,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Take what is to be sent and how; :meth:`start` begins."""
        self._table = table
        self._post = post
        self._now = now
        self._pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="webhook")
        self._turns = Turns("webhooks", self._work)
        self.wake = self._turns.wake
        self.stop = self._turns.stop

    def start(self) -> None:
        """Begin to work."""
        self._table.listen(self.wake)
        self._turns.start()

    def close(self) -> None:
        """Stop, and wait for what is under way."""
        self._turns.close()
        self._pool.shutdown()

    def turn(self) -> int:
        """Send what is due, to each receiver one event at a time; return how much was sent.

        Raises:
            StoreError: the table cannot be used.
        """
        self._table.forget_before(self._now() - KEPT_FOR)
        due = self._table.due(self._now(), limit=_AT_ONCE)
        list(self._pool.map(self._send, due))
        return len(due)

    def _work(self) -> float:
        """Send what is due; return how long to rest."""
        try:
            return 0 if self.turn() else self._rest()
        except StoreError as error:  # the disk may be full: later there may be room
            _log.warning("webhooks cannot be sent: %s", error)
            return _AFTER_FAULT

    def _rest(self) -> float:
        """Seconds until something is due."""
        time = self._table.next_due()
        if time is None:
            return self._table.longest_rest
        return min(max((time - self._now()).total_seconds(), 0.01), self._table.longest_rest)

    def _send(self, due: Due) -> None:
        status, error, body = None, None, due.body.encode()
        try:
            status = self._post(due.url, body, headers_of(due.secret, due.id, body, self._now()))
        except FaceServerError as fault:
            error = f"{fault} ({fault.code})"
        now, next_at = self._now(), None
        state: State = "delivered"
        if status is None or not 200 <= status < 300:
            error = error or f"The receiver answered with status {status}."
            is_last = status == _GONE or due.attempts >= len(PAUSES)
            state = "failed" if is_last else "waiting"
            next_at = None if is_last else now + PAUSES[due.attempts]
        self._table.record(due.row, state, now=now, status=status, error=error, next_at=next_at)
