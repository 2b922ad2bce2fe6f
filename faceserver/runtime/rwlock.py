"""A lock that many may share, or one may have alone."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition


class SharedLock:
    """Readers share it, a writer has it alone, and they take turns.

    A writer goes before readers that come after it; when it is done, the readers that have waited
    go before the next writer. So neither can keep the other out for longer than one turn.
    """

    def __init__(self) -> None:
        """Start free."""
        self._changed = Condition()
        self._readers = 0
        self._readers_waiting = 0
        self._readers_due = 0
        self._writers_waiting = 0
        self._writing = False

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Hold it together with other readers while the block runs."""
        with self._changed:
            if self._writing or self._writers_waiting:
                self._wait_to_read()
            self._readers += 1
        try:
            yield
        finally:
            with self._changed:
                self._readers -= 1
                self._changed.notify_all()

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Hold it alone while the block runs."""
        with self._changed:
            self._writers_waiting += 1
            try:
                self._changed.wait_for(
                    lambda: not (self._writing or self._readers or self._readers_due)
                )
                self._writing = True
            finally:
                self._writers_waiting -= 1
        try:
            yield
        finally:
            with self._changed:
                self._writing = False
                self._readers_due = self._readers_waiting
                self._changed.notify_all()

    def _wait_to_read(self) -> None:
        self._readers_waiting += 1
        try:
            self._changed.wait_for(
                lambda: not self._writing and (self._readers_due or not self._writers_waiting)
            )
        finally:
            self._readers_waiting -= 1
            self._readers_due = max(0, self._readers_due - 1)
