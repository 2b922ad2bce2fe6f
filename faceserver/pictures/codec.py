"""Bytes to pictures and back: Pillow decodes, and nothing it dislikes leaves here as its own error.

What comes in is hostile until it is decoded: the byte and pixel limits are checked first, on what
the file's header claims.
"""

import io
import re
import warnings

import numpy as np
from PIL import Image as Pillow
from PIL.Image import Transpose

from faceserver.errors import (
    EmptyFile,
    FileTooLarge,
    ImageError,
    ImageTooSmall,
    NotAnImage,
    TooManyPixels,
    TruncatedImage,
)
from faceserver.runtime import metrics
from faceserver.types import Image

MIN_SIDE = 12
"""Shortest side that is taken, in pixels: MTCNN's first net looks at cells of 12 x 12."""

JPEG_QUALITY = 95
"""Of the pictures that are stored: no difference to see, and none that an embedding shows."""

_FORMATS = ("JPEG", "PNG", "BMP", "GIF", "TIFF", "WEBP")
"""What is read. A phone's MPO is a JPEG with more pictures behind it, of which the first counts."""

_SIGNATURE = re.compile(
    rb"\xff\xd8\xff|\x89PNG\r\n\x1a\n|GIF8[79]a|II[*+]\0|MM\0[*+]|RIFF....WEBP", re.DOTALL
)
"""How the formats begin, except BMP, whose two letters begin many a text as well."""

_MAX_JPEG_SCANS = 500
"""A progressive JPEG has about ten. Each scan walks over the whole picture, however few bytes it
has, so that a small file with many of them would keep a processor busy for minutes."""

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

_STRIP = 64
"""Rows that are copied at once: they fit into the processor's cache."""

_COLOR_MODES = frozenset({"1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr"})
_DEEP_GRAY_MODES = frozenset({"I;16", "I;16L", "I;16B"})

_PILLOW_IS_SILENT = ("ignore", None, Warning, re.compile(r"PIL\."), 0)


@metrics.stage("decode")
def decode(data: bytes, *, max_bytes: int, max_pixels: int) -> Image:
    """Decode a picture: JPEG, PNG, BMP, TIFF, WebP, or the first frame of a GIF.

    The EXIF orientation is applied, what is transparent becomes white, and 16-bit values keep
    their upper 8 bits. Colour profiles are not applied.

    Args:
        data: the file's content.
        max_bytes: most bytes that are taken.
        max_pixels: most pixels that are taken. Pillow's own ceiling of about 179 million holds
            in any case.

    Returns:
        RGB, shape (height, width, 3), uint8, upright, read-only.

    Raises:
        EmptyFile: there are no bytes.
        FileTooLarge: there are more than max_bytes.
        NotAnImage: the format is not one of those above, or its values have no known range, as
            in a TIFF of floats.
        TruncatedImage: it begins as a picture and cannot be decoded to its end.
        TooManyPixels: its header claims more than max_pixels.
        ImageTooSmall: a side is shorter than MIN_SIDE.
    """
    if not data:
        raise EmptyFile("The file is empty.")
    if len(data) > max_bytes:
        raise FileTooLarge(f"The file has {len(data):,} bytes; at most {max_bytes:,} are allowed.")
    _silence_pillow()
    with _open(data) as picture:
        _check_size(picture, max_pixels)
        _check_scans(picture, data)
        return _to_rgb(picture)


def encode_jpeg(image: Image, quality: int = JPEG_QUALITY) -> bytes:
    """Encode a picture as a fresh JPEG with full colour resolution and no metadata at all.

    Args:
        image: RGB, shape (height, width, 3), uint8.
        quality: 1 to 95.

    Returns:
        The file's content; the same picture always gives the same bytes.
    """
    file = io.BytesIO()
    Pillow.fromarray(image).save(file, "JPEG", quality=quality, subsampling="4:4:4")
    return file.getvalue()


def _silence_pillow() -> None:
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


def _open(data: bytes) -> Pillow.Image:
    """Read the header alone."""
    try:
        return Pillow.open(io.BytesIO(data), formats=_FORMATS)
    except (Pillow.DecompressionBombError, MemoryError) as error:
        raise TooManyPixels("The picture has more pixels than can be decoded.") from error
    except Exception as error:
        if _SIGNATURE.match(data):
            raise TruncatedImage("The picture is truncated or damaged.") from error
        raise NotAnImage("This is no JPEG, PNG, BMP, GIF, TIFF or WebP picture.") from error


def _check_size(picture: Pillow.Image, max_pixels: int) -> None:
    width, height = picture.size
    if width * height > max_pixels:
        raise TooManyPixels(
            f"The picture has {width:,} x {height:,} pixels; at most {max_pixels:,} are allowed."
        )
    if min(width, height) < MIN_SIDE:
        raise ImageTooSmall(
            f"The picture has {width} x {height} pixels; each side needs at least {MIN_SIDE}."
        )


def _check_scans(picture: Pillow.Image, data: bytes) -> None:
    if picture.format in {"JPEG", "MPO"} and data.count(b"\xff\xda") > _MAX_JPEG_SCANS:
        raise TruncatedImage(f"The JPEG has more than {_MAX_JPEG_SCANS} scans.")


def _to_rgb(picture: Pillow.Image) -> Image:
    """Decode the pixels of an opened picture."""
    try:
        picture.load()
        # Asked for after loading: Pillow has then turned a TIFF by itself and dropped the tag.
        turn = _UPRIGHT.get(_orientation(picture))
        flat = _flatten(picture)
        upright = flat if turn is None else flat.transpose(turn)
        return _to_array(upright)
    except ImageError:
        raise
    except MemoryError as error:
        raise TooManyPixels("The picture does not fit into memory.") from error
    except Exception as error:
        raise TruncatedImage("The picture is truncated or damaged.") from error


def _orientation(picture: Pillow.Image) -> int:
    """The EXIF orientation, 1 where there is none or none that makes sense."""
    try:
        value = picture.getexif().get(_ORIENTATION_TAG)
    except Exception:  # noqa: BLE001 - damaged metadata does not make a picture unusable
        return 1
    return value if isinstance(value, int) else 1


def _flatten(picture: Pillow.Image) -> Pillow.Image:
    """Bring a loaded picture of any mode to 8-bit RGB."""
    if picture.mode in _DEEP_GRAY_MODES:
        # Pillow's own conversion clips at 255. The upper byte is also what Pillow keeps of
        # 16-bit colour, so that gray and colour agree.
        gray = (np.asarray(picture) >> 8).astype(np.uint8)
        return Pillow.fromarray(gray).convert("RGB")
    if picture.mode not in _COLOR_MODES:
        raise NotAnImage(f"Pictures with pixels of the kind {picture.mode} are not read.")
    if not picture.has_transparency_data:
        return _as_mode(picture, "RGB")
    page = Pillow.new("RGB", picture.size, "white")
    layer = _as_mode(picture, "RGBA")
    page.paste(layer, mask=layer)
    return page


def _as_mode(picture: Pillow.Image, mode: str) -> Pillow.Image:
    """Convert, without the copy that Pillow makes when there is nothing to convert."""
    return picture if picture.mode == mode else picture.convert(mode)


def _to_array(picture: Pillow.Image) -> Image:
    """Copy RGB pixels into numpy: strip by strip, in half the time and memory of one piece."""
    width, height = picture.size
    image = np.empty((height, width, 3), np.uint8)
    for top in range(0, height, _STRIP):
        bottom = min(top + _STRIP, height)
        image[top:bottom] = np.asarray(picture.crop((0, top, width, bottom)))
    image.flags.writeable = False
    return image
