"""The store that loses nothing: SQLite holds the faces, an index for each collection finds them.

A face is acknowledged once SQLite has committed it. The indexes are caches; see
:mod:`faceserver.store.index.upkeep`. A picture is on the disk before a face that shows it, and goes
after the last one; which pictures are to go is committed together with the deletion, so that a
crash in between is made up for at the next start.
"""

import logging
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from threading import Event, RLock

from faceserver.errors import Conflict, NotFound, StoreError
from faceserver.layout import INDEX
from faceserver.runtime.database import Database
from faceserver.store.base import DEFAULT, Receipt, StoreStatus
from faceserver.store.index.hnsw import HnswIndex
from faceserver.store.index.upkeep import IndexKeeper
from faceserver.store.lifetime import Lifetime
from faceserver.store.names import check_collection_name
from faceserver.store.options import Options
from faceserver.store.pictures import PictureFolder, PictureStore
from faceserver.store.results import NO_LOSS, Loss
from faceserver.store.sqlite.change import DurableChange
from faceserver.store.sqlite.changetable import ChangeTable
from faceserver.store.sqlite.collection import DurableCollection
from faceserver.store.sqlite.collectiontable import CollectionRow, CollectionTable
from faceserver.store.sqlite.exemplartable import ExemplarTable, any_expired, forget_expired
from faceserver.store.sqlite.facetable import FaceTable
from faceserver.store.sqlite.leftovers import (
    purge_all_aside,
    purge_collection_aside,
)
from faceserver.store.sqlite.mergetable import MergeTable
from faceserver.store.sqlite.subjecttable import SubjectTable
from faceserver.store.sweeping import Sweeper

_log = logging.getLogger(__name__)

_CLOSED = "the store is closed"


class DurableStore:
    """A data folder; see :class:`faceserver.store.base.Store`. Made by :func:`.opening.open_store`.

    Attributes:
        pictures: where the faces' pictures are kept.
        sweeper: removes what crashes leave; whoever opens the store starts it.
        release: lets go of what the store holds.
        options: how it behaves.
    """

    def __init__(
        self, folder: Path, database: Database, options: Options, *, loss: Loss = NO_LOSS
    ) -> None:
        """Open every collection that the database has; ``loss`` is what the disk has lost."""
        self._loss = loss
        self.release = ExitStack()
        self._folder = folder
        self._database = database
        self.options = options
        self._writing = RLock()
        self._closed = False
        self._closing = Event()
        self._background = ThreadPoolExecutor(1, thread_name_prefix="index-keeper")
        self._table = CollectionTable(database)
        place = options.place or PictureFolder(folder)
        place.prepare()
        self.pictures = PictureStore(place, keep=options.keep, in_use=self._table.shows)
        self.sweeper = Sweeper(
            folder, self.pictures, closing=self._closing, more=self._forget_expired
        )
        self._discard_doomed()
        self._forget_expired()
        rows = self._table.all()
        _remove_strangers(folder / INDEX, {str(row.id) for row in rows})
        self._collections = {row.name: self._opened(row) for row in rows}

    def collection(self, name: str = DEFAULT) -> DurableCollection:
        """Return a collection."""
        try:
            return self._collections[name]
        except KeyError as error:
            raise NotFound(f"there is no collection {name!r}") from error

    def collections(self) -> list[str]:
        """The names of all collections, in alphabetical order."""
        return sorted(self._collections)

    def create(self, name: str, *, model: str, dims: int) -> DurableCollection:
        """Make a collection for the embeddings of one model."""
        check_collection_name(name)
        with self._changing():
            made = self._opened(self._table.insert(name, model=model, dims=dims))
            self._collections = {**self._collections, name: made}
        return made

    def purge(self, name: str | None = None) -> Receipt:
        """Remove a collection, or all, so that nothing is left on the disk."""
        with self._writing:
            if self._closed:
                raise StoreError(_CLOSED)
            chosen = [self.collection(part) for part in ([name] if name else self.collections())]
            for part in chosen:
                part.lifetime.end()  # who began before stores nothing from now on
            aside, unknown = self._purge_aside(None if name is None else chosen[0].row)
            faces = subjects = index_files = 0
            for part in chosen:
                emptied = self._table.empty(part.row.id, drop=part.name != DEFAULT)
                faces, subjects = faces + emptied[0], subjects + emptied[1]
                index_files += part.index.clear()
            gone = tuple(part.name for part in chosen if part.name != DEFAULT)
            self._collections = {
                kept: self._opened(part.row) if part in chosen else part
                for kept, part in self._collections.items()
                if kept not in gone
            }
            self.pictures.release_ended()
            pictures = self._discard_doomed() + self.pictures.discard(self.pictures.names())
            self._database.scrub()
        return Receipt(
            collections=gone,
            faces=faces,
            subjects=subjects,
            pictures=pictures,
            index_files=index_files,
            at=datetime.now(UTC),
            aside=aside,
            unknown=unknown,
            beyond=tuple(self.pictures.remains()),
        )

    def change_model(self, name: str, *, model: str, dims: int) -> DurableChange:
        """Begin to change a collection's model, or go on with it after an interruption."""
        with self._changing():
            collection = self.collection(name)
            if (collection.model, collection.dims) == (model, dims):
                raise Conflict(f"the collection {name!r} already uses the model {model}")
            table = ChangeTable(self._database, collection.row)
            table.begin(model=model, dims=dims)
        changed = replace(collection.row, model=model, dims=dims)
        return DurableChange(
            collection,
            table,
            model=model,
            dims=dims,
            exact_up_to=self.options.exact_up_to,
            changing=self._changing,
            closing=self._closing,
            reopen=partial(self._reopen, changed, collection.lifetime),
        )

    def abandon_change(self, name: str) -> None:
        """Drop what there is of a change of a collection's model."""
        with self._changing():
            ChangeTable(self._database, self.collection(name).row).abandon()

    def status(self) -> StoreStatus:
        """Figures for ``/health``."""
        parts = tuple(self._collections[name].status() for name in self.collections())
        return StoreStatus(
            faces=sum(part.faces for part in parts),
            indexed=sum(part.indexed for part in parts),
            collections=parts,
            loss=self._loss,
        )

    def close(self) -> None:
        """Save the indexes and let go of the files; closing twice does nothing."""
        with self._writing:
            if self._closed:
                return
            self._closed = True
        with self.release:
            self.stop()
            with self._writing:
                for part in self._collections.values():
                    part.index.close()

    def stop(self) -> None:
        """Bring the background to its end; what it has begun and not finished is done anew."""
        self._closing.set()
        self._background.shutdown(wait=True, cancel_futures=True)
        self.sweeper.stop()

    def _purge_aside(self, row: CollectionRow | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Purge what was set aside of one collection, or all of it; see :mod:`.aside`."""
        if row is None:
            return purge_all_aside(self._folder), ()
        return purge_collection_aside(self._folder, row.id, row.name)

    def _reopen(
        self, row: CollectionRow, lifetime: Lifetime, graph: HnswIndex | None
    ) -> DurableCollection:
        opened = self._opened(row, graph, lifetime)
        self._collections = {**self._collections, row.name: opened}
        return opened

    def _opened(
        self, row: CollectionRow, graph: HnswIndex | None = None, lifetime: Lifetime | None = None
    ) -> DurableCollection:
        faces = FaceTable(self._database, collection=row.id, dims=row.dims)
        index = IndexKeeper(
            row,
            faces,
            self._folder / INDEX / str(row.id),
            exact_up_to=self.options.exact_up_to,
            writing=self._writing,
            background=self._background,
            closing=self._closing,
            ready=graph,
        )
        return DurableCollection(
            row,
            faces,
            SubjectTable(self._database, collection=row.id),
            index,
            ChangeTable(self._database, row),
            exemplars=ExemplarTable(self._database, collection=row.id, dims=row.dims),
            merges=MergeTable(self._database, collection=row.id, undo_for=self.options.undo_for),
            changing=self._changing,
            empty=partial(self._table.empty, row.id),
            lifetime=lifetime or Lifetime(),
        )

    @contextmanager
    def _changing(self) -> Iterator[None]:
        with self._writing:
            if self._closed:
                raise StoreError(_CLOSED)
            yield
            try:
                self._discard_doomed()
            except StoreError as error:  # the change itself is done; the next one tries again
                _log.warning("pictures that nobody is in could not be removed: %s", error)

    def _forget_expired(self) -> None:
        now = datetime.now(UTC)
        if any_expired(self._database, now):
            with self._writing, self._database.transaction() as transaction:
                forget_expired(transaction, now)

    def _discard_doomed(self) -> int:
        doomed = self._table.doomed_pictures()
        if not doomed:
            return 0
        removed = self.pictures.discard(doomed)
        # What somebody is just saving again may need to go after all.
        self._table.forget_doomed([name for name in doomed if not self.pictures.is_pinned(name)])
        return removed


def _remove_strangers(folder: Path, known: set[str]) -> None:
    """Remove indexes of no collection: of an earlier version, or of one whose purge was cut off."""
    try:
        for path in folder.glob("*"):
            if path.name in known:
                continue
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
    except OSError as error:  # an index is a cache: no reason not to start
        _log.warning("an index of no collection stays in %s: %s", folder, error.strerror)
