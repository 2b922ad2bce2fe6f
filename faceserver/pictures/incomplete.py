"""Pictures whose last bytes are missing, as a broken download leaves them.

Every viewer shows them. They are decoded twice, over two different endings or backgrounds: what
differs was never in the file. Where that is next to nothing, the picture is taken.
"""

import random
import struct
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from faceserver.pictures.limits import WHOLE_PIXELS

MAX_MISSING = 0.03
"""Share of the pixels that may be missing: the lower edge, where no face is lost."""

_JPEG_END = b"\xff\xd9"
_NOISE = bytes(random.Random(1).choices(range(255), k=4096))  # noqa: S311 - no secret
_JPEG_BLOCK = 16

Open = Callable[[bytes, str | None], Pillow.Image]
"""Opens a file without decoding it; a JPEG in a mode, where one is given and it can be had."""


def complete(data: bytes, kind: str, opened: Open) -> Pillow.Image | None:
    """Decode as much of a picture as is there, where nearly all of it is.

    Args:
        data: the file's content, which could not be decoded to its end.
        kind: see :func:`faceserver.pictures.kinds.kind_of`.
        opened: opens the file, or a mended one.

    Returns:
        The loaded picture; None if too much of it is missing.
    """
    try:
        return _jpeg(data, opened) if kind == "JPEG" else _by_pixels(data, opened)
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - see pillow_decoder: Pillow promises no errors of its own
        return None


def _jpeg(data: bytes, opened: Open) -> Pillow.Image | None:
    there = data.rstrip(b"\xff")
    if not _has_every_scan(there):
        return None
    picture = opened(there + _JPEG_END, None)
    picture.load()
    # Of the two that are compared, brightness alone: colours are smoothed over their blocks' edges.
    one, other = (opened(there + end, "L") for end in (_JPEG_END, _NOISE + _JPEG_END))
    one.load()
    other.load()
    return picture if _missing_behind_first_difference(one, other) <= MAX_MISSING else None


def _missing_behind_first_difference(picture: Pillow.Image, other: Pillow.Image) -> float:
    """Blocks come row by row: from the first that differs on, nothing was in the file."""
    width, height = picture.size
    for top, differs in _differences(picture, other):
        if differs.any():
            left = int(np.flatnonzero(differs.any(axis=0))[0])
            missing = (height - top) * width - len(differs) * left
            return missing / (height * width)
    return 0.0


def _differences(
    picture: Pillow.Image, other: Pillow.Image
) -> Iterator[tuple[int, NDArray[np.bool_]]]:
    """Which pixels differ, shape (rows, width), a row of blocks at a time, with its first row."""
    width, height = picture.size
    for top in range(0, height, _JPEG_BLOCK):
        box = (0, top, width, min(top + _JPEG_BLOCK, height))
        a, b = (np.asarray(each.crop(box)) for each in (picture, other))
        differs = a != b
        yield top, differs.any(axis=2) if differs.ndim == 3 else differs


def _has_every_scan(data: bytes) -> bool:
    """Whether a progressive JPEG has begun the scans that bring each part to full precision."""
    if b"\xff\xc2" not in data:
        return True
    full: dict[int, set[int]] = {}
    at = data.find(b"\xff\xda")
    while at >= 0:
        count = data[at + 4]
        parts = data[at + 5 : at + 5 + 2 * count : 2]
        first, last, precision = struct.unpack_from("BBB", data, at + 5 + 2 * count)
        for part in parts:
            full.setdefault(part, set())
            if precision % 16 == 0:
                full[part].update(range(first, last + 1))
        at = data.find(b"\xff\xda", at + 2)
    return all(len(coefficients) == 64 for coefficients in full.values())


def _by_pixels(data: bytes, opened: Open) -> Pillow.Image | None:
    with opened(data, None) as header:
        if header.width * header.height > WHOLE_PIXELS:
            return None  # two of them would take too much memory
    picture, other = _over(0, data, opened), _over(90, data, opened)
    missing = sum(int(differs.sum()) for _, differs in _differences(picture, other))
    return picture if missing <= MAX_MISSING * picture.width * picture.height else None


def _over(value: int, data: bytes, opened: Open) -> Pillow.Image:
    """The picture, decoded as far as it goes over a background of one value."""
    picture = opened(data, None)
    prepare = picture.load_prepare  # type: ignore[attr-defined]

    def prepared() -> None:
        prepare()
        bands = len(picture.getbands())
        picture.im.paste((value,) * bands if bands > 1 else value, (0, 0, *picture.size))

    picture.load_prepare = prepared  # type: ignore[attr-defined]
    try:
        picture.load()
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - it is known to be cut; what was decoded stays
        picture.tile = []  # type: ignore[attr-defined]
        picture.load_prepare = prepare  # type: ignore[attr-defined]
        picture.load()
    return picture
