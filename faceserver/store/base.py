"""What every store offers: faces in, nearest faces out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from faceserver.types import Floats, Match, NewFace, StoredFace


@dataclass(frozen=True)
class StoreStatus:
    """What ``/health`` tells about the store.

    Attributes:
        faces: how many are stored.
        indexed: how many of them the index holds.
    """

    faces: int
    indexed: int


class Store(Protocol):
    """Holds faces and finds the nearest. Safe to call from several threads at once.

    Attributes:
        dims: length of the embeddings.
    """

    dims: int

    def add(self, faces: Sequence[NewFace]) -> list[StoredFace]:
        """Store all of the faces or none; on return they survive a crash.

        Returns:
            The stored faces, in the same order, with their new ids.

        Raises:
            ValueError: an embedding is not float32, of another length, or not of unit length.
            StoreFull: no space is left.
        """
        ...

    def get(self, face_id: str) -> StoredFace:
        """Return one face.

        Raises:
            NotFound: there is none of that id.
        """
        ...

    def search(self, probe: Floats, *, k: int, max_distance: float) -> list[Match]:
        """Find the nearest faces.

        Args:
            probe: float32, shape (dims,), unit length.
            k: at most so many.
            max_distance: squared L2; only faces strictly nearer are returned.

        Returns:
            Matches, nearest first; fewer than k, or none, where there are no more.
        """
        ...

    def count(self) -> int:
        """How many faces are stored."""
        ...

    def status(self) -> StoreStatus:
        """Figures for ``/health``."""
        ...

    def close(self) -> None:
        """Save the index and let go of the files; closing twice does nothing."""
        ...
