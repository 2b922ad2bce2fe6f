"""The index of a collection: exact while it is small, a graph above that, the same outside."""

from math import inf

from faceserver.store.index.exact import ExactIndex, Found, Labels
from faceserver.store.index.hnsw import DISTANCE_ERROR, EF, HnswIndex, IncompleteSearch
from faceserver.store.index.owners import Among
from faceserver.types import Floats


class GalleryIndex:
    """Finds labels by vector. Searches may run at any time, changes one at a time.

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
        self._held: ExactIndex | HnswIndex = ExactIndex(dims) if graph is None else graph

    def __len__(self) -> int:
        return len(self._held)

    @property
    def last(self) -> int:
        """The highest label that was ever added, 0 before that."""
        return self._held.last

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
        if isinstance(held, ExactIndex) and len(held) + len(labels) > self._exact_up_to:
            # Searches go on in the exact index until the graph has taken all of it.
            graph = HnswIndex.empty(self._dims)
            if len(held):
                graph.add(*held.held)
            graph.add(labels, vectors)
            self._held = graph
        else:
            held.add(labels, vectors)

    def remove(self, labels: Labels) -> None:
        """Let the vectors under these labels never be found again."""
        self._held.remove(labels)

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
        if isinstance(held, ExactIndex):
            found = Found(*held.nearest(probe, k=len(held)))
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
