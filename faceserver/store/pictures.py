"""The stored pictures: files that are named after their content."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import Literal

from faceserver.errors import NotFound
from faceserver.runtime.atomic_files import (
    TEMPORARY,
    file_errors,
    make_folder,
    sync,
    write_atomically,
)
from faceserver.runtime.rwlock import SharedLock
from faceserver.store.lifetime import Lifetime

Keep = Literal["originals", "crops", "nothing"]
"""What is kept of a picture: all of it, its aligned faces alone, or nothing."""

_NAME = re.compile(r"[0-9a-f]{64}\.jpg")


def _always(_: str) -> bool:
    return True


class PictureStore:
    """Keeps pictures in ``uploadImages`` under the data folder, the same picture once.

    Safe to call from several threads at once; the data folder belongs to this process alone.

    Attributes:
        keep: what is to be kept; whoever registers a picture acts on it.
    """

    def __init__(
        self,
        data_folder: Path,
        *,
        keep: Keep = "originals",
        in_use: Callable[[str], bool] = _always,
    ) -> None:
        """Make the folder where it is missing, and remove what a crash left half-written.

        Args:
            data_folder: where ``uploadImages`` lies.
            keep: see the class.
            in_use: whether a stored face shows a picture, by its file name.

        Raises:
            StoreError: the folder cannot be made.
        """
        self.keep = keep
        self._in_use = in_use
        self._pinned: Counter[str] = Counter()
        self._lock = Lock()
        self._saving = SharedLock()
        self._batches: list[_Batch] = []
        self._folder = data_folder / "uploadImages"
        make_folder(self._folder)
        with file_errors(self._folder):
            for leftover in self._folder.glob(f"*{TEMPORARY}"):
                leftover.unlink()

    @contextmanager
    def batch(self, lifetime: Lifetime | None = None) -> Iterator[Callable[[bytes], str]]:
        """Lend the block a function like :meth:`save`, for pictures whose faces are added in it.

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
            name = _name(jpeg)
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

    def save(self, jpeg: bytes) -> str:
        """Store a picture; on return it survives a crash.

        A picture that is there already is written again: that costs little, and mends a file that
        the disk has damaged.

        Returns:
            Its file name: the SHA-256 of its bytes in hexadecimal, and ``.jpg``.

        Raises:
            StoreFull: no space is left.
        """
        name = _name(jpeg)
        write_atomically(self._folder / name, jpeg)
        return name

    def discard(self, names: Iterable[str]) -> int:
        """Remove those of the pictures that no face shows; return how many files there were.

        Raises:
            StoreError: the system refused.
        """
        removed = 0
        with file_errors(self._folder):
            for name in names:
                with self._lock:
                    path = self._folder / name
                    if name in self._pinned or self._in_use(name) or not path.exists():
                        continue
                    path.unlink()
                    removed += 1
            if removed:
                sync(self._folder)
        return removed

    def is_pinned(self, name: str) -> bool:
        """Whether a batch is under way that has saved this picture."""
        with self._lock:
            return name in self._pinned

    def path(self, name: str) -> Path:
        """Where a picture lies.

        Raises:
            NotFound: there is none of that name; a name of any other form than :meth:`save`
                returns is not even looked for.
        """
        path = self._folder / name
        if not _NAME.fullmatch(name) or not path.is_file():
            raise NotFound(f"there is no picture {name!r}")
        return path

    def names(self) -> Iterator[str]:
        """The file names of all pictures, in no order."""
        return (path.name for path in self._folder.iterdir() if _NAME.fullmatch(path.name))


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


def _name(jpeg: bytes) -> str:
    return f"{sha256(jpeg).hexdigest()}.jpg"
