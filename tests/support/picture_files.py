"""Picture files of every kind that is read, made on the spot from one small gradient."""

import io
import struct
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pillow_heif
from PIL import Image as Pillow

from faceserver.pictures import codec
from faceserver.types import Image

WIDTH, HEIGHT = 48, 32
ORIENTATION = 0x0112


def encode(picture: Pillow.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def gradient() -> Image:
    """Red grows to the right, green downwards, so that every turn shows."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    return np.stack([x * 5, y * 7, np.full_like(x, 60)], axis=-1).astype(np.uint8)


def picture(mode: str = "RGB") -> Pillow.Image:
    return Pillow.fromarray(gradient()).convert(mode)


def exif(orientation: object) -> Pillow.Exif:
    tags = Pillow.Exif()
    tags[ORIENTATION] = orientation
    return tags


def png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, depth: int, color: int, rows: bytes) -> bytes:
    """A PNG by hand, for what Pillow does not write: 16-bit colour, or a lie about the size."""
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(*chunk) for chunk in chunks)


def deep_png(color: int, *channels: Image) -> bytes:
    """16 bits a channel: the given value in the upper byte, 128 in the lower."""
    stacked = np.stack(channels, axis=-1).astype(">u2") * 256 + 128
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in stacked)
    return png(WIDTH, HEIGHT, 16, color, rows)


def decode(data: bytes, max_bytes: int = 10_000_000, max_pixels: int = 1_000_000) -> Image:
    return codec.decode(data, max_bytes=max_bytes, max_pixels=max_pixels).image


def heic(*images: Pillow.Image, **options: Any) -> bytes:
    file = io.BytesIO()
    made = pillow_heif.HeifFile()
    for image in images:
        made.add_from_pillow(image)
    made.save(file, quality=90, chroma=444, **options)
    return file.getvalue()


def transparent_left_half(mode: str) -> bytes:
    """Red, and fully transparent in its left half."""
    alpha = np.zeros((HEIGHT, WIDTH), np.uint8)
    alpha[:, WIDTH // 2 :] = 255
    layer = Pillow.new("RGB", (WIDTH, HEIGHT), (200, 0, 0))
    layer.putalpha(Pillow.fromarray(alpha))
    if mode == "P":
        return encode(layer.quantize(4), "PNG")
    return encode(layer.convert(mode), "PNG")


LOSSLESS: dict[str, Callable[[], bytes]] = {
    "png": lambda: encode(picture(), "PNG"),
    "png, optimized": lambda: encode(picture(), "PNG", optimize=True),
    "bmp": lambda: encode(picture(), "BMP"),
    "tiff": lambda: encode(picture(), "TIFF"),
    "tiff, lzw": lambda: encode(picture(), "TIFF", compression="tiff_lzw"),
    "tiff, deflate": lambda: encode(picture(), "TIFF", compression="tiff_deflate"),
    "tiff, big": lambda: encode(picture(), "TIFF", big_tiff=True),
    "webp": lambda: encode(picture(), "WEBP", lossless=True),
    "png, opaque alpha": lambda: encode(picture("RGBA"), "PNG"),
    "png, 16-bit colour": lambda: deep_png(2, *np.moveaxis(gradient(), -1, 0)),
}
LOSSY: dict[str, Callable[[], bytes]] = {
    "jpeg": lambda: encode(picture(), "JPEG", quality=95),
    "jpeg, progressive": lambda: encode(picture(), "JPEG", quality=95, progressive=True),
    "jpeg, cmyk": lambda: encode(picture("CMYK"), "JPEG", quality=95),
    "mpo": lambda: encode(
        picture(), "MPO", quality=95, save_all=True, append_images=[Pillow.new("RGB", (48, 32))]
    ),
    "webp": lambda: encode(picture(), "WEBP", quality=95),
    "webp, animated": lambda: encode(
        picture(), "WEBP", save_all=True, quality=95, append_images=[Pillow.new("RGB", (48, 32))]
    ),
    "tiff, jpeg inside": lambda: encode(picture(), "TIFF", compression="jpeg", quality=95),
    "tiff, cmyk": lambda: encode(picture("CMYK"), "TIFF"),
    "gif": lambda: encode(picture(), "GIF"),
    "gif, animated": lambda: encode(
        picture("P"), "GIF", save_all=True, append_images=[Pillow.new("P", (48, 32))]
    ),
    "png, palette": lambda: encode(picture("P"), "PNG"),
}
