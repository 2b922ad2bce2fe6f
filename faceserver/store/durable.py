"""The store that loses nothing: SQLite holds the faces, the index finds them.

A face is acknowledged once SQLite has committed it. The index only ever follows what SQLite holds,
by row id, in the same way after an addition and at the start; so a saved index may be as old as it
likes, and can be thrown away at any time.

The graph is saved in the background when a tenth of it is new, and on closing. So a crash costs at
most the time to add that tenth again, and saving costs a constant share of adding at any size.
A gallery that is searched exactly is not saved: reading it from SQLite takes a moment.
"""

import logging
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from threading import Lock

import numpy as np

from faceserver.errors import StoreError
from faceserver.store.base import Store, StoreStatus
from faceserver.store.exact import Labels, nearest, squared_distances
from faceserver.store.faces import accept, check_embedding
from faceserver.store.files import file_errors, make_folder, sync
from faceserver.store.hnsw import DISTANCE_ERROR, HnswIndex, IncompleteSearch
from faceserver.store.index import GalleryIndex
from faceserver.store.lock import folder_lock
from faceserver.store.saved import SavedIndex, Unusable
from faceserver.store.sqlite import FaceDatabase
from faceserver.types import Floats, Match, NewFace, StoredFace

EXACT_UP_TO = 2000
"""So many faces are searched exactly, in about a millisecond; more go through the graph."""

_BATCH = 1024
_LEAST_TO_SAVE = 1000

_log = logging.getLogger(__name__)


def open_store(folder: Path, *, model: str, dims: int, exact_up_to: int = EXACT_UP_TO) -> Store:
    """Open a data folder, or make it.

    Args:
        folder: the data folder; this process alone holds it until the store is closed.
        model: whose embeddings the folder holds.
        dims: their length.
        exact_up_to: so many faces are searched exactly.

    Raises:
        StoreLocked: another process holds the folder.
        StoreCorrupt: SQLite's file is damaged; it is left as it was.
        StoreTooNew: it was written by a later version; it is left as it was.
        StoreMismatch: it holds faces of another model.
        StoreFull: no space is left.
        StoreError: the system refused.
    """
    make_folder(folder)
    with ExitStack() as held:
        held.enter_context(folder_lock(folder))
        database = FaceDatabase(folder / "faces.sqlite", model=model, dims=dims)
        held.callback(database.close)
        with file_errors(folder):
            sync(folder)
        saved = SavedIndex(folder / "index", model=model, dims=dims, face_id=database.face_id)
        index = _open_index(database, saved, dims=dims, exact_up_to=exact_up_to)
        return DurableStore(database, saved, index, dims=dims, release=held.pop_all())


class DurableStore:
    """Faces on the disk; see :class:`faceserver.store.Store`. Made by :func:`open_store`."""

    def __init__(
        self,
        database: FaceDatabase,
        saved: SavedIndex,
        index: GalleryIndex,
        *,
        dims: int,
        release: ExitStack,
    ) -> None:
        """Take the parts, and ``release`` as what lets go of them in the end."""
        self.dims = dims
        self._database = database
        self._saved = saved
        self._index = index
        self._release = release
        self._writing = Lock()
        self._closed = False
        self._saver = ThreadPoolExecutor(1, thread_name_prefix="index-saver")
        self._asked_to_save = saved.faces
        self._save_if_due()

    def add(self, faces: Sequence[NewFace]) -> list[StoredFace]:
        """Store all of the faces or none; on return they survive a crash."""
        new = accept(faces, dims=self.dims)
        if not new:
            return []
        with self._writing:
            if self._closed:
                raise StoreError("the store is closed")
            self._database.insert(new)
            _follow(self._index, self._database)
            self._save_if_due()
        return new

    def get(self, face_id: str) -> StoredFace:
        """Return one face."""
        return self._database.get(face_id)

    def search(self, probe: Floats, *, k: int, max_distance: float) -> list[Match]:
        """Find the nearest faces; exactly as long as they are few."""
        check_embedding(probe, dims=self.dims)
        try:
            labels, distances = self._index.nearest(probe, k=k)
        except IncompleteSearch:
            labels, distances = self._scan(probe, k=k)
        near = labels[distances < max_distance + DISTANCE_ERROR]
        faces = self._database.labelled(near.tolist())
        return _ranked(faces, probe, k=k, max_distance=max_distance)

    def count(self) -> int:
        """How many faces are stored."""
        return self._database.count()

    def status(self) -> StoreStatus:
        """Figures for ``/health``."""
        return StoreStatus(faces=self._database.count(), indexed=len(self._index))

    def close(self) -> None:
        """Save the index and let go of the files; closing twice does nothing."""
        with self._writing:
            if self._closed:
                return
            self._closed = True
        with self._release:
            self._saver.shutdown(wait=True)
            graph = self._index.graph
            if graph is not None and len(graph) != self._saved.faces:
                self._save(graph)

    def _scan(self, probe: Floats, *, k: int) -> tuple[Labels, Floats]:
        """Like the index's search, but over every vector in SQLite."""
        best = np.empty(0, np.int64), np.empty(0, np.float32)
        for labels, vectors in _batches(self._database, after=0):
            best = nearest(
                np.concatenate((best[0], labels)),
                np.concatenate((best[1], squared_distances(vectors, probe))),
                k=k,
            )
        return best

    def _save_if_due(self) -> None:
        graph = self._index.graph
        if graph is None:
            return
        # Counted from the last attempt, so that a full disk is not tried again at each addition.
        if len(graph) - self._asked_to_save >= max(_LEAST_TO_SAVE, len(graph) // 10):
            self._asked_to_save = len(graph)
            self._saver.submit(self._save, graph)

    def _save(self, graph: HnswIndex) -> None:
        try:
            self._saved.save(graph)
        except StoreError as error:
            # Nothing is lost: what the index lacks is read from SQLite at the next start.
            _log.warning("the index could not be saved, the one before it stays: %s", error)


def _ranked(
    faces: dict[int, StoredFace], probe: Floats, *, k: int, max_distance: float
) -> list[Match]:
    """The faces by their exact distance; equal ones in the order they came."""
    if not faces:
        return []
    vectors = np.stack([face.embedding for face in faces.values()])
    labels, distances = nearest(
        np.array(list(faces), np.int64), squared_distances(vectors, probe), k=k
    )
    return [
        Match(faces[label], distance)
        for label, distance in zip(labels.tolist(), distances.tolist(), strict=True)
        if distance < max_distance
    ]


def _open_index(
    database: FaceDatabase, saved: SavedIndex, *, dims: int, exact_up_to: int
) -> GalleryIndex:
    """The saved index with what SQLite has beyond it; without a sound one, all from SQLite."""
    count = database.count()
    graph = _load(saved) if count > exact_up_to else None
    index = GalleryIndex(dims, exact_up_to=exact_up_to, graph=graph)
    _follow(index, database)
    if len(index) != count:
        _log.warning("the index holds %d faces, SQLite %d: building it anew", len(index), count)
        saved.discard()
        index = GalleryIndex(dims, exact_up_to=exact_up_to)
        _follow(index, database)
    return index


def _load(saved: SavedIndex) -> HnswIndex | None:
    try:
        return saved.load()
    except Unusable as reason:
        _log.warning("the saved index cannot be used: %s; building it anew from SQLite", reason)
        return None


def _follow(index: GalleryIndex, database: FaceDatabase) -> None:
    for labels, vectors in _batches(database, after=index.last):
        index.add(labels, vectors)


def _batches(database: FaceDatabase, *, after: int) -> Iterator[tuple[Labels, Floats]]:
    """All labels beyond ``after``, rising, with their vectors, some at a time."""
    while True:
        labels, vectors = database.vectors(after=after, limit=_BATCH)
        if len(labels):
            yield labels, vectors
        if len(labels) < _BATCH:
            return
        after = int(labels[-1])
