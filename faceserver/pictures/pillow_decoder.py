"""Decodes with Pillow, in the process that calls; nothing Pillow dislikes leaves as its own error.

:mod:`faceserver.pictures.codec` decides what is decoded here at once, and what in a process that
can be ended.
"""

import io
import re
import warnings
from collections.abc import Callable

import numpy as np
from PIL import Image as Pillow
from PIL.Image import Transpose

from faceserver.errors import (
    ImageError,
    ImageTooSmall,
    LibraryMissing,
    NotAnImage,
    TooManyPixels,
    TruncatedImage,
)
from faceserver.pictures import colour, incomplete, limits, nclx
from faceserver.types import DecodedPicture, Image, Note

PLUGINS = {
    **{kind: kind for kind in ("JPEG", "PNG", "BMP", "GIF", "TIFF", "WEBP", "AVIF", "JXL")},
    "HEIC": "HEIF",
}
"""The kinds that are read, and what Pillow calls them. A phone's MPO is a JPEG with more pictures
behind it, of which the first counts."""

_ORIENTATION_TAG = 0x0112
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
_SIDEWAYS = frozenset({5, 6, 7, 8})

_AVERAGED = frozenset({"L", "LA", "RGB", "RGBA", "CMYK", "YCbCr"})
"""Modes of which the mean of four pixels is one pixel of the halved picture."""

_STRIP = 64
"""Rows that are copied at once: they fit into the processor's cache."""

_FLOAT = 3  # SampleFormat of TIFF 6.0
_SAMPLE_FORMAT = 339
_SWAPPED = {"B": "L", "L": "B", "N": "B"}
"""The other byte order of each of Pillow's raw modes; the machine's own is little-endian."""

_PILLOW_IS_SILENT = ("ignore", None, Warning, re.compile(r"PIL\."), 0)

Opened = Callable[[int], None]
"""Is told how many pixels a picture has, before they are decoded."""


def decode(
    data: bytes, kind: str, *, max_pixels: int, opened: Opened | None = None
) -> DecodedPicture:
    """Decode a picture's first, or main, frame; see :func:`faceserver.pictures.codec.decode`.

    Args:
        data: the file's content.
        kind: one of :data:`PLUGINS`.
        max_pixels: most pixels that are taken.
        opened: told the number of pixels.

    Raises:
        ImageError: it cannot be used.
    """
    silence_pillow()
    with _open(data, kind) as picture:
        _check_size(picture, max_pixels)
        if opened is not None:
            opened(picture.width * picture.height)
        return _decoded(picture, data, kind)


def silence_pillow() -> None:
    """Keep Pillow's warnings, which quote the file, from filling the log.

    This one filter stays in the process for good. ``warnings.catch_warnings`` is not safe in
    threads: it swaps the filters of the whole process, and two that overlap restore them wrongly.
    """
    if _PILLOW_IS_SILENT not in warnings.filters:
        warnings.filterwarnings("ignore", module=r"PIL\.")


# The next functions catch Exception, and mean it. On hostile bytes Pillow's plugins raise OSError,
# SyntaxError, ValueError, TypeError, IndexError, KeyError, EOFError, OverflowError, struct.error,
# zlib.error and others, with no promise in its documentation, so that any list would have holes.
# What stands inside each try is Pillow's alone; our own mistakes still show.


def _open(data: bytes, kind: str) -> Pillow.Image:
    """Read the header alone."""
    try:
        _load_plugin(kind)
        return Pillow.open(io.BytesIO(data), formats=(PLUGINS[kind],))
    except LibraryMissing as error:
        raise NotAnImage(str(error)) from error
    except (Pillow.DecompressionBombError, MemoryError) as error:
        raise TooManyPixels("The picture has more pixels than can be decoded.") from error
    except Exception as error:
        if kind == "TIFF":
            _check_tiff(data)
        raise TruncatedImage("The picture is truncated or damaged.") from error


def _load_plugin(kind: str) -> None:
    """Make known to Pillow what it does not read itself; these plugins register on import."""
    if kind == "HEIC":
        import pi_heif  # noqa: PLC0415 - large, and seldom needed

        pi_heif.register_heif_opener(
            thumbnails=False, depth_images=False, aux_images=False, decode_threads=2
        )
    elif kind == "JXL":
        try:
            import pillow_jxl  # noqa: F401, PLC0415 - an extra
        except ImportError as error:
            raise LibraryMissing("JPEG XL requires the package pillow-jxl-plugin.") from error


def _check_tiff(data: bytes) -> None:
    """Tell a TIFF that nobody here reads from one that is damaged.

    Raises:
        NotAnImage: its values have no known range.
    """
    try:
        tags = limits.tiff_tags(data) or {}
        _, count, value = tags.get(_SAMPLE_FORMAT, (3, 1, 1))
        if count > 2:
            order = "little" if data[:1] == b"I" else "big"
            value = int.from_bytes(data[value : value + 2], order)  # type: ignore[arg-type]
    except Exception as error:
        raise TruncatedImage("The picture is truncated or damaged.") from error
    if value == _FLOAT:
        raise NotAnImage("TIFF files of floating-point values are not supported.")
    if value in {2, 5, 6}:
        raise NotAnImage("TIFF files of signed or complex values are not supported.")


def _check_size(picture: Pillow.Image, max_pixels: int) -> None:
    width, height = picture.size
    if width * height > max_pixels:
        raise TooManyPixels(
            f"The picture has {width:,} x {height:,} pixels; at most {max_pixels:,} are allowed."
        )
    if min(width, height) < limits.MIN_SIDE:
        raise ImageTooSmall(
            f"The picture has {width} x {height} pixels; each side needs at least "
            f"{limits.MIN_SIDE}."
        )


def _decoded(picture: Pillow.Image, data: bytes, kind: str) -> DecodedPicture:
    try:
        size = _halve_early(picture)
        profile = picture.info.get("icc_profile")
        if profile is None and kind in {"HEIC", "AVIF"}:
            profile = nclx.profile_of(data)
        notes: list[Note] = ["further_pages_ignored"] if _has_more(picture) else []
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
        orientation = _orientation(picture)
        if kind == "TIFF":
            size = picture.size if size == picture.size[::-1] else size
        whole = _in_full_depth(picture, data, kind, deep)
        # Before the colours where that can be, for it saves memory; of a palette it cannot.
        small = _halve_late(whole) if whole.mode in _AVERAGED else whole
        flat = _halve_late(colour.flatten(small, profile if isinstance(profile, bytes) else None))
        turn = _UPRIGHT.get(orientation)
        image = _to_array(flat if turn is None else flat.transpose(turn))
    except ImageError:
        raise
    except MemoryError as error:
        raise TooManyPixels("The picture does not fit into memory.") from error
    except Exception as error:
        raise TruncatedImage("The picture is truncated or damaged.") from error
    width, height = size[::-1] if orientation in _SIDEWAYS else size
    if (height, width) != image.shape[:2]:
        notes.append("picture_scaled_down")
    return DecodedPicture(image, width, height, tuple(notes))


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
    picture = _open(data, kind)
    _halve_early(picture, mode)
    return picture


def _has_more(picture: Pillow.Image) -> bool:
    try:
        return bool(getattr(picture, "is_animated", False))
    except Exception:  # noqa: BLE001 - what stands behind the picture does not make it unusable
        return False


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
    other = _open(data, kind)
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


def _orientation(picture: Pillow.Image) -> int:
    """The EXIF orientation, 1 where there is none or none that makes sense."""
    if picture.format == "JXL" and not getattr(picture, "jpeg", False):
        return 1  # its decoder has turned it
    try:
        value = picture.getexif().get(_ORIENTATION_TAG)
    except Exception:  # noqa: BLE001 - damaged metadata does not make a picture unusable
        return 1
    return value if isinstance(value, int) else 1


def _to_array(picture: Pillow.Image) -> Image:
    """Copy RGB pixels into numpy: strip by strip, in half the time and memory of one piece."""
    width, height = picture.size
    image = np.empty((height, width, 3), np.uint8)
    for top in range(0, height, _STRIP):
        bottom = min(top + _STRIP, height)
        image[top:bottom] = np.asarray(picture.crop((0, top, width, bottom)))
    image.flags.writeable = False
    return image
