"""What is done in the background, by one server at a time: indexes, pictures that nobody shows."""

import logging
from collections.abc import Callable
from threading import Event, Thread
from time import monotonic

from faceserver.errors import StoreError
from faceserver.runtime import metrics
from faceserver.runtime.postgres import Postgres, Transaction
from faceserver.store.pictures import PictureStore
from faceserver.store.postgres.exemplartable import forget_expired
from faceserver.store.postgres.recall import measure
from faceserver.store.postgres.tables import (
    CollectionRow,
    all_rows,
    index_of,
    index_statement,
    is_indexed,
    partition,
)

_log = logging.getLogger(__name__)

_INDEXING = 2
_SWEEPING = 3
"""Name what one server does for all, among the advisory locks."""

INDEX_EVERY = 10.0
"""Seconds from one look at what wants an index to the next."""

SWEEP_EVERY = 3600.0
"""Seconds from the end of a sweep to the next one."""

_GROWING = 1.02
"""A collection that has grown so much between two looks is being filled: its index waits."""

_PATIENCE = 1800.0
"""But no longer than so many seconds: searches compare all faces until it is there."""

_MEASURED_AGAIN = 2.0
"""When a collection has grown so much, how many candidates a search looks at is measured anew."""


class Indexer:
    """Makes the indexes of vectors, beside those who use them."""

    def __init__(self, database: Postgres, *, exact_up_to: int) -> None:
        """Take the database, and up to how many faces need no index."""
        self._database = database
        self._exact_up_to = exact_up_to
        self._sizes: dict[int, int] = {}
        self._waiting: dict[int, float] = {}

    def prepare(self, space: int, dims: int, faces: int) -> None:
        """Give vectors an index, if they are many enough.

        Raises:
            StoreError: PostgreSQL refused.
        """
        statement = index_statement(space, dims, beside_others=True)
        if statement is None or faces <= self._exact_up_to:
            return
        if self._database.read(lambda transaction: is_indexed(transaction, space)):
            return
        # What an interruption has left is there, and of no use.
        self._database.outside(f"DROP INDEX IF EXISTS {index_of(space)}")
        self._database.outside(statement)

    def look(self, *, at_once: bool = False) -> None:
        """Make the indexes that are missing, and measure those that nobody has measured.

        Args:
            at_once: do not wait for collections that are being filled.

        Raises:
            StoreError: PostgreSQL refused.
        """
        with self._database.led(_INDEXING) as leads:
            if not leads:
                return
            for row in self._database.read(all_rows):
                faces = self._database.read(lambda transaction, r=row: _count(transaction, r))  # type: ignore[misc]
                if at_once or not self._is_growing(row.space, faces):
                    self.prepare(row.space, row.dims, faces)
                    self._measure(row, faces)

    def _is_growing(self, space: int, faces: int) -> bool:
        """Whether a collection is being filled, and its index can wait."""
        grows = faces > _GROWING * self._sizes.get(space, 0)
        self._sizes[space] = faces
        if faces <= self._exact_up_to or not grows:
            self._waiting.pop(space, None)
            return grows
        now = monotonic()
        return now - self._waiting.setdefault(space, now) < _PATIENCE

    def _measure(self, row: CollectionRow, faces: int) -> None:
        """Choose how many candidates a search looks at."""
        ((measured, indexed),) = self._database.read(
            lambda transaction: transaction.read(
                "SELECT coalesce(measured, 0), to_regclass(%s) IS NOT NULL"
                " FROM spaces WHERE id = %s",
                index_of(row.space),
                row.space,
            )
        ) or ((0, False),)
        if not indexed or faces <= self._exact_up_to or faces < _MEASURED_AGAIN * measured:
            return
        found = measure(self._database, row)
        if found is None:
            return
        self._database.write(
            lambda transaction: transaction.run(
                "UPDATE spaces SET ef = %s, recall = %s, measured = %s WHERE id = %s",
                found.ef,
                found.recall,
                faces,
                row.space,
            )
        )
        _log.info("%s: recall %.4f with %d candidates", row.name, found.recall, found.ef)


class SharedSweeper:
    """Removes pictures that no face shows, of crashes of any server; one server does it for all."""

    def __init__(self, database: Postgres, pictures: PictureStore, *, closing: Event) -> None:
        """Take the database, the pictures, and what is set when a sweep is to come to its end."""
        self._database = database
        self._pictures = pictures
        self._closing = closing

    def sweep(self) -> int:
        """Remove what is left over or too old, never what any server's request has just saved.

        Returns:
            How many pictures that were.

        Raises:
            StoreError: the place of the pictures, or the database, refused.
        """
        with self._database.led(_SWEEPING) as leads:
            if not leads:
                return 0
            self._database.write(
                lambda transaction: transaction.run("DELETE FROM picture_pins WHERE until <= now()")
            )
            self._database.write(forget_expired)
            removed = 0
            for name in self._pictures.names():
                if self._closing.is_set():
                    break
                removed += self._pictures.discard([name])
        metrics.swept("picture", removed)
        if removed:
            _log.warning("removed %d pictures that no face shows, as crashes leave them", removed)
        return removed


class Background:
    """A thread that does something again and again until the store closes."""

    def __init__(
        self, name: str, work: Callable[[], object], every: float, *, closing: Event
    ) -> None:
        """Take the work and how many seconds lie between; nothing begins yet."""
        self._work = work
        self._every = every
        self._closing = closing
        self._thread = Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Wait for the end, once ``closing`` is set."""
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                self._work()
            except StoreError as error:  # the next round tries again
                _log.warning("%s: %s", self._thread.name, error)
            self._closing.wait(self._every)


def _count(transaction: Transaction, row: CollectionRow) -> int:
    try:
        name = partition("faces", row.id)
        return int(transaction.read(f"SELECT count(*) FROM {name}")[0][0])
    except StoreError:  # it has just been deleted
        return 0
