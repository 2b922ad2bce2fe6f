"""Possible faces, many at once."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faceserver.types import Floats
from faceserver.vision.boxes import Overlap, suppress


@dataclass(frozen=True, eq=False)
class Candidates:
    """Possible faces.

    Attributes:
        boxes: shape (n, 4); see :mod:`faceserver.vision.boxes`.
        scores: shape (n,), 0 to 1.
        offsets: shape (n, 4), the network's correction of each box, in widths and heights of it.
        extras: shape (n, any), further numbers of each.
    """

    boxes: Floats
    scores: Floats
    offsets: Floats
    extras: Floats

    def __len__(self) -> int:
        return len(self.boxes)

    def take(self, chosen: NDArray[np.intp] | NDArray[np.bool_]) -> "Candidates":
        """Some of them."""
        return Candidates(
            self.boxes[chosen], self.scores[chosen], self.offsets[chosen], self.extras[chosen]
        )

    def best(
        self, limit: float, overlap: Overlap, groups: NDArray[np.int32] | None = None
    ) -> "Candidates":
        """Those that overlap no better one by more than the limit; see :func:`suppress`."""
        return self.take(suppress(self.boxes, self.scores, limit, overlap, groups))


def joined(parts: Sequence[Candidates]) -> Candidates:
    """All of them together; there is at least one part."""
    boxes, scores, offsets, extras = (
        np.concatenate([getattr(part, name) for part in parts])
        for name in ("boxes", "scores", "offsets", "extras")
    )
    return Candidates(boxes, scores, offsets, extras)
