"""Pictures of a gallery that several servers share: kept as long as a face shows them."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from uuid import uuid4

from faceserver.runtime.postgres import Postgres, Transaction
from faceserver.store.lifetime import Lifetime
from faceserver.store.pictures import (
    Keep,
    Pictures,
    PictureStore,
    is_picture_name,
    is_thumbnail_name,
    picture_name,
)
from faceserver.store.postgres import pinning
from faceserver.store.postgres.lives import SharedLifetime

_AT_ONCE = 500


class SharedPictures(PictureStore):
    """Keeps pictures somewhere that all servers reach; the database says which are needed."""

    def __init__(self, database: Postgres, pictures: Pictures, *, keep: Keep) -> None:
        """Take the database, and the place where the pictures are."""
        super().__init__(pictures, keep=keep)
        self._database = database

    @contextmanager
    def batch(self, lifetime: Lifetime | None = None) -> Iterator[Callable[[bytes], str]]:
        """Lend the block a function like ``save``; see :meth:`.PictureStore.batch`."""
        batch = uuid4().hex
        saved: list[str] = []
        own = lifetime if isinstance(lifetime, SharedLifetime) else None

        def save(jpeg: bytes) -> str:
            if lifetime is not None:
                lifetime.check()
            name = picture_name(jpeg)
            saved.append(name)

            def pin(transaction: Transaction) -> None:
                if own is not None:
                    _check_lives(transaction, own)
                pinning.pin(transaction, name, batch, own.collection if own else None)
                self.save(jpeg)  # before the commit, so that who empties the collection waits

            self._database.write(pin)
            return name

        try:
            yield save
        finally:
            if saved:
                self._database.write(lambda transaction: pinning.unpin(transaction, batch))
                self.discard(saved)

    def release_ended(self) -> None:
        """Do nothing: :meth:`release` lets go of what was saved for one collection."""

    def release(self, collection: int) -> None:
        """Let go of what was saved for a collection that is deleted, so that it can be removed."""
        self._database.write(lambda transaction: pinning.unpin_collection(transaction, collection))

    def discard(self, names: Iterable[str]) -> int:
        """Remove those of the pictures that no face shows; return how many there were.

        Raises:
            StoreError: the place or the database refused.
        """
        removed = 0
        rest = iter(names)
        while some := list(islice(rest, _AT_ONCE)):
            unused = self._database.read(lambda transaction, s=some: pinning.unused(transaction, s))  # type: ignore[misc]
            self._discard_thumbnails([name for name in unused if is_thumbnail_name(name)])
            removed += sum(map(self._discard, filter(is_picture_name, unused)))
        return removed

    def discard_doomed(self) -> int:
        """Remove the pictures that have lost their last face; return how many there were.

        Raises:
            StoreError: the place or the database refused.
        """
        removed, seen = 0, set[str]()
        while True:
            names = self._database.read(lambda transaction: pinning.doomed(transaction, _AT_ONCE))
            if not (new := set(names) - seen):
                return removed
            seen |= new
            thumbnails = sorted(filter(is_thumbnail_name, new))
            self.discard(thumbnails)
            self._database.write(lambda transaction, t=thumbnails: pinning.forget(transaction, t))  # type: ignore[misc]
            removed += sum(map(self._discard, sorted(filter(is_picture_name, new))))

    def is_pinned(self, name: str) -> bool:
        """Whether a batch is under way, on any server, that has saved this picture."""
        return self._database.read(lambda transaction: pinning.is_pinned(transaction, name))

    def _discard_thumbnails(self, names: list[str]) -> None:
        """Remove some that nobody needs: one that somebody writes just now is made again."""
        if names:
            self._pictures.delete(names)

    def _discard(self, name: str) -> int:
        def discard(transaction: Transaction) -> int:
            if not pinning.take(transaction, name):
                return 0
            return self._pictures.delete([name])

        return self._database.write(discard)


def _check_lives(transaction: Transaction, lifetime: SharedLifetime) -> None:
    """Pass while a collection lives; it does until the transaction ends."""
    if not transaction.read(
        "SELECT 1 FROM collections WHERE id = %s AND life = %s FOR SHARE",
        lifetime.collection,
        lifetime.life,
    ):
        lifetime.end()
    lifetime.check()
