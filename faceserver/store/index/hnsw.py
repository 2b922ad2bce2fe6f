"""The approximate index; hnswlib is spoken to here alone.

hnswlib is the reference implementation of Malkov and Yashunin, "Efficient and robust approximate
nearest neighbor search using Hierarchical Navigable Small World graphs" (2016). What its Python
interface leaves to its callers is done here: it must not search while it adds, its room is fixed
until it is resized, ``ef`` is not saved, saving holds Python's global lock, and a save that fails
says nothing.
"""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Self

import hnswlib
import numpy as np

from faceserver.runtime.rwlock import SharedLock
from faceserver.store.index.exact import Labels, nearest
from faceserver.store.index.hugepages import use_huge_pages
from faceserver.store.index.snapshot import ProcessCopy
from faceserver.types import Floats

M = 16
"""Links of a vector to others on each layer of the graph; twice as many on the lowest.

With 32 a search needs fewer candidates for the same recall, but at 100,000 faces it is no faster,
and the graph takes 1.8 times as long to build.
"""

EF_CONSTRUCTION = 200
"""Candidates looked at for the links of a new vector."""

EF = 128
"""Candidates looked at by a search, as long as nothing better is known."""

DISTANCE_ERROR = 2e-4
"""A distance of the graph may be so far from the exact one.

The noise explains at most twice the distance times its own length, 4e-5, and about twice that for
vectors of few numbers, whose noise varies more in length.
"""

_FIRST_CAPACITY = 4096

_GROWTH = 1.25
"""Room for a vector costs some 50 bytes before the vector is there, so there is little to spare."""

_SLICE = 16
"""So many vectors are added before searches get their turn."""

_NOISE = 1e-5
"""Length of what is added to each vector, so that no two in the graph are equal.

Equal vectors, such as of one picture that came many times, would spend all their links on each
other and cut the graph: with 300 copies of one among 3,000 others, 8 % of the others were not
found any more.
"""


class IncompleteSearch(Exception):
    """Fewer than k vectors can be reached in the graph."""


class HnswIndex:
    """A graph of vectors. Safe to call from several threads at once.

    Searches run side by side. An addition has the graph for itself, a slice at a time. A save
    happens in a copy of the process, and keeps nobody waiting.

    A vector that is removed stays in the graph as a waypoint, and is never found again. hnswlib
    could give its place to another vector; but the links that led to the old one then lead astray,
    and with each round more vectors cannot be reached. So the room comes back with the next graph,
    which :class:`faceserver.store.index.upkeep.IndexKeeper` builds when enough have gone.
    """

    def __init__(self, graph: hnswlib.Index, *, last: int) -> None:
        """Take over hnswlib's own index; see :meth:`empty` and :meth:`load`."""
        self._graph = graph
        self._graph.set_ef(1)  # each search says its own: hnswlib takes the larger of ef and k
        self._last = last
        self._removed: set[int] = set()
        self._changing = Lock()
        self._searching = SharedLock()

    @classmethod
    def empty(cls, dims: int) -> Self:
        """Make one for vectors of ``dims`` numbers."""
        graph = hnswlib.Index("l2", dims)
        graph.init_index(_FIRST_CAPACITY, M=M, ef_construction=EF_CONSTRUCTION)
        return cls(graph, last=0)

    @classmethod
    def load(cls, path: Path, *, dims: int, last: int) -> Self:
        """Read what :meth:`save` wrote. Which vectors were removed is for the caller to say again.

        hnswlib trusts its files: the caller has made sure that this one is whole and its own.

        Args:
            path: the file.
            dims: length of the vectors in it.
            last: the highest label in it.

        Raises:
            ValueError: hnswlib does not take the file.
        """
        graph = hnswlib.Index("l2", dims)
        try:
            graph.load_index(str(path))
        except RuntimeError as error:
            raise ValueError(f"hnswlib does not read it: {error}") from error
        use_huge_pages()
        return cls(graph, last=last)

    def __len__(self) -> int:
        """How many vectors can be found."""
        return int(self._graph.element_count) - len(self._removed)

    @property
    def last(self) -> int:
        """The highest label, 0 when empty."""
        return self._last

    @property
    def removed(self) -> int:
        """How many vectors take up room without being found."""
        return len(self._removed)

    def labels(self) -> Labels:
        """All labels that can be found, rising."""
        with self._changing:
            labels = np.sort(np.array(self._graph.get_ids_list(), np.int64))
            gone = np.fromiter(self._removed, np.int64, len(self._removed))
        return np.setdiff1d(labels, gone, assume_unique=True)

    def add(self, labels: Labels, vectors: Floats) -> None:
        """Add vectors under labels higher than all before.

        Args:
            labels: int64, shape (n,), rising.
            vectors: float32, shape (n, dims).
        """
        rng = np.random.default_rng(int(labels[0]))
        noisy = rng.standard_normal(vectors.shape, np.float32)
        noisy *= _NOISE / np.sqrt(vectors.shape[1])
        noisy += vectors
        threads = len(os.sched_getaffinity(0))
        with self._changing:
            self._make_room(len(labels))
            for start in range(0, len(labels), _SLICE):
                part = slice(start, start + _SLICE)
                with self._searching.exclusive():
                    self._graph.add_items(noisy[part], labels[part], num_threads=threads)
                self._last = int(labels[part][-1])

    def remove(self, labels: Labels) -> None:
        """Let these never be found again; what is not there is passed over."""
        with self._changing, self._searching.exclusive():
            for label in labels.tolist():
                if label in self._removed:
                    continue
                try:
                    self._graph.mark_deleted(label)
                except RuntimeError as error:
                    if "already deleted" not in str(error):  # as a loaded file may have it
                        continue
                self._removed.add(label)

    def nearest(
        self,
        probe: Floats,
        *,
        k: int,
        ef: int = EF,
        among: Callable[[int], bool] | None = None,
    ) -> tuple[Labels, Floats]:
        """The labels and about the squared L2 distances of the k nearest, or of all, nearest first.

        Args:
            probe: float32, shape (dims,).
            k: at most so many.
            ef: candidates to look at, if more than k.
            among: whether a label may be answered; asked once for each vector that is touched,
                until ``ef`` are found that may.

        Raises:
            IncompleteSearch: the graph does not lead to so many; only an exact search can tell.
        """
        with self._searching.shared():
            k = min(k, len(self))
            if k < 1:
                return np.empty(0, np.int64), np.empty(0, np.float32)
            looked_at = min(max(k, ef), len(self))
            try:
                labels, distances = self._graph.knn_query(
                    probe, k=looked_at, num_threads=1, filter=among
                )
            except RuntimeError as error:
                raise IncompleteSearch(f"fewer than {looked_at} vectors can be reached") from error
        return nearest(labels[0].astype(np.int64), distances[0], k=k)

    def save(self, path: Path) -> tuple[int, int]:
        """Write the graph to a file, without waiting for the disk.

        hnswlib writes with Python's global lock held, which would stop all searches: for 0.2 s at
        100,000 vectors. So a copy of the process writes, with the memory as it is at this moment,
        while this one goes on. Only the copying itself is felt.

        Returns:
            How many vectors can be found in the file, and the highest label.

        Raises:
            OSError: the file is shorter than it should be: no space is left, most likely.
        """
        with self._changing:
            size = self._graph.index_file_size()
            state = len(self), self._last
            copy = ProcessCopy(lambda: self._graph.save_index(str(path)))
        copy.wait()
        if not path.exists() or path.stat().st_size != size:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        return state

    def _make_room(self, more: int) -> None:
        needed = int(self._graph.element_count) + more
        if needed > self._graph.max_elements:
            room = max(needed, int(_GROWTH * self._graph.max_elements))
            with self._searching.exclusive():
                self._graph.resize_index(room)
            use_huge_pages()
