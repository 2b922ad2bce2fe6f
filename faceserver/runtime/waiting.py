"""Waiting for other servers without holding what other requests need.

A worker that waits for the network computes nothing, so another one takes its place meanwhile; and
since an answer that never comes costs whoever asks for it nothing, there is a limit on how many are
waited for.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from threading import Lock

from faceserver.errors import Busy

replaced: ContextVar[Callable[[], AbstractContextManager[None]]] = ContextVar(
    "replaced", default=nullcontext
)
"""Makes what a worker's thread stands in for it while it waits; of no effect in other threads."""

place: ContextVar[str] = ContextVar("place", default="")
"""Where the request comes from that this thread works on; empty if that cannot be told."""


class Outside:
    """How many URLs are waited for at the same time, by all requests. Safe for several threads."""

    def __init__(self, most: int) -> None:
        """Set the limit."""
        self._free = most
        self._share = max(1, most // 2)
        self._held: Counter[str] = Counter()
        self._lock = Lock()

    @contextmanager
    def waiting(self, wanted: int = 1) -> Iterator[int]:
        """Wait outside, in the block, for so many at a time as are lent to it.

        Args:
            wanted: how many at a time would be of use; several take at most half of what is free.

        Raises:
            Busy: none is free, or the place where the request comes from has half of all.
        """
        whose = place.get()
        lent = self._take(wanted, whose)
        try:
            with replaced.get()():
                yield lent
        finally:
            with self._lock:
                self._free += lent
                self._held[whose] -= lent
                self._held += Counter()  # drops who holds none

    def _take(self, wanted: int, whose: str) -> int:
        with self._lock:
            free = min(self._free, self._share - self._held[whose]) if whose else self._free
            if free < 1:
                raise Busy("too many URLs are being fetched: try again later")
            lent = min(wanted, max(1, free // 2))
            self._free -= lent
            self._held[whose] += lent
            return lent
