"""The index of a collection: exact while it is small, a graph above that, the same outside."""

from math import inf

import numpy as np

from faceserver.store.index.exact import Found, Labels, nearest, squared_distances
from faceserver.store.index.hnsw import DISTANCE_ERROR, EF, HnswIndex, IncompleteSearch
from faceserver.store.index.owners import Among
from faceserver.types import Floats


class GalleryIndex:
    """Finds labels by vector. Searches may run at any time, changes one at a time.

    A few vectors are held in one array, of which every distance is computed; an addition puts a new
    array in its place, so that no search needs a lock.

    Attributes:
        ef: candidates that a search of the graph looks at.
    """

    def __init__(self, dims: int, *, exact_up_to: int, graph: HnswIndex | None = None) -> None:
        """Start empty, or from a graph.

        Args:
            dims: length of the vectors.
            exact_up_to: so many vectors are searched exactly; with one more the graph is built.
            graph: what a file held, if one did.
        """
        self.ef = EF
        self._dims = dims
        self._exact_up_to = exact_up_to
        self._last = 0
        few = np.empty(0, np.int64), np.empty((0, dims), np.float32)
        self._held: tuple[Labels, Floats] | HnswIndex = few if graph is None else graph

    def __len__(self) -> int:
        held = self._held
        return len(held) if isinstance(held, HnswIndex) else len(held[0])

    @property
    def last(self) -> int:
        """The highest label that was ever added, 0 before that."""
        held = self._held
        return held.last if isinstance(held, HnswIndex) else self._last

    @property
    def graph(self) -> HnswIndex | None:
        """The graph, once there is one."""
        return self._held if isinstance(self._held, HnswIndex) else None

    def add(self, labels: Labels, vectors: Floats) -> None:
        """Add vectors under labels higher than all before.

        Args:
            labels: int64, shape (n,), rising.
            vectors: float32, shape (n, dims).
        """
        held = self._held
        if isinstance(held, HnswIndex):
            held.add(labels, vectors)
            return
        held_labels, held_vectors = held
        self._last = int(labels[-1])
        if len(held_labels) + len(labels) <= self._exact_up_to:
            self._held = (
                np.concatenate((held_labels, labels)),
                np.concatenate((held_vectors, vectors)),
            )
            return
        # Exact searches go on until the graph has taken all.
        graph = HnswIndex.empty(self._dims)
        if len(held_labels):
            graph.add(held_labels, held_vectors)
        graph.add(labels, vectors)
        self._held = graph

    def remove(self, labels: Labels) -> None:
        """Let the vectors under these labels never be found again."""
        held = self._held
        if isinstance(held, HnswIndex):
            held.remove(labels)
        else:
            kept = ~np.isin(held[0], labels)
            self._held = held[0][kept], held[1][kept]

    def nearest(self, probe: Floats, *, k: int, among: Among | None = None) -> Found:
        """The k nearest, or all where there are no more or all cost no more.

        Args:
            probe: float32, shape (dims,).
            k: so many at least, as far as there are.
            among: of these labels alone.

        Raises:
            IncompleteSearch: only an exact search can tell.
        """
        held = self._held
        if not isinstance(held, HnswIndex):
            labels, vectors = held
            all_ = nearest(labels, squared_distances(vectors, probe), k=len(labels))
            found = Found(*all_)
            return found.where(among.holds(found.labels)) if among else found
        if among is None:
            labels, distances = held.nearest(probe, k=k, ef=self.ef)
        else:
            k = min(k, len(among))
            labels, distances = held.nearest(probe, k=k, ef=k, among=among)
            if among.is_tired:
                raise IncompleteSearch("too many others are nearer")
        reach = inf if len(labels) < k else float(distances[-1])
        return Found(labels, distances, DISTANCE_ERROR, reach)
