"""Cutting squares out of pictures, scaling pictures, and which of many boxes overlap."""

import cv2
import numpy as np
from numpy.typing import NDArray

from faceserver.types import Floats, Image


def resize(image: Image, width: int, height: int) -> Image:
    """Scale a picture: by area where it shrinks (no aliasing), linearly where it grows."""
    scaled = np.empty((height, width, 3), np.uint8)
    resize_into(scaled, image)
    return scaled


def resize_into(target: Image, image: Image) -> None:
    """Fill an array, or a rectangle of one, with a scaled picture; see :func:`resize`."""
    height, width = target.shape[:2]
    shrinks = width * height < image.shape[0] * image.shape[1]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    cv2.resize(image, (width, height), dst=target, interpolation=method)


def rotated(image: Image, turns: int) -> Image:
    """A copy of a picture after so many quarter turns counterclockwise, 1 to 3.

    The same as a copy of :func:`numpy.rot90`'s view, in a tenth of the time.
    """
    codes = {1: cv2.ROTATE_90_COUNTERCLOCKWISE, 2: cv2.ROTATE_180, 3: cv2.ROTATE_90_CLOCKWISE}
    return np.asarray(cv2.rotate(image, codes[turns]), np.uint8)


def quickly_resize_into(target: Image, image: Image) -> None:
    """Fill an array with a scaled picture, in a tenth of the time that :func:`resize_into` takes.

    It is halved while it is twice as large; what is left to do is done linearly, which skips less
    than half of the pixels. That is good enough for finding faces.
    """
    height, width = target.shape[:2]
    while image.shape[0] >= 2 * height and image.shape[1] >= 2 * width:
        image = halved(image)
    cv2.resize(image, (width, height), dst=target, interpolation=cv2.INTER_LINEAR)


def with_colours_swapped(image: Image) -> Image:
    """A picture with red and blue exchanged."""
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2BGR), np.uint8)


def halved(image: Image) -> Image:
    """A picture of half the size, each pixel the mean of four; an odd last row or column goes.

    This is the one case of scaling by area that OpenCV does with vector instructions: 20 times as
    fast as any other.
    """
    width, height = image.shape[1] // 2, image.shape[0] // 2
    return np.asarray(
        cv2.resize(image[: 2 * height, : 2 * width], (width, height), interpolation=cv2.INTER_AREA),
        np.uint8,
    )


def cut_out(image: Image, left: int, top: int, right: int, bottom: int) -> Image:
    """Cut the columns left..right and rows top..bottom out, ends excluded.

    Returns:
        uint8, shape (bottom - top, right - left, 3); zero where it lies beyond the picture.
    """
    height, width = image.shape[:2]
    inside = image[
        min(max(top, 0), height) : min(max(bottom, 0), height),
        min(max(left, 0), width) : min(max(right, 0), width),
    ]
    if inside.shape[:2] == (bottom - top, right - left):
        return inside
    whole = np.zeros((bottom - top, right - left, 3), np.uint8)
    row, column = max(-top, 0), max(-left, 0)
    whole[row : row + inside.shape[0], column : column + inside.shape[1]] = inside
    return whole


def blurred(grey: Floats, deviation: float) -> Floats:
    """A grey picture, shape (height, width), under a Gaussian blur of so many pixels."""
    return np.asarray(cv2.GaussianBlur(grey, (0, 0), deviation), np.float32)


def suppressed(
    corners: Floats, scores: Floats, limit: float, groups: NDArray[np.int32] | None
) -> NDArray[np.intp]:
    """Non-maximum suppression by the intersection over the union.

    Args:
        corners: shape (n, 4): left, top, right, bottom, the last two excluded.
        scores: shape (n,); what has none above 0 is not kept.
        limit: overlap that is still allowed, 0 to 1.
        groups: shape (n,), boxes of different groups do not overlap; None is one group.

    Returns:
        Indices of the boxes that are kept, best score first; the earlier one of equals.
    """
    rectangles = corners.astype(np.float64)
    rectangles[:, 2:] -= rectangles[:, :2]
    if groups is None:
        kept = cv2.dnn.NMSBoxes(rectangles.tolist(), scores.tolist(), 0.0, limit)
    else:
        kept = cv2.dnn.NMSBoxesBatched(
            rectangles.tolist(), scores.tolist(), groups.tolist(), 0.0, limit
        )
    return np.array(kept, np.intp)
