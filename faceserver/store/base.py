"""What every store offers: collections of faces and of the people they show.

A :class:`Store` holds :class:`Collection` s; all that concerns faces and people is a method of a
collection, written down in :mod:`~faceserver.store.facebase` and
:mod:`~faceserver.store.subjectbase`, what is remembered beside in
:mod:`~faceserver.store.exemplars`. Every call is one transaction: it happens as a whole or, where
it raises, not at all; on return it survives a crash. Every object here is safe to call from several
threads at once.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol, Self

from faceserver.store.exemplars import Exemplar, ExemplarCollection, NearExemplar
from faceserver.store.facebase import FaceCollection, Look
from faceserver.store.lifetime import Lifetime
from faceserver.store.pictures import PictureStore
from faceserver.store.results import (
    DEFAULT,
    EVERYTHING,
    CollectionStatus,
    Item,
    Page,
    Receipt,
    StoreStatus,
)
from faceserver.store.subjectbase import SubjectCollection
from faceserver.types import Face, Filter, Floats

__all__ = [
    "DEFAULT",
    "EVERYTHING",
    "Background",
    "Collection",
    "CollectionStatus",
    "Exemplar",
    "ExemplarCollection",
    "FaceCollection",
    "Gallery",
    "Item",
    "Look",
    "ModelChange",
    "NearExemplar",
    "Page",
    "Receipt",
    "Store",
    "StoreStatus",
    "SubjectCollection",
]


class Collection(FaceCollection, SubjectCollection, ExemplarCollection, Protocol):
    """Faces of one embedding model, the people they show, and what is remembered beside them.

    Once the store has changed the collection to another model, this object is out of date: what
    reads or changes faces raises ModelChanged, and :meth:`Store.collection` gives the new one. So
    nobody finds embeddings of one model with a probe of another.

    Attributes:
        name: of the collection.
        model: whose embeddings it holds.
        dims: length of the embeddings.
        created: when it was made, in UTC.
        lifetime: ends when the collection is purged; this object refuses everything then.
    """

    name: str
    model: str
    dims: int
    created: datetime
    lifetime: Lifetime

    def for_reading(self) -> Self:
        """The same, for requests that only read.

        Where servers share a gallery, what others have written a moment ago may be missing; what
        was written through this store is there.
        """
        ...

    def one_at_a_time(self) -> AbstractContextManager[None]:
        """What is in the block no other thread does meanwhile, on no server that shares the store.

        Raises:
            StoreError: others took too long.
        """
        ...

    def count(self, only: Filter = EVERYTHING) -> int:
        """How many faces are stored that fit a filter."""
        ...

    def count_subjects(
        self, *, tags: Sequence[str] = (), called: str = "", hidden: bool | None = None
    ) -> int:
        """How many people are stored who fit; see :meth:`SubjectCollection.subjects`."""
        ...

    def status(self) -> CollectionStatus:
        """The state of the index."""
        ...


class ModelChange(Protocol):
    """A collection on its way to another model; the old embeddings serve until the switch.

    Faces that are added meanwhile become pending; of those that are deleted nothing is left.

    Attributes:
        model: what is changed to.
        dims: length of its embeddings.
    """

    model: str
    dims: int

    def pending(self, *, limit: int, cursor: str | None = None) -> Page[Face]:
        """List faces that have no new embedding yet, in the order they were stored.

        Args:
            limit: at most so many, 1 or more.
            cursor: from the page before; None begins.

        Raises:
            InvalidRequest: the cursor is none.
            ModelChanged: the switch is over.
        """
        ...

    def put(self, vectors: Mapping[str, Floats]) -> int:
        """Keep new embeddings, all or none; on return they survive a crash.

        Args:
            vectors: by the ids of their faces: float32, shape (dims,), unit length.

        Returns:
            How many were taken: unknown faces, and those that have one, are passed over.

        Raises:
            ValueError: one is not float32, of another length, or not of unit length.
            ModelChanged: the collection is not changing to this model any more.
            StoreFull: no space left on the device.
        """
        ...

    def finish(self) -> Collection:
        """Switch every face and the collection to the new model at once; return the new one.

        Raises:
            ChangeIncomplete: faces are pending.
            ModelChanged: the collection is not changing to this model any more.
            StoreFull: no space left on the device; nothing has changed.
        """
        ...


class Store(Protocol):
    """All collections of a data folder, or of a database."""

    def collection(self, name: str = DEFAULT) -> Collection:
        """Return a collection.

        Raises:
            NotFound: there is none of that name.
        """
        ...

    def collections(self) -> list[str]:
        """The names of all collections, in alphabetical order."""
        ...

    def create(self, name: str, *, model: str, dims: int) -> Collection:
        """Make a collection for the embeddings of one model.

        Raises:
            InvalidRequest: the name is empty, too long, or has other characters than letters,
                digits, ``-``, ``_`` and ``.``.
            AlreadyExists: there is one of that name.
        """
        ...

    def purge(self, name: str | None = None) -> Receipt:
        """Remove a collection, or all, so that nothing is left on the disk.

        Rows, vectors, pictures that no other collection shows, index files and free pages go, and
        what repair and restore have set aside of it. The default collection is emptied and stays.
        Takes as long as writing the rest anew.

        Raises:
            NotFound: there is no collection of that name.
            StoreFull: the rows are gone, but there is no space to write the rest anew.
        """
        ...

    def change_model(self, name: str, *, model: str, dims: int) -> ModelChange:
        """Begin to change a collection's model, or go on with it after an interruption.

        What there is of a change to yet another model is dropped.

        Raises:
            NotFound: there is no collection of that name.
            Conflict: it has this model.
        """
        ...

    def abandon_change(self, name: str) -> None:
        """Drop what there is of a change of a collection's model; without one do nothing.

        Raises:
            NotFound: there is no collection of that name.
        """
        ...

    def status(self) -> StoreStatus:
        """Figures for ``/health``."""
        ...

    def close(self) -> None:
        """Save the indexes and let go of the files; closing twice does nothing."""
        ...


class Background(Protocol):
    """What goes on beside the requests."""

    def start(self) -> None:
        """Begin; it ends with the store."""
        ...


class Gallery(Store, Protocol):
    """A store with the pictures of its faces."""

    @property
    def pictures(self) -> PictureStore:
        """Where the faces' pictures are kept."""
        ...

    @property
    def sweeper(self) -> Background:
        """Removes what crashes leave; whoever opens the store starts it."""
        ...
