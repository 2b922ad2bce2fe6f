"""Arithmetic on many boxes at once.

Boxes are float32 arrays of shape (n, 4): x1, y1, x2, y2 in the picture's pixels, counted from 1
with both ends included, as the MATLAB code that MTCNN was published with counts them.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from faceserver.types import Floats
from faceserver.vision.geometry import suppressed

Overlap = Literal["union", "smaller"]


def suppress(
    boxes: Floats,
    scores: Floats,
    limit: float,
    overlap: Overlap,
    groups: NDArray[np.int32] | None = None,
) -> NDArray[np.intp]:
    """Non-maximum suppression: keep a box unless it overlaps a better one by more than ``limit``.

    Args:
        boxes: shape (n, 4).
        scores: shape (n,); what has none above 0 is not kept.
        limit: overlap that is still allowed, 0 to 1.
        overlap: the intersection over the "union" of the two areas, or over the "smaller" one;
            the latter compares every box with every other, and so is for few boxes.
        groups: shape (n,), for "union": boxes of different groups do not overlap.

    Returns:
        Indices of the boxes that are kept, best score first.
    """
    corners = boxes + np.array([0, 0, 1, 1], np.float32)
    if overlap == "union":
        return suppressed(corners, scores, limit, groups)
    order = np.argsort(-scores, kind="stable")
    covered = _covered(corners[order]) > limit
    kept: list[int] = []
    for index in range(len(order)):
        if not covered[index, kept].any():
            kept.append(index)
    return order[kept]


def _covered(corners: Floats) -> Floats:
    """Intersections over the smaller area, of each box with each: shape (n, n)."""
    starts = np.maximum(corners[:, np.newaxis, :2], corners[:, :2])
    ends = np.minimum(corners[:, np.newaxis, 2:], corners[:, 2:])
    shared = np.maximum(ends - starts, 0).prod(axis=2)
    areas = (corners[:, 2:] - corners[:, :2]).prod(axis=1)
    return np.asarray(shared / np.minimum(areas[:, np.newaxis], areas), np.float32)


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
