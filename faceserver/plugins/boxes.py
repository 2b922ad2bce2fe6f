"""Arithmetic on many boxes at once.

Boxes are float32 arrays of shape (n, 4): x1, y1, x2, y2 in the picture's pixels, counted from 1
with both ends included, as the MATLAB code that MTCNN was published with counts them.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from faceserver.types import Floats

Overlap = Literal["union", "smaller"]


def suppress(boxes: Floats, scores: Floats, limit: float, overlap: Overlap) -> NDArray[np.intp]:
    """Non-maximum suppression: keep a box unless it overlaps a better one by more than ``limit``.

    Args:
        boxes: shape (n, 4).
        scores: shape (n,).
        limit: overlap that is still allowed, 0 to 1.
        overlap: the intersection over the "union" of the two areas, or over the "smaller" one.

    Returns:
        Indices of the boxes that are kept, best score first.
    """
    x1, y1, x2, y2 = boxes.T
    areas = (x2 - x1 + 1) * (y2 - y1 + 1)
    order = np.argsort(-scores, kind="stable")
    kept = []
    while order.size:
        best, rest = order[0], order[1:]
        kept.append(best)
        width = np.minimum(x2[best], x2[rest]) - np.maximum(x1[best], x1[rest]) + 1
        height = np.minimum(y2[best], y2[rest]) - np.maximum(y1[best], y1[rest]) + 1
        shared = np.maximum(width, 0) * np.maximum(height, 0)
        if overlap == "union":
            whole = areas[best] + areas[rest] - shared
        else:
            whole = np.minimum(areas[best], areas[rest])
        order = rest[shared <= limit * whole]
    return np.array(kept, np.intp)


def shifted(boxes: Floats, offsets: Floats, extra: float) -> Floats:
    """Move each edge by its offset, given in widths or heights of its box.

    Args:
        boxes: shape (n, 4).
        offsets: shape (n, 4), what a network's box regression puts out.
        extra: added to x2 - x1 and y2 - y1 to get width and height: the published code counts
            the end pixel after its second and third networks (1), but not after the first (0).

    Returns:
        Shape (n, 4).
    """
    sizes = boxes[:, 2:] - boxes[:, :2] + np.float32(extra)
    return boxes + offsets * np.hstack([sizes, sizes])


def squared(boxes: Floats) -> Floats:
    """Widen the shorter side of each box to the longer one, about its centre."""
    sizes = boxes[:, 2:] - boxes[:, :2]
    sides = sizes.max(axis=1, keepdims=True)
    corners = boxes[:, :2] + sizes / 2 - sides / 2
    return np.hstack([corners, corners + sides])
