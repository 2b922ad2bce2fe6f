"""Possible faces, many at once; first of all those that the first network sees on a canvas."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faceserver.types import Floats
from faceserver.vision.boxes import Overlap, suppress
from faceserver.vision.mtcnn.layout import CELL, STRIDE, Canvas, Level

MOST = 10_000
"""Squares that are looked at further, the best. Photographs of crowds have some thousand; more
would be a picture that was made to keep the processor busy."""


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


def squares(
    canvas: Canvas, levels: Sequence[Level], scores: Floats, offsets: Floats, threshold: float
) -> Candidates:
    """The squares of a canvas that may be faces.

    Args:
        canvas: what the network looked at.
        levels: of the pyramid.
        scores: the network's answer, shape (squares from left to right, from top to bottom).
        offsets: likewise, shape (4, squares from left to right, from top to bottom).
        threshold: lowest score that is taken.

    Returns:
        Candidates with one extra, the number of the level.
    """
    x, y = np.nonzero((scores >= threshold) & (canvas.owners >= 0))
    owners = canvas.owners[x, y]
    shifts = np.array([(tile.left - tile.x, tile.top - tile.y) for tile in canvas.tiles])
    level = np.array([tile.level for tile in canvas.tiles])[owners]
    scales = np.array([each.scale for each in levels])[level, np.newaxis]
    corners = STRIDE * np.stack([x, y], axis=1) + shifts[owners]
    return Candidates(
        boxes=np.trunc(np.hstack([corners + 1, corners + CELL]) / scales).astype(np.float32),
        scores=scores[x, y],
        offsets=offsets[:, x, y].T,
        extras=level[:, np.newaxis].astype(np.float32),
    )


def best_of_all(parts: Sequence[Candidates]) -> Candidates:
    """The best squares of all canvases, first within each level, then among all levels."""
    boxes, scores, offsets, extras = (
        np.concatenate([getattr(part, name) for part in parts])
        for name in ("boxes", "scores", "offsets", "extras")
    )
    together = Candidates(boxes, scores, offsets, extras)
    if len(together) > MOST:
        strongest = np.argpartition(-together.scores, MOST)[:MOST]
        together = together.take(np.sort(strongest))
    levels = together.extras[:, 0].astype(np.int32)
    return together.best(0.5, "union", groups=levels).best(0.7, "union")
