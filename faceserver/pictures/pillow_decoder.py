"""Decodes with Pillow, in the process that calls; nothing Pillow dislikes leaves as its own error.

:mod:`faceserver.pictures.codec` decides what is decoded here at once, and what in a process that
can be ended.
"""

from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image as Pillow
from PIL.Image import Transpose

from faceserver.errors import (
    ImageError,
    TooManyPixels,
    TruncatedImage,
)
from faceserver.pictures import colour, incomplete, limits, nclx, opening
from faceserver.types import DecodedPicture, Image, Note

_UPRIGHT = {
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_270,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_90,
}
"""What turns a picture upright, by its EXIF orientation; 1 is upright already."""
_AVERAGED = frozenset({"L", "LA", "RGB", "RGBA", "CMYK", "YCbCr"})
"""Modes of which the mean of four pixels is one pixel of the halved picture."""

_STRIP = 64
"""Rows that are copied at once: they fit into the processor's cache."""

_SWAPPED = {"B": "L", "L": "B", "N": "B"}
"""The other byte order of each of Pillow's raw modes; the machine's own is little-endian."""

_SCALED_DOWN: tuple[Note, ...] = ("picture_scaled_down",)

Work = Callable[[int], None]
"""Is told how many pixels a picture has, before they are decoded."""


def decode(data: bytes, kind: str, *, max_pixels: int, work: Work | None = None) -> DecodedPicture:
    """Decode a picture's first, or main, frame; see :func:`faceserver.pictures.codec.decode`.

    Args:
        data: the file's content.
        kind: one of :data:`opening.PLUGINS`.
        max_pixels: most pixels that are taken.
        work: told the number of pixels.

    Raises:
        ImageError: it cannot be used.
    """
    with opening.opened(data, kind, max_pixels) as picture:
        if work is not None:
            work(picture.width * picture.height)
        return _decoded(picture, data, kind)


# Two functions here catch Exception, for the reason that :mod:`faceserver.pictures.opening` gives.


def _decoded(picture: Pillow.Image, data: bytes, kind: str) -> DecodedPicture:
    try:
        size = _halve_early(picture)
        profile = picture.info.get("icc_profile")
        if profile is None and kind in {"HEIC", "AVIF"}:
            profile = nclx.profile_of(data)
        notes = opening.first_notes(picture)
        deep = _deep_mode(picture)
        try:
            picture.load()
        except MemoryError:
            raise
        except Exception as error:
            mended = incomplete.complete(
                data, kind, lambda file, mode: _opened_alike(file, kind, mode)
            )
            if mended is None:
                raise TruncatedImage("The picture is truncated or damaged.") from error
            picture = mended
            notes.append("picture_incomplete")
        # Asked for after loading: Pillow has then turned a TIFF by itself and dropped the tag.
        turned = opening.orientation(picture)
        if kind == "TIFF":
            size = picture.size if size == picture.size[::-1] else size
        whole = _in_full_depth(picture, data, kind, deep)
        # Before the colours where that can be, for it saves memory; of a palette it cannot.
        small = _halve_late(whole) if whole.mode in _AVERAGED else whole
        flat = _halve_late(colour.flatten(small, profile if isinstance(profile, bytes) else None))
        turn = _UPRIGHT.get(turned)
        image = _to_array(flat if turn is None else flat.transpose(turn))
    except ImageError:
        raise
    except MemoryError as error:
        raise TooManyPixels("The picture does not fit into memory.") from error
    except Exception as error:
        raise TruncatedImage("The picture is truncated or damaged.") from error
    return as_sent(image, size, turned, notes)


def as_sent(
    image: Image,
    size: tuple[int, int],
    turned: int,
    notes: Sequence[Note],
) -> DecodedPicture:
    """Put a decoded picture together with what is to be said of it.

    Args:
        image: upright.
        size: width and height as they stand in the file.
        turned: the EXIF orientation.
        notes: what else there is to say.
    """
    image.flags.writeable = False
    width, height = size[::-1] if turned in opening.SIDEWAYS else size
    is_whole = (height, width) == image.shape[:2]
    return DecodedPicture(image, width, height, (*notes, *(() if is_whole else _SCALED_DOWN)))


def _halve_early(picture: Pillow.Image, mode: str | None = None) -> tuple[int, int]:
    """Let a large JPEG be decoded at half its size, and in a mode; return the whole one's size."""
    width, height = picture.size
    if width * height > limits.WHOLE_PIXELS:
        picture.draft(mode, (width // 2, height // 2))
    elif mode is not None:
        picture.draft(mode, picture.size)
    return width, height


def _halve_late(picture: Pillow.Image) -> Pillow.Image:
    """Halve what no decoder could halve."""
    is_large = picture.width * picture.height > limits.WHOLE_PIXELS
    return picture.reduce(2) if is_large else picture


def _opened_alike(data: bytes, kind: str, mode: str | None) -> Pillow.Image:
    picture = opening.open_unchecked(data, kind)
    _halve_early(picture, mode)
    return picture


def _deep_mode(picture: Pillow.Image) -> str | None:
    """The raw mode of colours of 16 bits, of which Pillow keeps the upper 8."""
    for tile in getattr(picture, "tile", ())[:1]:
        mode = tile[3] if isinstance(tile[3], str) else tile[3][0]
        if isinstance(mode, str) and ";16" in mode and picture.mode in {"RGB", "RGBA"}:
            return mode
    return None


def _in_full_depth(picture: Pillow.Image, data: bytes, kind: str, deep: str | None) -> Pillow.Image:
    """Colours of 16 bits that are next to black in their upper 8, by the range that they have."""
    if deep is None or deep[-1] not in _SWAPPED:
        return picture
    upper = np.asarray(picture)
    if upper[..., :3].max() >= 0x80:
        return picture
    other = opening.open_unchecked(data, kind)
    swapped = deep[:-1] + _SWAPPED[deep[-1]]
    other.tile = [  # type: ignore[attr-defined]
        tile._replace(args=swapped if isinstance(tile[3], str) else (swapped, *tile[3][1:]))
        for tile in other.tile  # type: ignore[attr-defined]
    ]
    other.load()
    lower = np.asarray(other)
    values = upper[..., :3].astype(np.uint16) << 8 | lower[..., :3]
    made = colour.upper_bits(values)
    return Pillow.fromarray(np.concatenate([made, upper[..., 3:]], axis=2))


def _to_array(picture: Pillow.Image) -> Image:
    """Copy RGB pixels into numpy: strip by strip, in half the time and memory of one piece."""
    width, height = picture.size
    image = np.empty((height, width, 3), np.uint8)
    for top in range(0, height, _STRIP):
        bottom = min(top + _STRIP, height)
        image[top:bottom] = np.asarray(picture.crop((0, top, width, bottom)))
    return image
