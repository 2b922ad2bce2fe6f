"""Which thread does what, so that nothing quick ever waits for something slow.

Three groups of threads: workers, whose line is bounded; a few that refuse requests and judge
headers; and a few for what must be answered however busy the server is.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

from waitress.task import ThreadedTaskDispatcher

from faceserver.errors import Busy

_DECIDERS = 2
_VITAL = 2
_SAFE_METHODS = frozenset({"GET", "HEAD"})


class Lanes:
    """Gives each request to a thread; what waitress calls a dispatcher."""

    def __init__(self, workers: int, *, max_waiting: int, vital: frozenset[str]) -> None:
        """Start the threads.

        Args:
            workers: requests that are served at the same time.
            max_waiting: requests that wait for a worker.
            vital: addresses that are answered without waiting.
        """
        self._workers = workers
        self._max_waiting = max_waiting
        self._vital_paths = vital
        self._replaced = 0
        self._closed = False
        self._lock = Lock()
        self._work: Any = _threads(workers)
        self._decide: Any = _threads(_DECIDERS)
        self._vital: Any = _threads(_VITAL)

    @property
    def waiting(self) -> int:
        """Requests that wait for a worker."""
        return len(self._work.queue)

    @property
    def busy(self) -> int:
        """Workers that serve a request."""
        return int(self._work.active_count)

    def add_task(self, channel: Any) -> None:
        """Have the first request of a connection served."""
        self._lane(channel, channel.requests[0]).add_task(channel)

    def shutdown(self, cancel_pending: bool = True, timeout: float = 5) -> bool:
        """Let the threads end; those that are busy for longer are left behind."""
        with self._lock:
            self._closed = True
        ended = [
            lane.shutdown(cancel_pending, timeout)
            for lane in (self._vital, self._decide, self._work)
        ]
        return all(ended)

    @contextmanager
    def replaced(self) -> Iterator[None]:
        """Let another worker take the place of the one that runs the block, which waits."""
        self._replace(1)
        try:
            yield
        finally:
            self._replace(-1)

    def _replace(self, change: int) -> None:
        with self._lock:
            self._replaced += change
            if not self._closed:
                self._work.set_thread_count(self._workers + self._replaced)

    def _lane(self, channel: Any, request: Any) -> Any:
        if request.is_decided:
            return self._decide
        if request.path in self._vital_paths and request.command in _SAFE_METHODS:
            return self._vital
        if self._is_full_for(channel):
            request.refusal = Busy("too many requests are waiting: try again later")
        return self._decide if request.refusal or request.has_body_to_come else self._work

    def _is_full_for(self, channel: Any) -> bool:
        """Whether the line is at its end, or one place fills half of it."""
        if self.waiting < self._max_waiting // 2:
            return False
        if self.waiting >= self._max_waiting:
            return True
        with self._work.lock:
            same = sum(other.place == channel.place for other in self._work.queue)
        return bool(channel.is_one_place and same >= self._max_waiting // 2)


def _threads(count: int) -> ThreadedTaskDispatcher:
    made = ThreadedTaskDispatcher()
    made.set_thread_count(count)
    return made
