"""A change of model in memory."""

from collections.abc import Mapping

from faceserver.errors import ChangeIncomplete, ModelChanged
from faceserver.store.base import Page
from faceserver.store.faces import check_embedding
from faceserver.store.memory.collection import MemoryCollection
from faceserver.types import Face, Floats


class MemoryChange:
    """New embeddings in a dict; see :class:`faceserver.store.base.ModelChange`."""

    def __init__(
        self,
        collections: dict[str, MemoryCollection],
        collection: MemoryCollection,
        *,
        model: str,
        dims: int,
    ) -> None:
        """Start without any."""
        self.model = model
        self.dims = dims
        self._collections = collections
        self._collection = collection
        self._vectors: dict[str, Floats] = {}

    def missing(self) -> set[str]:
        """The ids of the faces that have no new embedding."""
        return self._collection.ids() - self._vectors.keys()

    def pending(self, *, limit: int, cursor: str | None = None) -> Page[Face]:
        """List faces that have no new embedding yet, in the order they were stored."""
        return self._collection.pages(self.missing(), limit=limit, cursor=cursor)

    def put(self, vectors: Mapping[str, Floats]) -> int:
        """Keep new embeddings."""
        for vector in vectors.values():
            check_embedding(vector, dims=self.dims)
        with self._collection.lock:
            self._check_wanted()
            taken = self.missing() & vectors.keys()
            self._vectors |= {face_id: vectors[face_id].copy() for face_id in taken}
            return len(taken)

    def finish(self) -> MemoryCollection:
        """Switch."""
        held = self._collection
        with held.lock:
            self._check_wanted()
            if missing := self.missing():
                raise ChangeIncomplete(f"{len(missing)} faces have no new vector yet")
            changed = held.with_vectors(self._vectors, model=self.model, dims=self.dims)
            changed.change = None
            self._collections[held.name] = changed
            held.retire()
            return changed

    def _check_wanted(self) -> None:
        self._collection.lifetime.check()
        if self._collection.change is not self:
            raise ModelChanged(f"the collection is no longer changing to {self.model}")
