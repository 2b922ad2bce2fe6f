"""Keeps a collection's index: loads, builds, follows, saves and measures it.

The index only ever follows what SQLite holds, by row id, in the same way after an addition and at
the start; so a saved index may be as old as it likes, and can be thrown away at any time.

What takes long happens in one background thread for all collections: building a graph where none
can be loaded, or anew when a fifth of it is deleted; saving it when a tenth of it has changed;
measuring its recall. While no graph is complete, :meth:`IndexKeeper.nearest` answers None, and the
caller searches SQLite exactly.
"""

import logging
from collections.abc import Callable
from concurrent.futures import Executor
from pathlib import Path
from threading import Event, Lock, RLock

import numpy as np

from faceserver.errors import StoreError
from faceserver.store.base import CollectionStatus
from faceserver.store.index.exact import Found, Labels
from faceserver.store.index.growing import GalleryIndex
from faceserver.store.index.hnsw import HnswIndex, IncompleteSearch
from faceserver.store.index.owners import Among, Owners
from faceserver.store.index.recall import Cancelled, measure
from faceserver.store.index.saved import SavedIndex, Unusable
from faceserver.store.sqlite.collectiontable import CollectionRow
from faceserver.store.sqlite.facetable import FaceTable
from faceserver.types import Floats

_LEAST_TO_SAVE = 1000
_LEAST_TO_COMPACT = 1000
_FOLLOWED_AT_ONCE = 1000
"""So many faces beyond the saved graph are added before the store is open; more, afterwards."""

_log = logging.getLogger(__name__)


class IndexKeeper:
    """One collection's index. Changes are made with ``writing`` held, searches at any time.

    Attributes:
        owners: whom each face shows.
    """

    def __init__(
        self,
        row: CollectionRow,
        faces: FaceTable,
        folder: Path,
        *,
        exact_up_to: int,
        writing: RLock,
        background: Executor,
        closing: Event,
        ready: HnswIndex | None = None,
    ) -> None:
        """Load what is saved, and begin to build what is missing.

        Args:
            row: the collection.
            faces: its rows.
            folder: where its graph is saved.
            exact_up_to: so many faces are searched exactly.
            writing: the lock of all changes to the store.
            background: one thread.
            closing: set when the background is to come to an end.
            ready: a graph with all faces, where it was built beforehand.
        """
        self._row = row
        self._faces = faces
        self._exact_up_to = exact_up_to
        self._writing = writing
        self._background = background
        self._closing = closing
        self._saved = SavedIndex(folder, faces, model=row.model)
        self._saving = Lock()
        self._index: GalleryIndex | None = None
        self._building: HnswIndex | None = None
        self._recall: float | None = None
        self._measured_at = 0
        self._unsaved = 0
        self._dirty = False
        self.owners = Owners.load(faces)
        if ready is None:
            self._open()
        else:
            self._adopt(ready)

    def nearest(self, probe: Floats, *, k: int, among: Among | None = None) -> Found | None:
        """Like :meth:`GalleryIndex.nearest`; None if only an exact search of SQLite can tell."""
        index = self._index
        if index is None:
            return None
        try:
            return index.nearest(probe, k=k, among=among)
        except IncompleteSearch:
            return None

    def follow(self) -> None:
        """Take in what SQLite has beyond the index; ``writing`` is held."""
        self.owners.follow(self._faces)
        if self._index is not None:
            self._changed(self._take(self._index))

    def remove(self, labels: Labels) -> None:
        """Let these never be found again; ``writing`` is held."""
        if not len(labels):
            return
        self.owners.remove(labels)
        if self._index is None:
            return
        self._index.remove(labels)
        self._changed(len(labels))
        graph = self._index.graph
        if graph and self._building is None and _worn(graph):
            _log.info("%s: building the index anew without deleted faces", self._row.name)
            self._build(HnswIndex.empty(self._row.dims))

    def clear(self) -> int:
        """Forget all faces, on the disk as well; ``writing`` is held. Return how many files."""
        self.owners = Owners()
        self._index = GalleryIndex(self._row.dims, exact_up_to=self._exact_up_to)
        self._building = None
        self._recall = None
        self._measured_at = 0
        self._unsaved = 0
        self._dirty = False
        with self._saving:  # what is being saved is written first, and goes too
            return self._saved.discard()

    def status(self) -> CollectionStatus:
        """Figures for ``/health``."""
        index, building = self._index, self._building
        # The index follows each write, so it knows the number without a look at the rows.
        faces = self._faces.count() if index is None else len(index)
        graph = index.graph if index else building
        state = "building" if index is None else "exact" if graph is None else "graph"
        return CollectionStatus(
            name=self._row.name,
            model=self._row.model,
            dims=self._row.dims,
            faces=faces,
            indexed=len(index if index is not None else building or ()),
            index=state,
            progress=1.0 if building is None else min(1.0, len(building) / max(faces, 1)),
            ef=index.ef if index and graph else None,
            recall=self._recall,
        )

    def close(self) -> None:
        """Save what has changed; the background is at its end, and ``writing`` is held."""
        graph = self._index.graph if self._index is not None else None
        if graph is not None and self._dirty:
            self._save(graph)

    def _open(self) -> None:
        if self._faces.count() <= self._exact_up_to:
            self._saved.discard()  # of a time when there were more
            self._index = GalleryIndex(self._row.dims, exact_up_to=self._exact_up_to)
            self._take(self._index)
            return
        try:
            graph, manifest = self._saved.load()
            self._drop_deleted(graph)
        except Unusable as reason:
            _log.warning(
                "%s: the saved index cannot be used: %s; building it anew from SQLite",
                self._row.name,
                reason,
            )
            self._build(HnswIndex.empty(self._row.dims))
            return
        self._dirty = len(graph) != manifest.faces
        self._recall = manifest.recall
        self._measured_at = manifest.faces if manifest.recall is not None else 0
        if self._faces.count() - len(graph) > _FOLLOWED_AT_ONCE:
            self._build(graph)
            return
        self._serve(graph, ef=manifest.ef)
        self.follow()

    def _adopt(self, graph: HnswIndex) -> None:
        self._serve(graph)
        self._dirty = True
        self._measured_at = len(graph)
        self._submit(lambda: self._save(graph))
        self._submit(lambda: self._measure(graph))

    def _drop_deleted(self, graph: HnswIndex) -> None:
        stored, indexed = self._faces.labels(), graph.labels()
        if len(np.setdiff1d(stored[stored <= graph.last], indexed, assume_unique=True)):
            raise Unusable("it lacks faces that SQLite has")
        graph.remove(np.setdiff1d(indexed, stored, assume_unique=True))

    def _take(self, index: GalleryIndex | HnswIndex) -> int:
        """Add what SQLite has beyond an index; return how many faces that were."""
        taken = 0
        for labels, vectors in self._faces.all_vectors(after=index.last):
            index.add(labels, vectors)
            taken += len(labels)
        return taken

    def _serve(self, graph: HnswIndex, *, ef: int | None = None) -> None:
        index = GalleryIndex(self._row.dims, exact_up_to=self._exact_up_to, graph=graph)
        if ef is not None:
            index.ef = ef
        self._index = index

    def _changed(self, count: int) -> None:
        """Save and measure when enough is new, counted from the last attempt."""
        graph = self._index.graph if self._index is not None else None
        if graph is None or not count:
            return
        self._dirty = True
        self._unsaved += count
        if self._unsaved >= max(_LEAST_TO_SAVE, len(graph) // 10):
            self._unsaved = 0
            self._submit(lambda: self._save(graph))
            if len(graph) >= 1.5 * self._measured_at:
                self._measured_at = len(graph)
                self._submit(lambda: self._measure(graph))

    def _build(self, graph: HnswIndex) -> None:
        self._building = graph
        self._submit(lambda: self._complete(graph))

    def _complete(self, graph: HnswIndex) -> None:
        """Fill a graph from SQLite, and put it in the place of the one before at once."""
        for labels, vectors in self._faces.all_vectors(after=graph.last):
            if self._closing.is_set() or self._building is not graph:
                return
            graph.add(labels, vectors)
        with self._writing:
            if self._building is not graph:
                return
            self._take(graph)
            graph.remove(np.setdiff1d(graph.labels(), self._faces.labels(), assume_unique=True))
            self._serve(graph, ef=self._index.ef if self._index else None)
            self._building = None
            self._dirty = True
            self._unsaved = 0
            self._measured_at = len(graph)
        _log.info("%s: the index is built, with %d faces", self._row.name, len(graph))
        self._save(graph)
        self._measure(graph)

    def _measure(self, graph: HnswIndex) -> None:
        if not self._serves(graph) or not len(graph):
            return
        try:
            found = measure(self._faces, graph, stop=self._closing.is_set)
        except Cancelled:
            return
        with self._writing:
            if self._index is not None and self._serves(graph):
                self._index.ef, self._recall, self._dirty = found.ef, found.recall, True
        _log.info("%s: recall %.4f with ef %d", self._row.name, found.recall, found.ef)

    def _save(self, graph: HnswIndex) -> None:
        with self._saving:
            index = self._index
            if index is None or index.graph is not graph:
                return
            self._dirty = False
            try:
                self._saved.save(graph, ef=index.ef, recall=self._recall)
            except StoreError as error:
                # Nothing is lost: what the index lacks is read from SQLite at the next start.
                self._dirty = True
                _log.warning("the index could not be saved, the one before it stays: %s", error)

    def _serves(self, graph: HnswIndex) -> bool:
        return self._index is not None and self._index.graph is graph

    def _submit(self, task: Callable[[], None]) -> None:
        if not self._closing.is_set():
            self._background.submit(_logged, task)


def _worn(graph: HnswIndex) -> bool:
    return graph.removed >= max(_LEAST_TO_COMPACT, len(graph) // 4)


def _logged(task: Callable[[], None]) -> None:
    try:
        task()
    except Exception:  # noqa: BLE001 - nobody waits for the result
        # SQLite goes on answering.
        _log.exception("the index could not be kept up")
