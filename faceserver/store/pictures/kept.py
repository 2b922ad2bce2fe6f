"""The pictures of a gallery: kept as long as a face shows them."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from threading import Lock
from typing import Literal

from faceserver.store.pictures.base import Pictures, picture_name

Keep = Literal["originals", "crops", "nothing"]
"""What is kept of a picture: all of it, its aligned faces alone, or nothing."""

_AT_ONCE = 64
"""So many are deleted while nobody else may save one."""


def _always(_: str) -> bool:
    return True


class PictureStore:
    """Keeps pictures somewhere, the same picture once.

    Safe to call from several threads at once; the pictures belong to this process alone.

    Attributes:
        keep: what is to be kept; whoever registers a picture acts on it.
    """

    def __init__(
        self,
        pictures: Pictures,
        *,
        keep: Keep = "originals",
        in_use: Callable[[str], bool] = _always,
    ) -> None:
        """Take the place where they are.

        Args:
            pictures: where they are.
            keep: see the class.
            in_use: whether a stored face shows a picture, by its name.
        """
        self.keep = keep
        self._pictures = pictures
        self._in_use = in_use
        self._pinned: Counter[str] = Counter()
        self._lock = Lock()
        self.save = pictures.save
        self.open = pictures.open
        self.names = pictures.names
        self.place = pictures.place

    def read(self, name: str) -> bytes:
        """A picture's bytes.

        Raises:
            NotFound: there is none of that name.
            StoreError: it cannot be read.
        """
        with self.open(name) as stream:
            return stream.read()

    @contextmanager
    def batch(self) -> Iterator[Callable[[bytes], str]]:
        """Lend the block a function like ``save``, for pictures whose faces are added in it.

        Nobody removes these pictures before the block ends; those that no face shows by then, such
        as when storing the faces failed, are removed.
        """
        saved: list[str] = []

        def save(jpeg: bytes) -> str:
            name = picture_name(jpeg)
            with self._lock:
                self._pinned[name] += 1
            saved.append(name)
            return self.save(jpeg)

        try:
            yield save
        finally:
            with self._lock:
                self._pinned -= Counter(saved)
            self.discard(saved)

    def discard(self, names: Iterable[str]) -> int:
        """Remove those of the pictures that no face shows; return how many there were.

        Raises:
            StoreError: the system refused.
        """
        removed = 0
        rest = iter(names)
        while some := list(islice(rest, _AT_ONCE)):
            # Whoever saves one of them now pins it first, and so waits for the lock.
            with self._lock:
                removed += self._pictures.delete(
                    [name for name in some if name not in self._pinned and not self._in_use(name)]
                )
        return removed

    def is_pinned(self, name: str) -> bool:
        """Whether a batch is under way that has saved this picture."""
        with self._lock:
            return name in self._pinned
