"""How much work a file asks for, told from its headers before anything of it is decoded.

Most pictures are decoded where they are needed. A file that could keep a processor busy for long,
or take much memory, whatever its size, is decoded in a process that can be ended
(:mod:`faceserver.pictures.decoder_process`). What is told here is bounded in time as well: each
walk over a header ends after some thousand steps.
"""

import struct
from collections.abc import Callable, Iterator

from faceserver.errors import TooManyPixels, TruncatedImage

MIN_SIDE = 12
"""Shortest side that is taken, in pixels: MTCNN's first net looks at cells of 12 x 12."""

WHOLE_PIXELS = 40_000_000
"""Pictures with more pixels than this are halved on their way in, so that memory is bounded."""

MAX_JPEG_SCANS = 500
"""A progressive JPEG has about ten. Each scan walks over the whole picture, however few bytes it
has, so that a small file with many of them would keep a processor busy for minutes."""

MAX_JPEG_VISITS = 4_000_000_000
"""Pixels times scans beyond which a JPEG is refused: 108 million pixels in 37 scans."""

_ORDINARY_VISITS = 600_000_000
_ORDINARY_PIXELS = 64_000_000
_ORDINARY_EXIF = 65_536
"""Bytes of a JPEG's one segment. A directory's values may overlap, so that reading one takes
memory by the square of its size."""
_ORDINARY_SEGMENTS = 500
_ORDINARY_CHUNKS = 20_000
_ORDINARY_EXTRAS = 100
"""Chunks of a PNG that are not of its pixels; each may hold a compressed megabyte."""
_ORDINARY_GIF = 2_000_000
"""Bytes: what stands between a GIF's frames is read block by block, by slow means."""
_ORDINARY_TAGS = 100
_ORDINARY_TIFF_VALUES = 2_000_000

SECONDS = 2.0
"""Processor time that any file may take in a decoder's process."""

_SECONDS_A_PIXEL = 80e-9
_SECONDS_A_FILM_PIXEL = 200e-9
"""Of the kinds that are compressed as films are. Several times what honest pictures take."""

MAX_WAIT = 60.0
"""Seconds by the clock after which a decoder is ended, should it do nothing but wait."""


def is_ordinary(data: bytes, kind: str) -> bool:
    """Whether decoding is sure to take little time and memory for what the header claims.

    Args:
        data: the file's content.
        kind: see :func:`faceserver.pictures.kinds.kind_of`.

    Raises:
        TooManyPixels: decoding would take more work than is done for any picture.
        TruncatedImage: it is a JPEG with more scans than any honest one.
    """
    look = _LOOKS.get(kind)
    try:
        return look is not None and look(data)
    except (struct.error, IndexError):  # cut short: whoever decodes it finds out at once
        return True


def seconds(kind: str, pixels: int) -> float:
    """Processor time that a picture of a kind may take with so many pixels; at first with none."""
    each = _SECONDS_A_PIXEL if kind in _LOOKS else _SECONDS_A_FILM_PIXEL
    return SECONDS + pixels * each


def _jpeg(data: bytes) -> bool:
    pixels = exif = 0
    arithmetic = False
    end = 2
    for number, (marker, start, end) in enumerate(_jpeg_segments(data)):
        if number > _ORDINARY_SEGMENTS:
            return False
        if marker == 0xE1:
            exif += end - start
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", data, start + 1)
            pixels = max(pixels, height * width)
            arithmetic |= marker > 0xC8
    scans = data.count(b"\xff\xda", end) + 1
    if scans > MAX_JPEG_SCANS:
        raise TruncatedImage(f"The JPEG has more than {MAX_JPEG_SCANS} scans.")
    if pixels * scans > MAX_JPEG_VISITS:
        raise TooManyPixels(
            f"The JPEG has {scans} scans of {pixels:,} pixels, which takes too long to decode."
        )
    return exif <= _ORDINARY_EXIF and pixels * scans <= _ORDINARY_VISITS and not arithmetic


def _jpeg_segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Marker, begin and end of what it holds, up to the first scan."""
    at = 2
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            at += 1  # what stands between segments is passed over by every reader
            yield 0, at, at
            continue
        marker = data[at + 1]
        if marker in (0xFF, 0x00, 0x01) or 0xD0 <= marker <= 0xD8:
            at += 1 if marker == 0xFF else 2
            yield 0, at, at
            continue
        (length,) = struct.unpack_from(">H", data, at + 2)
        yield marker, at + 4, at + 2 + length
        if marker == 0xDA:
            return
        at += 2 + length


def _png(data: bytes) -> bool:
    width: int
    height: int
    width, height = struct.unpack_from(">II", data, 16)
    extras = 0
    at = 8
    for _ in range(_ORDINARY_CHUNKS):
        if at + 8 > len(data):
            return width * height <= _ORDINARY_PIXELS
        length, name = struct.unpack_from(">I4s", data, at)
        extras += name != b"IDAT"
        if extras > _ORDINARY_EXTRAS or (name == b"eXIf" and length > _ORDINARY_EXIF):
            return False
        at += 12 + length
    return False


def _webp(data: bytes) -> bool:
    at = 12
    for _ in range(_ORDINARY_EXTRAS):
        if at + 8 > len(data):
            return True
        name, length = struct.unpack_from("<4sI", data, at)
        if name == b"EXIF" and length > _ORDINARY_EXIF:
            return False
        if name == b"VP8X":
            width = int.from_bytes(data[at + 12 : at + 15], "little") + 1
            height = int.from_bytes(data[at + 15 : at + 18], "little") + 1
            if width * height > _ORDINARY_PIXELS:
                return False
        at += 8 + length + length % 2
    return False


def _gif(data: bytes) -> bool:
    width: int
    width, height, flags = struct.unpack_from("<HHB", data, 6)
    at = 13 + (3 << (flags % 8 + 1) if flags & 0x80 else 0)
    for _ in range(_ORDINARY_EXTRAS):
        if at >= len(data) or data[at] != 0x21:
            return len(data) <= _ORDINARY_GIF and width * height <= _ORDINARY_PIXELS
        at += 2
        for _ in range(_ORDINARY_EXTRAS):
            length = data[at]
            at += 1 + length
            if not length:
                break
        else:
            return False
    return False


def _bmp(data: bytes) -> bool:
    if data[14:18] == b"\x0c\0\0\0":
        return True  # the oldest header: 16 bits a side, never compressed
    width, height, _, _, compression = struct.unpack_from("<iiHHI", data, 18)
    # Runs of equal pixels are unpacked one by one, by slow means.
    return compression in (0, 3) and abs(int(width) * int(height)) <= _ORDINARY_PIXELS


_TIFF_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}
_QUICK_COMPRESSIONS = {1, 5, 8, 32773, 32946}  # none, LZW, deflate, PackBits, deflate's old number
_FURTHER_DIRECTORIES = {330, 34665, 34853, 40965}


def _tiff(data: bytes) -> bool:
    tags = tiff_tags(data)
    if tags is None or len(tags) > _ORDINARY_TAGS or tags.keys() & _FURTHER_DIRECTORIES:
        return False
    values = sum(_TIFF_SIZES.get(kind, 1) * count for kind, count, _ in tags.values())
    pixels = _one(tags, 256, 0) * _one(tags, 257, 0)
    samples = min(_one(tags, 277, 1), 64) * pixels
    is_quick = _one(tags, 259, 1) in _QUICK_COMPRESSIONS
    return is_quick and values <= _ORDINARY_TIFF_VALUES and samples <= _ORDINARY_PIXELS


def tiff_tags(data: bytes) -> dict[int, tuple[int, int, int]] | None:
    """Type, count and value of a classic TIFF's first directory, by tag; None if it has none.

    A value that does not fit into four bytes is the place where it stands.
    """
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(data[:4])
    if order is None:
        return None
    (start,) = struct.unpack_from(f"{order}I", data, 4)
    (entries,) = struct.unpack_from(f"{order}H", data, start)
    tags = {}
    for at in range(start + 2, start + 2 + 12 * min(entries, 1000), 12):
        tag, kind, count = struct.unpack_from(f"{order}HHI", data, at)
        (value,) = struct.unpack_from(f"{order}H" if kind == 3 else f"{order}I", data, at + 8)
        tags[tag] = (kind, count, value)
    return tags


def _one(tags: dict[int, tuple[int, int, int]], tag: int, default: int) -> int:
    return tags[tag][2] if tag in tags else default


_LOOKS: dict[str, Callable[[bytes], bool]] = {
    "JPEG": _jpeg,
    "PNG": _png,
    "WEBP": _webp,
    "GIF": _gif,
    "BMP": _bmp,
    "TIFF": _tiff,
}
"""HEIC, AVIF and JPEG XL are missing: their decoders are large, and their headers tell little."""
