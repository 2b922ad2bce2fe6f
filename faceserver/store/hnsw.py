"""The approximate index; hnswlib is spoken to here alone.

hnswlib is the reference implementation of Malkov and Yashunin, "Efficient and robust approximate
nearest neighbor search using Hierarchical Navigable Small World graphs" (2016). What its Python
interface leaves to its callers is done here: it must not search while it adds, its room is fixed
until it is resized, ``ef`` is not saved, and a save that fails says nothing.
"""

import errno
import os
from pathlib import Path
from threading import Lock
from typing import Self

import hnswlib
import numpy as np

from faceserver.store.exact import Labels, nearest
from faceserver.store.rwlock import SharedLock
from faceserver.types import Floats

M = 16
"""Links of a vector to others on each layer of the graph; twice as many on the lowest."""

EF_CONSTRUCTION = 200
"""Candidates looked at for the links of a new vector."""

EF = 128
"""Candidates looked at by a search; hnswlib takes k where that is more."""

DISTANCE_ERROR = 1e-3
"""A distance of the graph may be so far from the exact one: much more than the noise explains."""

_FIRST_CAPACITY = 4096

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

    Searches run side by side. An addition has the graph for itself. A save only keeps additions
    out, so that searches go on.
    """

    def __init__(self, graph: hnswlib.Index, *, last: int) -> None:
        """Take over hnswlib's own index; see :meth:`empty` and :meth:`load`."""
        self._graph = graph
        self._graph.set_ef(EF)
        self._last = last
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
        """Read what :meth:`save` wrote.

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
        return cls(graph, last=last)

    def __len__(self) -> int:
        return int(self._graph.element_count)

    @property
    def last(self) -> int:
        """The highest label, 0 when empty."""
        return self._last

    def add(self, labels: Labels, vectors: Floats) -> None:
        """Add vectors under labels higher than all before.

        Args:
            labels: int64, shape (n,), rising.
            vectors: float32, shape (n, dims).
        """
        rng = np.random.default_rng(int(labels[0]))
        noise = rng.normal(0, _NOISE / np.sqrt(vectors.shape[1]), vectors.shape)
        with self._changing, self._searching.exclusive():
            needed = len(self) + len(labels)
            if needed > self._graph.max_elements:
                self._graph.resize_index(max(needed, 2 * self._graph.max_elements))
            threads = len(os.sched_getaffinity(0))
            self._graph.add_items(vectors + noise, labels, num_threads=threads)
            self._last = int(labels[-1])

    def nearest(self, probe: Floats, *, k: int) -> tuple[Labels, Floats]:
        """The labels and about the squared L2 distances of the k nearest, or of all, nearest first.

        Args:
            probe: float32, shape (dims,).
            k: at most so many.

        Raises:
            IncompleteSearch: the graph does not lead to so many; only an exact search can tell.
        """
        with self._searching.shared():
            k = min(k, len(self))
            if k < 1:
                return np.empty(0, np.int64), np.empty(0, np.float32)
            try:
                labels, distances = self._graph.knn_query(probe, k=k, num_threads=1)
            except RuntimeError as error:
                raise IncompleteSearch(f"fewer than {k} vectors can be reached") from error
        return nearest(labels[0].astype(np.int64), distances[0], k=k)

    def save(self, path: Path) -> tuple[int, int]:
        """Write the graph to a file, without waiting for the disk.

        Returns:
            How many vectors the file holds, and their highest label.

        Raises:
            OSError: the file is shorter than it should be: no space is left, most likely.
        """
        with self._changing:
            self._graph.save_index(str(path))
            if path.stat().st_size != self._graph.index_file_size():
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
            return len(self), self._last
