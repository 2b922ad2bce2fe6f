"""Where the requests of each caller are counted: in this process, or where servers share it.

The library's own memory storage starts a thread for nearly every request, to forget what is old;
here that is done by the way, once a window.
"""

from threading import Lock
from time import time

from limits.storage import Storage

from faceserver.access.base import Counts
from faceserver.errors import StoreError


class WindowCounts(Storage):
    """Counts by key, each until its window ends."""

    STORAGE_SCHEME = ["counts"]  # noqa: RUF012 - the library declares it so

    def __init__(
        self, uri: str | None = None, wrap_exceptions: bool = False, **options: str
    ) -> None:
        """Start empty; the arguments are the library's."""
        super().__init__(uri, wrap_exceptions=wrap_exceptions, **options)
        self._windows: dict[str, tuple[int, float]] = {}
        self._swept = 0.0
        self._lock = Lock()

    @property
    def base_exceptions(self) -> type[Exception]:
        """What can go wrong with the storage: nothing."""
        return ValueError

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Count more; a window of ``expiry`` seconds begins where none is open. Returns the sum."""
        now = time()
        with self._lock:
            if now - self._swept >= expiry:
                self._swept = now
                self._windows = {name: one for name, one in self._windows.items() if one[1] > now}
            count, end = self._open(key, now) or (0, now + expiry)
            self._windows[key] = (count + amount, end)
            return count + amount

    def get(self, key: str) -> int:
        """How many there are in the open window."""
        window = self._open(key, time())
        return window[0] if window else 0

    def get_expiry(self, key: str) -> float:
        """When the open window ends, in seconds since 1970; now, if there is none."""
        now = time()
        window = self._open(key, now)
        return window[1] if window else now

    def check(self) -> bool:
        """Whether the storage works: it does."""
        return True

    def reset(self) -> int:
        """Forget all; return how many keys there were."""
        with self._lock:
            forgotten = len(self._windows)
            self._windows.clear()
            return forgotten

    def clear(self, key: str) -> None:
        """Forget a key."""
        self._windows.pop(key, None)

    def _open(self, key: str, now: float) -> tuple[int, float] | None:
        window = self._windows.get(key)
        return window if window and window[1] > now else None


class SharedWindowCounts(Storage):
    """The same, kept where all servers count together."""

    STORAGE_SCHEME = ["shared-counts"]  # noqa: RUF012 - the library declares it so

    def __init__(
        self,
        uri: str | None = None,
        wrap_exceptions: bool = False,
        *,
        counts: Counts,
        **options: str,
    ) -> None:
        """Take where they are kept; the other arguments are the library's."""
        super().__init__(uri, wrap_exceptions=wrap_exceptions, **options)
        self._counts = counts

    @property
    def base_exceptions(self) -> type[Exception]:
        """What can go wrong with the storage."""
        return StoreError

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Count more; a window of ``expiry`` seconds begins where none is open. Returns the sum."""
        return self._counts.add(key, expiry, amount)

    def get(self, key: str) -> int:
        """How many there are in the open window."""
        window = self._counts.window(key)
        return window[0] if window else 0

    def get_expiry(self, key: str) -> float:
        """When the open window ends, in seconds since 1970; now, if there is none."""
        window = self._counts.window(key)
        return time() + (window[1] if window else 0.0)

    def check(self) -> bool:
        """Whether the storage works, as far as anybody knows."""
        return True

    def reset(self) -> int | None:
        """Forget all."""
        self._counts.forget(None)
        return None

    def clear(self, key: str) -> None:
        """Forget a key."""
        self._counts.forget(key)
