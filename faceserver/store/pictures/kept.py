"""The pictures of a gallery, kept as long as a face shows them; thumbnails, as long as the face."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from threading import Lock
from typing import IO, Literal

from faceserver.runtime.rwlock import SharedLock
from faceserver.store.lifetime import Lifetime
from faceserver.store.pictures.base import (
    Pictures,
    is_picture_name,
    is_thumbnail_name,
    picture_name,
)
from faceserver.store.results import Link

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
            in_use: whether a stored face shows a picture, or is that of a thumbnail, by its name.
        """
        self.keep = keep
        self._pictures = pictures
        self._in_use = in_use
        self._pinned: Counter[str] = Counter()
        self._lock = Lock()
        self._saving = SharedLock()
        self._batches: list[_Batch] = []
        self.save = pictures.save
        self.put = pictures.put
        self.open = pictures.open
        self.names = pictures.names
        self.place = pictures.place
        self.remains = pictures.remains

    def read(self, name: str) -> bytes:
        """A picture's bytes.

        Raises:
            NotFound: there is none of that name.
            StoreError: it cannot be read.
        """
        with self.open(name) as stream:
            return stream.read()

    def link_or_stream(self, name: str) -> IO[bytes] | Link:
        """What a client gets a picture by: a link to it if the place has one, else a stream.

        Raises:
            NotFound: there is none of that name.
            StoreError: it cannot be read.
        """
        return self._pictures.link(name) or self.open(name)

    @contextmanager
    def batch(self, lifetime: Lifetime | None = None) -> Iterator[Callable[[bytes], str]]:
        """Lend the block a function like ``save``, for pictures whose faces are added in it.

        Nobody removes these pictures before the block ends; those that no face shows by then, such
        as when storing the faces failed, are removed.

        Args:
            lifetime: of the collection that the faces are added to. Once it is over, the function
                raises Conflict, and :meth:`release_ended` lets go of what it has saved.
        """
        batch = _Batch(lifetime or Lifetime())
        with self._lock:
            self._batches.append(batch)

        def save(jpeg: bytes) -> str:
            name = picture_name(jpeg)
            with self._saving.shared():
                batch.lifetime.check()
                with self._lock:
                    self._pinned[name] += 1
                    batch.saved.append(name)
                return self.save(jpeg)

        try:
            yield save
        finally:
            with self._lock:
                self._batches.remove(batch)
                self._release(batch)
            self.discard(batch.let_go)

    def release_ended(self) -> None:
        """Let go of what was saved for collections that are deleted, so that it can be removed.

        Waits for what is being written at this moment; nothing is saved for them afterwards.
        """
        with self._saving.exclusive(), self._lock:
            for batch in self._batches:
                if batch.lifetime.is_over:
                    self._release(batch)

    def _release(self, batch: "_Batch") -> None:
        self._pinned -= Counter(batch.saved)
        batch.let_go += batch.saved
        batch.saved.clear()

    def discard(self, names: Iterable[str]) -> int:
        """Remove those of the pictures that no face shows, and thumbnails without their face.

        Returns:
            How many pictures there were.

        Raises:
            StoreError: the system refused.
        """
        removed = 0
        rest = iter(names)
        while some := list(islice(rest, _AT_ONCE)):
            # Whoever saves one of them now pins it first, and so waits for the lock.
            with self._lock:
                gone = [
                    name for name in some if name not in self._pinned and not self._in_use(name)
                ]
                self._pictures.delete(filter(is_thumbnail_name, gone))
                removed += self._pictures.delete(filter(is_picture_name, gone))
        return removed

    def is_pinned(self, name: str) -> bool:
        """Whether a batch is under way that has saved this picture."""
        with self._lock:
            return name in self._pinned


@dataclass(eq=False)
class _Batch:
    """Pictures whose faces are about to be stored.

    Attributes:
        lifetime: of their collection.
        saved: those that nobody may remove.
        let_go: those that were let go.
    """

    lifetime: Lifetime
    saved: list[str] = field(default_factory=list)
    let_go: list[str] = field(default_factory=list)
