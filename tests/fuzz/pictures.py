"""Pictures that were tampered with: each format's headers, and bombs."""

import struct
import zlib
from collections.abc import Callable

from hypothesis import strategies as st
from PIL import Image as Pillow

from tests.support.picture_files import (
    encode,
    exif,
    heic,
    picture,
    png,
    png_chunk,
    transparent_left_half,
)

_SECOND = Pillow.new("RGB", (48, 32))

SEEDS: dict[str, list[bytes]] = {
    "jpeg": [
        encode(picture(), "JPEG", quality=90, exif=exif(6)),
        encode(picture(), "JPEG", quality=50, progressive=True),
        encode(picture("CMYK"), "JPEG"),
        encode(picture("L"), "JPEG", icc_profile=b"profile" * 40),
    ],
    "png": [
        encode(picture(), "PNG"),
        encode(picture("P"), "PNG"),
        encode(picture("1"), "PNG"),
        transparent_left_half("RGBA"),
        transparent_left_half("P"),
    ],
    "webp": [
        encode(picture(), "WEBP", lossless=True),
        encode(picture(), "WEBP", quality=60, exif=exif(3)),
        encode(picture(), "WEBP", save_all=True, append_images=[_SECOND]),
        encode(picture("RGBA"), "WEBP", quality=60, icc_profile=b"profile" * 40),
    ],
    "gif": [
        encode(picture(), "GIF"),
        encode(picture("L"), "GIF", interlace=True),
        encode(picture("P"), "GIF", save_all=True, append_images=[_SECOND.convert("P")]),
    ],
    "tiff": [
        encode(picture(), "TIFF"),
        encode(picture(), "TIFF", compression="tiff_lzw"),
        encode(picture(), "TIFF", compression="tiff_deflate"),
        encode(picture(), "TIFF", compression="jpeg"),
        encode(picture(), "TIFF", big_tiff=True),
        encode(picture("1"), "TIFF", compression="group4"),
    ],
}

SEEDS["avif"] = [
    encode(picture(), "AVIF"),
    encode(picture("RGBA"), "AVIF", exif=exif(6)),
    encode(picture(), "AVIF", save_all=True, append_images=[_SECOND]),
]
SEEDS["heic"] = [
    heic(picture()),
    heic(picture("RGBA"), exif=exif(6).tobytes()),
    heic(picture().resize((300, 200)), tile_size=128),
    heic(picture(), _SECOND),
]

# What parsers trip over: nothing, one, ends of ranges, signs.
_EDGES = [0, 1, 2, 7, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF]
_FORMS = ["B", "<H", ">H", "<I", ">I"]


@st.composite
def _number(draw: st.DrawFn) -> bytes:
    form = draw(st.sampled_from(_FORMS))
    size = struct.calcsize(form)
    value = draw(st.sampled_from(_EDGES) | st.integers(0, 2**32 - 1))
    return struct.pack(form, value % 2 ** (8 * size))


@st.composite
def mutated(draw: st.DrawFn, kind: str) -> bytes:
    """A picture of a format with numbers, mostly of its header, written over, moved or cut off."""
    data = bytearray(draw(st.sampled_from(SEEDS[kind])))
    for _ in range(draw(st.integers(1, 4))):
        # Of TIFF the header stands at the end, or anywhere.
        reach = len(data) if kind == "tiff" else 400 if kind in {"avif", "heic"} else 120
        start = draw(st.integers(4, reach) | st.integers(12, 60) | st.integers(0, len(data)))
        start = min(start, len(data) - 1)
        patch = draw(_number() | st.binary(min_size=1, max_size=6))
        match draw(st.sampled_from(["write", "write", "write", "insert", "remove", "repeat"])):
            case "write":
                data[start : start + len(patch)] = patch
            case "insert":
                data[start:start] = patch
            case "remove":
                del data[start : start + 1 + patch[0] % 32]
            case "repeat":
                data[start:start] = data[start : start + 64]
        data = data or bytearray(b"\0")
    if draw(st.integers(0, 5)) == 0:
        del data[draw(st.integers(1, len(data))) :]
    # With sums that are wrong, a PNG is refused before its content is looked at.
    return _summed_anew(bytes(data)) if kind == "png" and draw(st.booleans()) else bytes(data)


def _summed_anew(data: bytes) -> bytes:
    """A PNG whose chunks have the right checksums, as far as its chunks can be told apart."""
    made, rest = data[:8], data[8:]
    while len(rest) >= 12:
        (length,) = struct.unpack(">I", rest[:4])
        if length > len(rest) - 12:
            break
        made += png_chunk(rest[4:8], rest[8 : 8 + length])
        rest = rest[12 + length :]
    return made + rest


def _text_bomb(kind: bytes, head: bytes) -> bytes:
    """A PNG with a text of 200 MB that takes 200 kB."""
    whole = encode(picture(), "PNG")
    return whole[:33] + png_chunk(kind, head + zlib.compress(bytes(200_000_000))) + whole[33:]


def _gif_bomb() -> bytes:
    """A GIF that claims 65,535 x 65,535 pixels."""
    data = bytearray(encode(picture(), "GIF"))
    data[6:10] = struct.pack("<HH", 65535, 65535)
    return bytes(data)


def _tiff_bomb() -> bytes:
    """A TIFF that claims 60,000 rows and columns in one strip of nothing."""
    entries = [
        (256, 4, 1, 60_000),  # width
        (257, 4, 1, 60_000),  # height
        (258, 3, 1, 8),  # bits
        (259, 3, 1, 1),  # not compressed
        (262, 3, 1, 1),  # gray
        (273, 4, 1, 8),  # where the strip begins
        (278, 4, 1, 60_000),  # its rows
        (279, 4, 1, 0xFFFFFFFF),  # its bytes
    ]
    rows = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + rows + bytes(4)


def _jpeg_bomb() -> bytes:
    """A JPEG that claims 65,500 x 65,500 pixels."""
    data = bytearray(encode(picture(), "JPEG"))
    size = data.index(b"\xff\xc0") + 5
    data[size : size + 4] = struct.pack(">HH", 65500, 65500)
    return bytes(data)


def _webp_bomb() -> bytes:
    """A WebP whose canvas is 16,384 x 16,384 pixels."""
    data = bytearray(SEEDS["webp"][2])
    size = data.index(b"VP8X") + 12
    data[size : size + 6] = (16383).to_bytes(3, "little") * 2
    return bytes(data)


BOMBS: dict[str, Callable[[], bytes]] = {
    "png, 60,000 x 60,000": lambda: png(60_000, 60_000, 8, 2, b""),
    "png, 2**31 wide": lambda: png(2**31 - 1, 1, 8, 0, b""),
    "png, rows of 100 MB that it does not claim": lambda: png(48, 32, 8, 2, bytes(100_000_000)),
    "png, zTXt": lambda: _text_bomb(b"zTXt", b"Comment\0\0"),
    "png, iTXt": lambda: _text_bomb(b"iTXt", b"Comment\0\1\0\0\0"),
    "png, iCCP": lambda: _text_bomb(b"iCCP", b"profile\0\0"),
    "gif": _gif_bomb,
    "tiff": _tiff_bomb,
    "jpeg": _jpeg_bomb,
    "jpeg, 5,000 scans": lambda: SEEDS["jpeg"][1][:-2] + b"\xff\xda\0\x08\x01\1\0\0\x3f\0" * 5000,
    "webp": _webp_bomb,
    "nested beginnings": lambda: b"\xff\xd8\xff\xe1\xff\xff" * 100_000,
}
"""Files that are small, and would be large, or busy for long, if they were believed."""
