"""What crashes leave on the disk goes, at each start and from time to time.

That are pictures that no face shows, because the process died before the face was committed, and
files that were being written. Nothing of what is under way is touched.
"""

import logging
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from threading import Event, Thread

from faceserver.errors import StoreError
from faceserver.layout import BEFORE_RESTORE, DAMAGED, INDEX, PICTURES, TEMPORARY
from faceserver.runtime import metrics
from faceserver.runtime.atomic_files import file_errors
from faceserver.store.pictures import PictureStore

_log = logging.getLogger(__name__)

SWEEP_EVERY = 3600.0
"""Seconds from the end of a sweep to the next one."""

STALE_AFTER = 86_400.0
"""A file that was being written, and that nobody has written to for so many seconds, is left over:
an export or a backup of another process may take hours."""

_OWN = (
    PICTURES,
    f"{INDEX}/*",
    f"{DAMAGED}/*",
    f"{BEFORE_RESTORE}*",
    f"{BEFORE_RESTORE}*/{PICTURES}",
    f"{BEFORE_RESTORE}*/{INDEX}/*",
    f"{BEFORE_RESTORE}*/{DAMAGED}/*",
)
"""Where nobody but the holder of the data folder writes."""


@dataclass(frozen=True)
class Swept:
    """How many pictures and half-written files and folders a sweep has removed."""

    pictures: int
    temporaries: int


def remove_own_temporaries(folder: Path) -> int:
    """Remove all that a crash has left half-written; return how many there were.

    Args:
        folder: the data folder; this process alone holds it, and writes nothing yet.

    Raises:
        StoreError: the system refused.
    """
    return sum(
        map(_removed, [path for part in _OWN for path in folder.glob(f"{part}/*{TEMPORARY}")])
    )


class Sweeper:
    """Sweeps a data folder, beside those who work in it."""

    def __init__(
        self,
        folder: Path,
        pictures: PictureStore,
        *,
        closing: Event,
        more: Callable[[], None] = lambda: None,
        now: Callable[[], float] = time.time,
    ) -> None:
        """Take what is needed; nothing begins yet.

        Args:
            folder: the data folder.
            pictures: in it.
            closing: set when a sweep is to come to its end.
            more: what is to be done with each sweep.
            now: the time in seconds, as files have it.
        """
        self._folder = folder
        self._pictures = pictures
        self._closing = closing
        self._now = now
        self._more = more
        self._thread: Thread | None = None

    def start(self, wait: Callable[[float], bool] | None = None) -> None:
        """Sweep now and then at intervals, in the background.

        Args:
            wait: passes so many seconds, and says whether to end; by default it ends with the
                store.
        """
        self._thread = Thread(
            target=self._run, args=(wait or self._closing.wait,), name="sweeper", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Wait for the end, once ``closing`` is set."""
        if self._thread is not None:
            self._thread.join()

    def sweep(self) -> Swept:
        """Remove what is left over; never what a request under way has saved.

        Raises:
            StoreError: the system refused.
        """
        self._more()
        names = takewhile(lambda _: not self._closing.is_set(), self._pictures.names())
        pictures = self._pictures.discard(names)
        metrics.swept("picture", pictures)
        temporaries = sum(map(_removed, list(self._stale())))
        metrics.swept("temporary", temporaries)
        if pictures or temporaries:
            _log.warning(
                "removed what a crash had left: %d pictures that no face shows, "
                "%d files that were being written",
                pictures,
                temporaries,
            )
        return Swept(pictures, temporaries)

    def _run(self, wait: Callable[[float], bool]) -> None:
        while not self._closing.is_set():
            try:
                self.sweep()
            except StoreError as error:  # the next sweep tries again
                _log.warning("what a crash has left could not be removed: %s", error)
            if wait(SWEEP_EVERY):
                return

    def _stale(self) -> Iterator[Path]:
        before = self._now() - STALE_AFTER
        for path in _temporaries(self._folder, (*_OWN, ".")):
            with suppress(FileNotFoundError):  # it was complete just now
                if path.stat().st_mtime < before:
                    yield path


def _temporaries(folder: Path, parts: Iterable[str]) -> Iterator[Path]:
    return (path for part in parts for path in folder.glob(f"{part}/*{TEMPORARY}"))


def _removed(path: Path) -> int:
    with file_errors(path):
        try:
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
        except FileNotFoundError:
            return 0
    return 1
