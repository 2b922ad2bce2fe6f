"""Cutting squares out of pictures and scaling them."""

import cv2
import numpy as np

from faceserver.types import Image


def resize(image: Image, width: int, height: int) -> Image:
    """Scale a picture: by area where it shrinks (no aliasing), linearly where it grows."""
    shrinks = width * height < image.shape[0] * image.shape[1]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, (width, height), interpolation=method), np.uint8)


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
