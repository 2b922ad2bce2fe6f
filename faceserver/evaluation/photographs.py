"""Reading the user's own photographs, also in the format that old research sets are in."""

import re
from pathlib import Path

import numpy as np

from faceserver.errors import ImageError, TruncatedImage
from faceserver.pictures import codec
from faceserver.types import Image

SUFFIXES = frozenset(
    {".avif", ".bmp", ".gif", ".heic", ".heif", ".jpeg", ".jpg", ".jxl", ".pgm", ".png", ".tif"}
    | {".tiff", ".webp"}
)

_MAX_PIXELS = 178_956_970  # Pillow's own ceiling: these are the user's own files

_GAP = rb"(?:\s+|#[^\n]*\n)+"
_PGM = re.compile(rb"P5" + _GAP + rb"(\d{1,6})" + _GAP + rb"(\d{1,6})" + _GAP + rb"(\d{1,5})\s")
"""How a binary PGM begins: columns, rows, the value of white."""


def read(path: Path) -> Image:
    """Decode a photograph: whatever the server takes, and binary PGM.

    Returns:
        RGB, shape (height, width, 3), uint8, upright.

    Raises:
        ImageError: the file cannot be read, or is no picture.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ImageError(f"the file cannot be read: {error.strerror}") from error
    if found := _PGM.match(data):
        columns, rows, white = map(int, found.groups())
        return _pgm(data[found.end() :], (rows, columns), white)
    return codec.decode(data, max_bytes=max(len(data), 1), max_pixels=_MAX_PIXELS).image


def _pgm(data: bytes, shape: tuple[int, int], white: int) -> Image:
    """The pixels of a PGM behind its head; those of more than 8 bits have the high byte first."""
    kind = np.dtype(np.uint8 if white < 256 else ">u2")
    pixels = shape[0] * shape[1]
    if not 0 < white < 65536 or min(shape) < codec.MIN_SIDE:
        raise ImageError("this PGM has too few pixels, or no values")
    if len(data) < pixels * kind.itemsize:
        raise TruncatedImage("the file ends too early")
    values = np.frombuffer(data, kind, pixels).astype(np.float32) * (255 / white)
    grey = np.rint(np.minimum(values, 255)).astype(np.uint8).reshape(shape)
    return np.repeat(grey[:, :, np.newaxis], 3, axis=2)
