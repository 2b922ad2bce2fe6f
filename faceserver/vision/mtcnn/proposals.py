"""What the first network says about a canvas, as boxes in the picture."""

from collections.abc import Sequence

import numpy as np

from faceserver.types import Floats
from faceserver.vision.mtcnn.candidates import Candidates, joined
from faceserver.vision.mtcnn.layout import CELL, STRIDE, Canvas, Level

MOST = 10_000
"""Squares that are looked at further, the best. Photographs of crowds have some thousand; more
would be a picture that was made to keep the processor busy."""


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
    together = joined(parts)
    if len(together) > MOST:
        strongest = np.argpartition(-together.scores, MOST)[:MOST]
        together = together.take(np.sort(strongest))
    levels = together.extras[:, 0].astype(np.int32)
    return together.best(0.5, "union", groups=levels).best(0.7, "union")
