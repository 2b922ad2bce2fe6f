"""Bytes to pictures and back.

What comes in is hostile until it is decoded: bytes, pixels and work are bounded first, by what the
file's header claims. What could be costly all the same is decoded in a process that can be ended.
"""

import io
import re
from dataclasses import dataclass
from typing import IO

from PIL import Image as Pillow

from faceserver.errors import EmptyFile, FileTooLarge, NotAnImage, TruncatedImage
from faceserver.pictures import decoder_process, jpeg_decoder, limits, opening, pillow_decoder
from faceserver.pictures.kinds import HEAD_BYTES, PICTURES, kind_of
from faceserver.runtime import metrics
from faceserver.types import DecodedPicture, Image

MIN_SIDE = limits.MIN_SIDE

JPEG_QUALITY = 95
"""Of the pictures that are stored: no difference to see, and none that an embedding shows."""

COPY_QUALITY = 88
"""Of copies that are made to be looked at."""

_WEBP_QUALITY = 78

_WEBP_METHOD = 2
"""Of Pillow's 0 to 6: half the time of its default, for files that are a twentieth larger."""

MAX_PIXELS = 178_956_970
"""Pillow's own ceiling."""

_SENT_AS = re.compile(rb"sent as (\d{1,6}) x (\d{1,6})")
"""The comment of a stored picture that was halved."""

_WHAT_IT_IS = {
    "raw": "This is a camera's raw file (CR2, CR3, NEF, ARW, DNG, RAF or the like): save it as "
    "JPEG, PNG or TIFF.",
    "PSD": "This is a Photoshop document: save it as JPEG, PNG or TIFF.",
    "SVG": "This is a drawing (SVG), not a photograph.",
    "icon": "This is an icon, not a photograph.",
    "video": "This is a video: send a frame of it as a picture.",
    "audio": "This is sound, not a picture.",
    "pdf": "This is a PDF: save its page as a picture.",
    "zip": "This is a zip archive, not a picture.",
    "archive": "This is an archive, not a picture.",
    "database": "This is a database, not a picture.",
    "program": "This is a program, not a picture.",
}
_READ = "This is no JPEG, PNG, BMP, GIF, TIFF, WebP, HEIC, AVIF or JPEG XL picture."


@metrics.stage("decode")
def decode(data: bytes, *, max_bytes: int, max_pixels: int) -> DecodedPicture:
    """Decode a picture: JPEG, PNG, BMP, TIFF, WebP, HEIC, AVIF, JPEG XL, or a GIF's first frame.

    The EXIF orientation is applied, colours become sRGB by the picture's profile, and what is
    transparent becomes white. 16-bit values are scaled by the range that they have. A picture of
    more than :data:`limits.WHOLE_PIXELS` comes out at half its size. One that lacks next to nothing
    at its end is taken.

    Args:
        data: the file's content.
        max_bytes: most bytes that are taken.
        max_pixels: most pixels that are taken; :data:`MAX_PIXELS` holds in any case.

    Raises:
        EmptyFile: there are no bytes.
        FileTooLarge: there are more than max_bytes.
        NotAnImage: the format is not one of those above, or its values have no known range, as
            in a TIFF of floats.
        TruncatedImage: it begins as a picture and cannot be decoded to its end.
        TooManyPixels: it has more than max_pixels, or takes more work than any picture should.
        ImageTooSmall: a side is shorter than MIN_SIDE.
        TimedOut: the request that this is done for has taken too long.
    """
    if not data:
        raise EmptyFile("The file is empty.")
    if len(data) > max_bytes:
        raise FileTooLarge(f"The file has {len(data):,} bytes; at most {max_bytes:,} are allowed.")
    kind = _kind(data)
    if limits.is_ordinary(data, kind):
        quickly = jpeg_decoder.decode(data, max_pixels=max_pixels) if kind == "JPEG" else None
        return quickly or pillow_decoder.decode(data, kind, max_pixels=max_pixels)
    return decoder_process.decode(data, kind, max_pixels=max_pixels)


def decode_stored(data: bytes) -> DecodedPicture:
    """Decode a picture that :func:`encode` has made.

    Raises:
        ImageError: it is damaged.
    """
    stored = decode(data, max_bytes=len(data), max_pixels=MAX_PIXELS)
    return DecodedPicture(stored.image, *stored_size(io.BytesIO(data)))


def stored_size(stream: IO[bytes]) -> tuple[int, int]:
    """Width and height with which a picture was sent that :func:`encode` has made, in pixels.

    Raises:
        TruncatedImage: it is damaged.
    """
    try:
        with Pillow.open(stream) as header:
            return _size_as_sent(header)
    except OSError as error:
        raise TruncatedImage("The stored picture is damaged.") from error


@dataclass(frozen=True)
class Copy:
    """A smaller copy of a stored picture, as JPEG.

    Attributes:
        content: the file.
        width: of the picture as it was sent, in pixels; boxes and points are told in these.
        height: likewise.
    """

    content: bytes
    width: int
    height: int


def smaller_copy(data: bytes, side: int) -> Copy:
    """Make a copy of a picture that :func:`encode` has made, to be looked at on a screen.

    Args:
        data: the stored file.
        side: longest side of the copy in pixels; one that is no larger is given as it is.

    Raises:
        TruncatedImage: it is damaged.
    """
    try:
        with Pillow.open(io.BytesIO(data)) as picture:
            width, height = _size_as_sent(picture)
            if max(picture.size) <= side:
                return Copy(data, width, height)
            # A JPEG is decoded at a half, a quarter or an eighth of its size where that will do.
            picture.thumbnail((side, side), Pillow.Resampling.LANCZOS, reducing_gap=2.0)
            file = io.BytesIO()
            picture.save(file, "JPEG", quality=COPY_QUALITY, comment=b"")
    except (OSError, SyntaxError, ValueError) as error:
        raise TruncatedImage("The stored picture is damaged.") from error
    return Copy(file.getvalue(), width, height)


def _size_as_sent(stored: Pillow.Image) -> tuple[int, int]:
    """Width and height of a stored picture before it was halved, if it was."""
    comment = stored.info.get("comment")
    known = _SENT_AS.fullmatch(comment) if isinstance(comment, bytes) else None
    return (int(known[1]), int(known[2])) if known else stored.size


def encode(picture: DecodedPicture) -> bytes:
    """Encode a picture for storing; see :func:`encode_jpeg`.

    One that was halved carries the size that it was sent with as its comment, so that faces can be
    found in it by their place in the picture as it was sent.
    """
    sent_as = f"sent as {picture.width} x {picture.height}"
    return encode_jpeg(picture.image, comment="" if picture.scale == 1 else sent_as)


def encode_jpeg(image: Image, quality: int = JPEG_QUALITY, comment: str = "") -> bytes:
    """Encode a picture as a fresh JPEG with full colour resolution and no metadata at all.

    Args:
        image: RGB, shape (height, width, 3), uint8.
        quality: 1 to 95.
        comment: the JPEG's comment; none if empty.

    Returns:
        The file's content; the same picture always gives the same bytes.
    """
    file = io.BytesIO()
    Pillow.fromarray(image).save(
        file, "JPEG", quality=quality, subsampling="4:4:4", comment=comment.encode()
    )
    return file.getvalue()


def encode_webp(image: Image, side: int) -> bytes:
    """Encode a square picture, scaled to a side, as a small WebP without metadata.

    Args:
        image: RGB, shape (n, n, 3), uint8.
        side: of the copy, in pixels.
    """
    file = io.BytesIO()
    shown = Pillow.fromarray(image).resize((side, side), Pillow.Resampling.BICUBIC)
    shown.save(file, "WEBP", quality=_WEBP_QUALITY, method=_WEBP_METHOD)
    return file.getvalue()


def _kind(data: bytes) -> str:
    """One of the kinds that are read.

    Raises:
        NotAnImage: it is none, with what it is.
    """
    kind = kind_of(data[:HEAD_BYTES])
    if kind in opening.PLUGINS:
        return kind
    if kind in PICTURES and kind not in _WHAT_IT_IS:
        raise NotAnImage(f"Pictures of the kind {kind} are not read: save it as JPEG, PNG or TIFF.")
    raise NotAnImage(_WHAT_IT_IS.get(kind or "", _READ))
