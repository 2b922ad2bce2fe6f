"""The store that keeps nothing: exact, simple, and the judge of the others."""

from datetime import UTC, datetime, timedelta
from threading import RLock

from faceserver.errors import AlreadyExists, Conflict, NotFound
from faceserver.store.base import DEFAULT, Receipt, StoreStatus
from faceserver.store.memory.change import MemoryChange
from faceserver.store.memory.collection import MemoryCollection
from faceserver.store.names import check_collection_name
from faceserver.store.options import UNDO_FOR


class MemoryStore:
    """Collections in memory; see :class:`faceserver.store.base.Store`."""

    def __init__(self, *, dims: int, model: str = "memory", undo_for: timedelta = UNDO_FOR) -> None:
        """Start with an empty default collection, for embeddings of ``dims`` numbers."""
        self._undo_for = undo_for
        self._lock = RLock()
        self._collections: dict[str, MemoryCollection] = {}
        self.create(DEFAULT, model=model, dims=dims)

    def collection(self, name: str = DEFAULT) -> MemoryCollection:
        """Return a collection."""
        if name not in self._collections:
            raise NotFound(f"there is no collection {name!r}")
        return self._collections[name]

    def collections(self) -> list[str]:
        """The names of all collections, in alphabetical order."""
        return sorted(self._collections)

    def create(self, name: str, *, model: str, dims: int) -> MemoryCollection:
        """Make a collection."""
        check_collection_name(name)
        if name in self._collections:
            raise AlreadyExists(f"the collection {name!r} already exists")
        made = MemoryCollection(
            name, model=model, dims=dims, undo_for=self._undo_for, lock=self._lock
        )
        self._collections[name] = made
        return made

    def purge(self, name: str | None = None) -> Receipt:
        """Remove a collection, or all."""
        with self._lock:
            chosen = [self.collection(part) for part in ([name] if name else self.collections())]
            subjects = sum(len(part.subjects(limit=2**31).items) for part in chosen)
            faces = sum(part.delete_all() for part in chosen)
            gone = tuple(part.name for part in chosen if part.name != DEFAULT)
            for part in chosen:
                part.lifetime.end()
                del self._collections[part.name]
                if part.name == DEFAULT:
                    self.create(DEFAULT, model=part.model, dims=part.dims)
        return Receipt(gone, faces, subjects, pictures=0, index_files=0, at=datetime.now(UTC))

    def change_model(self, name: str, *, model: str, dims: int) -> MemoryChange:
        """Begin to change a collection's model, or go on with it."""
        with self._lock:
            held = self.collection(name)
            if (held.model, held.dims) == (model, dims):
                raise Conflict(f"the collection {name!r} already uses the model {model}")
            change = held.change
            if not isinstance(change, MemoryChange) or (change.model, change.dims) != (model, dims):
                change = MemoryChange(self._collections, held, model=model, dims=dims)
                held.change = change
            return change

    def abandon_change(self, name: str) -> None:
        """Drop what there is of a change of a collection's model."""
        self.collection(name).change = None

    def status(self) -> StoreStatus:
        """Every face is in the index at once."""
        parts = tuple(self._collections[name].status() for name in self.collections())
        faces = sum(part.faces for part in parts)
        return StoreStatus(faces=faces, indexed=faces, collections=parts)

    def close(self) -> None:
        """Do nothing: there is nothing to save."""
