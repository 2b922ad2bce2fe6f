"""The store that keeps nothing: exact, simple, and the judge of the others."""

from collections.abc import Sequence
from threading import Lock

import numpy as np

from faceserver.errors import NotFound
from faceserver.store.base import StoreStatus
from faceserver.store.exact import ExactIndex
from faceserver.store.faces import accept, check_embedding
from faceserver.types import Floats, Match, NewFace, StoredFace


class MemoryStore:
    """Holds faces in memory and computes every distance; see :class:`faceserver.store.Store`."""

    def __init__(self, *, dims: int) -> None:
        """Start empty, for embeddings of ``dims`` numbers."""
        self.dims = dims
        self._adding = Lock()
        self._faces: list[StoredFace] = []
        self._by_id: dict[str, StoredFace] = {}
        self._index = ExactIndex(dims)

    def add(self, faces: Sequence[NewFace]) -> list[StoredFace]:
        """Hold all of the faces or none."""
        new = accept(faces, dims=self.dims)
        if not new:
            return []
        with self._adding:
            first = len(self._faces) + 1
            self._faces += new
            self._by_id.update((face.id, face) for face in new)
            self._index.add(
                np.arange(first, first + len(new), dtype=np.int64),
                np.stack([face.embedding for face in new]),
            )
        return new

    def get(self, face_id: str) -> StoredFace:
        """Return one face."""
        if face_id not in self._by_id:
            raise NotFound(f"there is no face {face_id!r}")
        return self._by_id[face_id]

    def search(self, probe: Floats, *, k: int, max_distance: float) -> list[Match]:
        """Find the nearest faces, exactly."""
        check_embedding(probe, dims=self.dims)
        labels, distances = self._index.nearest(probe, k=k)
        return [
            Match(self._faces[label - 1], distance)
            for label, distance in zip(labels.tolist(), distances.tolist(), strict=True)
            if distance < max_distance
        ]

    def count(self) -> int:
        """How many faces are held."""
        return len(self._index)

    def status(self) -> StoreStatus:
        """Every face is in the index at once."""
        return StoreStatus(faces=self.count(), indexed=self.count())

    def close(self) -> None:
        """Do nothing: there is nothing to save."""
