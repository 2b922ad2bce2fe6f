"""Reads the headers of picture files with Pillow: what they are, how large, and which way up."""

import io
import re
import warnings

from PIL import Image as Pillow

from faceserver.errors import (
    ImageTooSmall,
    LibraryMissing,
    NotAnImage,
    TooManyPixels,
    TruncatedImage,
)
from faceserver.pictures import limits
from faceserver.types import Note

PLUGINS = {
    **{kind: kind for kind in ("JPEG", "PNG", "BMP", "GIF", "TIFF", "WEBP", "AVIF", "JXL")},
    "HEIC": "HEIF",
}
"""The kinds that are read, and what Pillow calls them. A phone's MPO is a JPEG with more pictures
behind it, of which the first counts."""

_ORIENTATION_TAG = 0x0112
SIDEWAYS = frozenset({5, 6, 7, 8})
"""Orientations of pictures that lie on their side."""

_FLOAT = 3  # SampleFormat of TIFF 6.0
_SAMPLE_FORMAT = 339
_PILLOW_IS_SILENT = ("ignore", None, Warning, re.compile(r"PIL\."), 0)


def opened(data: bytes, kind: str, max_pixels: int) -> Pillow.Image:
    """Read a picture's header alone, and check its size; the caller closes it.

    Raises:
        ImageError: it cannot be used.
    """
    silence_pillow()
    picture = open_unchecked(data, kind)
    _check_size(picture, max_pixels)
    return picture


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


def open_unchecked(data: bytes, kind: str) -> Pillow.Image:
    """Read the header alone, of a picture of whatever size; see :func:`opened`."""
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


def first_notes(picture: Pillow.Image) -> list[Note]:
    """What its header alone has to say of a picture."""
    try:
        has_more = bool(getattr(picture, "is_animated", False))
    except Exception:  # noqa: BLE001 - what stands behind the picture does not make it unusable
        has_more = False
    return ["further_pages_ignored"] if has_more else []


def orientation(picture: Pillow.Image) -> int:
    """The EXIF orientation, 1 where there is none or none that makes sense."""
    if picture.format == "JXL" and not getattr(picture, "jpeg", False):
        return 1  # its decoder has turned it
    try:
        value = picture.getexif().get(_ORIENTATION_TAG)
    except Exception:  # noqa: BLE001 - damaged metadata does not make a picture unusable
        return 1
    return value if isinstance(value, int) else 1
