"""The store that several servers share: rows, vectors and indexes in one PostgreSQL database.

A face is acknowledged once PostgreSQL has committed it, and from then on every server finds it: no
server keeps anything but connections. What a collection is, is asked of the database each time.
"""

import logging
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from threading import Event, Lock

from faceserver.errors import (
    AlreadyExists,
    Conflict,
    NotFound,
    StoreError,
    StoreMismatch,
)
from faceserver.runtime.postgres import (
    CONNECTIONS,
    Postgres,
    Taken,
    Transaction,
)
from faceserver.runtime.postgres_replica import Replicated
from faceserver.store.base import DEFAULT, Receipt, StoreStatus
from faceserver.store.names import check_collection_name
from faceserver.store.options import Options
from faceserver.store.pictures import PictureFolder, Pictures
from faceserver.store.postgres import changetable, tables
from faceserver.store.postgres.change import PostgresChange
from faceserver.store.postgres.collection import PostgresCollection
from faceserver.store.postgres.lives import SharedLifetime
from faceserver.store.postgres.maintenance import (
    INDEX_EVERY,
    SWEEP_EVERY,
    Background,
    Indexer,
    SharedSweeper,
)
from faceserver.store.postgres.pictures import SharedPictures
from faceserver.store.postgres.schema import check_schema
from faceserver.store.postgres.tables import CollectionRow

_log = logging.getLogger(__name__)

BEYOND_PURGE = (
    "the database's write-ahead log and its archive",
    "replicas of the database, until they have followed",
    "backups of the database, and of the pictures",
)
"""What a purge cannot reach, wherever the pictures are."""


def open_store(
    url: str,
    folder: Path,
    *,
    model: str,
    dims: int,
    options: Options | None = None,
    connections: int = CONNECTIONS,
    replica: str = "",
) -> "PostgresStore":
    """Open a gallery in a database that :func:`.schema.upgrade` has prepared.

    Args:
        url: of the database.
        folder: where the pictures are, unless the options name a place; all servers share it.
        model: whose embeddings the default collection holds.
        dims: their length.
        options: how it behaves.
        connections: at most so many to the database.
        replica: address of a replica that may answer what only reads, or empty.

    Raises:
        StoreUnavailable: the database cannot be reached.
        StoreTooNew: it was written by a later version.
        StoreOutdated: it has not been upgraded.
        StoreMismatch: the default collection holds faces of another model.
        StoreError: PostgreSQL or the system refused.
    """
    with ExitStack() as held:
        database = (
            Replicated(url, replica, connections=connections)
            if replica
            else Postgres(url, connections=connections)
        )
        held.callback(database.close)
        check_schema(database)
        options = options or Options()
        store = PostgresStore(database, _place(folder, options), options)
        held.callback(store.stop)
        if DEFAULT not in store.collections():
            try:
                store.create(DEFAULT, model=model, dims=dims)
            except AlreadyExists:
                _log.debug("another server has just made the default collection")
        if not store.options.any_model:
            _check_default(store, model=model, dims=dims)
        store.release = held.pop_all()
        return store


class PostgresStore:
    """A shared gallery; see :class:`faceserver.store.base.Store`. Made by :func:`open_store`.

    Attributes:
        database: where it is; what else servers share may be kept beside it.
        pictures: where the faces' pictures are kept.
        sweeper: removes what crashes leave; whoever opens the store starts it.
        indexer: makes the indexes.
        options: how it behaves.
        release: lets go of what the store holds.
    """

    def __init__(self, database: Postgres, pictures: Pictures, options: Options) -> None:
        """Take the database, which has the schema of this version, and the place of pictures."""
        self.database = database
        self.options = options
        self.release = ExitStack()
        self.pictures = SharedPictures(database, pictures, keep=options.keep)
        self._closing = Event()
        self._lock = Lock()
        self._known: dict[tuple[int, int, int], PostgresCollection] = {}
        sweeping = SharedSweeper(database, self.pictures, closing=self._closing)
        self.sweep = sweeping.sweep
        self.indexer = Indexer(database, exact_up_to=options.exact_up_to)
        self.sweeper = Background("sweeper", self.sweep, SWEEP_EVERY, closing=self._closing)
        self._indexing = Background(
            "indexer", self.indexer.look, INDEX_EVERY, closing=self._closing
        )
        self._indexing.start()

    def collection(self, name: str = DEFAULT) -> PostgresCollection:
        """Return a collection."""
        row = self.database.read(lambda transaction: tables.row_named(transaction, name))
        if row is None:
            raise NotFound(f"there is no collection {name!r}")
        return self._opened(row)

    def collections(self) -> list[str]:
        """The names of all collections, in alphabetical order."""
        return [row.name for row in self.database.read(tables.all_rows)]

    def create(self, name: str, *, model: str, dims: int) -> PostgresCollection:
        """Make a collection for the embeddings of one model."""
        check_collection_name(name)

        def create(transaction: Transaction) -> CollectionRow:
            if tables.row_named(transaction, name) is not None:
                raise AlreadyExists(f"the collection {name!r} already exists")
            row = tables.make_collection(transaction, name, model=model, dims=dims)
            self._index_at_once(transaction, row)
            return row

        try:
            return self._opened(self.database.write(create))
        except Taken as error:
            raise AlreadyExists(f"the collection {name!r} already exists") from error

    def purge(self, name: str | None = None) -> Receipt:
        """Remove a collection, or all, so that nothing is left in the tables' files."""
        chosen = [self.collection(part) for part in ([name] if name else self.collections())]
        faces = subjects = 0
        for part in chosen:
            emptied = self.database.write(partial(self._purge, part))
            faces, subjects = faces + emptied[0], subjects + emptied[1]
            part.lifetime.end()
            self.pictures.release(part.row.id)
        pictures = self.pictures.discard_doomed() + self.pictures.discard(self.pictures.names())
        return Receipt(
            collections=tuple(part.name for part in chosen if part.name != DEFAULT),
            faces=faces,
            subjects=subjects,
            pictures=pictures,
            index_files=0,
            at=datetime.now(UTC),
            beyond=(*BEYOND_PURGE, *self.pictures.remains()),
        )

    def change_model(self, name: str, *, model: str, dims: int) -> PostgresChange:
        """Begin to change a collection's model, or go on with it after an interruption."""
        collection = self.collection(name)
        if (collection.model, collection.dims) == (model, dims):
            raise Conflict(f"the collection {name!r} already uses the model {model}")

        def begin(transaction: Transaction) -> int:
            collection.tables.change(transaction)
            return changetable.begin(transaction, collection.tables, model=model, dims=dims)

        return PostgresChange(
            self.database,
            collection,
            self.database.write(begin),
            model=model,
            dims=dims,
            prepare=lambda space, length: self.indexer.prepare(space, length, collection.count()),
            reopen=partial(self.collection, name),
        )

    def abandon_change(self, name: str) -> None:
        """Drop what there is of a change of a collection's model."""
        collection = self.collection(name)

        def abandon(transaction: Transaction) -> None:
            collection.tables.change(transaction)
            changetable.abandon(transaction, collection.tables)

        self.database.write(abandon)

    def status(self) -> StoreStatus:
        """Figures for ``/health``."""
        parts = tuple(self._opened(row).status() for row in self.database.read(tables.all_rows))
        return StoreStatus(
            faces=sum(part.faces for part in parts),
            indexed=sum(part.indexed for part in parts),
            collections=parts,
        )

    def close(self) -> None:
        """Let go of the database; closing twice does nothing."""
        self.release.close()

    def stop(self) -> None:
        """Bring the background to its end."""
        self._closing.set()
        self.sweeper.stop()
        self._indexing.stop()

    def _opened(self, row: CollectionRow) -> PostgresCollection:
        """The same object for a collection as long as it is the same."""
        key = (row.id, row.life, row.space)
        with self._lock:
            if key not in self._known:
                others = [known for known in self._known if known[0] == row.id]
                lives = [
                    self._known.pop(known).lifetime for known in others if known[1] == row.life
                ]
                self._known[key] = PostgresCollection(
                    self.database,
                    row,
                    lives[0] if lives else SharedLifetime(row.id, row.life),
                    exact_up_to=self.options.exact_up_to,
                    undo_for=self.options.undo_for,
                    seen_to=self._discard_doomed,
                )
            return self._known[key]

    def _index_at_once(self, transaction: Transaction, row: CollectionRow) -> None:
        """Where not even few faces are compared one by one, the index is there from the start."""
        statement = tables.index_statement(row.space, row.dims, beside_others=False)
        if statement is not None and self.options.exact_up_to < 1:
            transaction.run(statement)

    def _purge(self, part: PostgresCollection, transaction: Transaction) -> tuple[int, int]:
        """Drop all of a collection; the default one gets new tables. Its pictures are doomed."""
        part.tables.alone(transaction)
        tables.lock_row(transaction, part.row.id)
        changetable.abandon(transaction, part.tables)
        emptied = tables.empty(transaction, part.tables)
        if part.name == DEFAULT:
            space = tables.renew(transaction, part.row)
            self._index_at_once(transaction, space)
        return emptied

    def _discard_doomed(self) -> None:
        try:
            self.pictures.discard_doomed()
        except StoreError as error:  # the change itself is done; the next one tries again
            _log.warning("pictures that nobody is in could not be removed: %s", error)


def _place(folder: Path, options: Options) -> Pictures:
    """Where the pictures are, made ready."""
    if options.place is not None:
        options.place.prepare()
        return options.place
    pictures = PictureFolder(folder)
    pictures.prepare_shared()
    return pictures


def _check_default(store: PostgresStore, *, model: str, dims: int) -> None:
    held = store.collection()
    if (held.model, held.dims) != (model, dims):
        raise StoreMismatch(
            f"the database holds faces of the model {held.model} ({held.dims} numbers), not of "
            f"{model} ({dims}): go back to that model, choose another database with "
            "FACESERVER_STORE, or change the gallery to the new model: "
            "`faceserver change-model` does it at once, FACESERVER_CHANGE_MODEL=true while the "
            "server runs"
        )
