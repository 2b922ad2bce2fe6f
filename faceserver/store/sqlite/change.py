"""A collection on the disk on its way to another model's embeddings.

The old vectors and their index answer until the end. The new vectors gather in a table of their
own, so that a crash costs at most one batch. The graph of the new vectors is built before the
switch; the switch itself is one transaction, and searches wait for its commit alone.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from threading import Event

import numpy as np

from faceserver.errors import ChangeIncomplete, StoreError
from faceserver.store.base import Page
from faceserver.store.faces import check_embedding
from faceserver.store.index.hnsw import HnswIndex
from faceserver.store.sqlite.changetable import ChangeTable
from faceserver.store.sqlite.collection import DurableCollection
from faceserver.types import Face, Floats


class DurableChange:
    """See :class:`faceserver.store.base.ModelChange`. Made by the store."""

    def __init__(
        self,
        collection: DurableCollection,
        table: ChangeTable,
        *,
        model: str,
        dims: int,
        exact_up_to: int,
        changing: Callable[[], AbstractContextManager[None]],
        closing: Event,
        reopen: Callable[[HnswIndex | None], DurableCollection],
    ) -> None:
        """Take the parts.

        Args:
            collection: what is changed; it holds nothing any more after the switch.
            table: the new vectors.
            model: what is changed to.
            dims: length of its embeddings.
            exact_up_to: so many faces need no graph.
            changing: held while something changes.
            closing: set when the store closes.
            reopen: puts the collection as it is in SQLite now in the place of the old one, with the
                graph of its vectors, if it has one.
        """
        self.model = model
        self.dims = dims
        self._collection = collection
        self._table = table
        self._exact_up_to = exact_up_to
        self._changing = changing
        self._closing = closing
        self._reopen = reopen
        self._graph: HnswIndex | None = None

    def pending(self, *, limit: int, cursor: str | None = None) -> Page[Face]:
        """List faces that have no new vector yet, in the order they were stored."""
        with self._collection.reading():
            return self._table.pending(limit=limit, cursor=cursor)

    def put(self, vectors: Mapping[str, Floats]) -> int:
        """Keep the new vectors of faces; on return they survive a crash."""
        for vector in vectors.values():
            check_embedding(vector, dims=self.dims)
        with self._changing():
            self._collection.lifetime.check()
            return self._table.insert(vectors, model=self.model, dims=self.dims)

    def finish(self) -> DurableCollection:
        """Switch, once every face has its new vector."""
        self._check_complete()
        self._prepare()
        with self._changing(), ExitStack() as alone:
            self._check_complete()
            self._prepare()  # what came meanwhile
            self._table.adopt(
                model=self.model,
                dims=self.dims,
                before_commit=lambda: alone.enter_context(self._collection.alone()),
            )
            self._collection.retire()
            return self._reopen(self._graph)

    def _check_complete(self) -> None:
        with self._collection.reading():
            faces = self._collection.count()
            done = self._table.done(model=self.model, dims=self.dims)
        if done < faces:
            raise ChangeIncomplete(f"{faces - done} of {faces} faces have no new vector yet")

    def _prepare(self) -> None:
        """Let the graph follow the new vectors, where there are enough for one.

        It begins when no face is pending, and later faces have higher rows: its labels rise.
        """
        if self._collection.count() <= self._exact_up_to:
            self._graph = None
            return
        graph = self._graph = self._graph or HnswIndex.empty(self.dims)
        for labels, vectors in self._table.all_vectors(dims=self.dims, after=graph.last):
            if self._closing.is_set():
                raise StoreError("the store is closed")
            graph.add(labels, vectors)
        graph.remove(np.setdiff1d(graph.labels(), self._collection.labels(), assume_unique=True))
