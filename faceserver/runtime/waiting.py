"""Waiting for other servers without holding what other requests need.

A worker that waits for the network computes nothing, so another one takes its place meanwhile; and
since an answer that never comes costs whoever asks for it nothing, there is a limit on how many are
waited for.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from threading import Lock

from faceserver.errors import Busy

replaced: ContextVar[Callable[[], AbstractContextManager[None]]] = ContextVar(
    "replaced", default=nullcontext
)
"""Makes what a worker's thread stands in for it while it waits; of no effect in other threads."""


class Outside:
    """How many URLs are waited for at the same time, by all requests. Safe for several threads."""

    def __init__(self, most: int) -> None:
        """Set the limit."""
        self._free = most
        self._lock = Lock()

    @contextmanager
    def waiting(self, wanted: int = 1) -> Iterator[int]:
        """Wait outside, in the block, for so many at a time as are lent to it.

        Args:
            wanted: how many at a time would be of use; several take at most half of what is free.

        Raises:
            Busy: none is free.
        """
        lent = self._take(wanted)
        try:
            with replaced.get()():
                yield lent
        finally:
            with self._lock:
                self._free += lent

    def _take(self, wanted: int) -> int:
        with self._lock:
            if self._free < 1:
                raise Busy("too many URLs are being fetched: try again a little later")
            lent = min(wanted, max(1, self._free // 2))
            self._free -= lent
            return lent
