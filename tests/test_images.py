"""Pictures of every kind go in, RGB comes out; whatever else goes in, one of our errors comes out."""

import io
import struct
import threading
import warnings
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image as Pillow

from faceserver import images
from faceserver.errors import (
    EmptyFile,
    FileTooLarge,
    ImageError,
    ImageTooSmall,
    NotAnImage,
    TooManyPixels,
    TruncatedImage,
)
from faceserver.types import Image

WIDTH, HEIGHT = 48, 32
WHITE = (255, 255, 255)
ORIENTATION = 0x0112


def decode(data: bytes, max_bytes: int = 10_000_000, max_pixels: int = 1_000_000) -> Image:
    return images.decode(data, max_bytes=max_bytes, max_pixels=max_pixels)


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


LOSSLESS = {
    "png": lambda: encode(picture(), "PNG"),
    "png, interlaced by nobody": lambda: encode(picture(), "PNG", optimize=True),
    "bmp": lambda: encode(picture(), "BMP"),
    "tiff": lambda: encode(picture(), "TIFF"),
    "tiff, lzw": lambda: encode(picture(), "TIFF", compression="tiff_lzw"),
    "tiff, deflate": lambda: encode(picture(), "TIFF", compression="tiff_deflate"),
    "tiff, big": lambda: encode(picture(), "TIFF", big_tiff=True),
    "webp": lambda: encode(picture(), "WEBP", lossless=True),
    "png, opaque alpha": lambda: encode(picture("RGBA"), "PNG"),
    "png, 16-bit colour": lambda: deep_png(2, *np.moveaxis(gradient(), -1, 0)),
}
LOSSY = {
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


@pytest.mark.parametrize("make", LOSSLESS.values(), ids=LOSSLESS.keys())
def test_lossless_formats_come_out_exactly(make: Callable[[], bytes]) -> None:
    image = decode(make())
    assert image.dtype == np.uint8
    assert image.flags.c_contiguous
    assert_array_equal(image, gradient())


@pytest.mark.parametrize("make", LOSSY.values(), ids=LOSSY.keys())
def test_lossy_formats_come_out_nearly(make: Callable[[], bytes]) -> None:
    image = decode(make())
    assert image.shape == (HEIGHT, WIDTH, 3)
    difference = np.abs(image.astype(int) - gradient())
    assert difference.mean() < 16  # the palettes of GIF and PNG are the coarsest


GRAY = {
    "jpeg": lambda: encode(picture("L"), "JPEG", quality=95),
    "png": lambda: encode(picture("L"), "PNG"),
    "png with alpha": lambda: encode(picture("LA"), "PNG"),
    "png, 16-bit": lambda: deep_png(0, np.asarray(picture("L"))),
    "png, 16-bit with alpha": lambda: deep_png(
        4, np.asarray(picture("L")), np.full((HEIGHT, WIDTH), 255, np.uint8)
    ),
    "tiff, 16-bit": lambda: encode(
        Pillow.fromarray(np.asarray(picture("L")).astype(np.uint16) * 256 + 128), "TIFF"
    ),
    "bmp": lambda: encode(picture("L"), "BMP"),
}


@pytest.mark.parametrize("make", GRAY.values(), ids=GRAY.keys())
def test_gray_has_three_equal_channels(make: Callable[[], bytes]) -> None:
    image = decode(make())
    assert_array_equal(image[..., 0], image[..., 1])
    assert_array_equal(image[..., 0], image[..., 2])
    assert_allclose(image[..., 0], np.asarray(picture("L")), atol=3)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP"])
def test_one_bit_becomes_black_and_white(kind: str) -> None:
    bits = np.zeros((HEIGHT, WIDTH), bool)
    bits[:, WIDTH // 2 :] = True
    image = decode(encode(Pillow.fromarray(bits), kind))
    assert_array_equal(image, np.repeat(bits[..., None], 3, axis=2) * np.uint8(255))


def transparent_left_half(mode: str) -> bytes:
    """Red, and fully transparent in its left half."""
    alpha = np.zeros((HEIGHT, WIDTH), np.uint8)
    alpha[:, WIDTH // 2 :] = 255
    layer = Pillow.new("RGB", (WIDTH, HEIGHT), (200, 0, 0))
    layer.putalpha(Pillow.fromarray(alpha))
    if mode == "P":
        return encode(layer.quantize(4), "PNG")
    return encode(layer.convert(mode), "PNG")


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparent_pixels_become_white(mode: str) -> None:
    image = decode(transparent_left_half(mode))
    assert_array_equal(image[:, : WIDTH // 2], np.full((HEIGHT, WIDTH // 2, 3), 255))
    assert image[0, -1, 1] < 100


def test_half_transparent_pixels_mix_with_white() -> None:
    layer = Pillow.new("RGBA", (WIDTH, HEIGHT), (100, 0, 200, 128))
    assert_allclose(decode(encode(layer, "PNG"))[0, 0], (177, 127, 227), atol=1)


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_a_transparent_colour_becomes_white(mode: str) -> None:
    key: object = (0, 0, 60) if mode == "RGB" else 0
    base = Pillow.new(mode, (WIDTH, HEIGHT), 0 if mode == "L" else (0, 0, 60))
    assert tuple(decode(encode(base, "PNG", transparency=key))[0, 0]) == WHITE


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize(
    ("orientation", "stored"),
    [
        (1, lambda a: a),
        (2, lambda a: a[:, ::-1]),
        (3, lambda a: a[::-1, ::-1]),
        (4, lambda a: a[::-1]),
        (5, lambda a: a.transpose(1, 0, 2)),
        (6, lambda a: np.rot90(a)),
        (7, lambda a: np.rot90(a.transpose(1, 0, 2), 2)),
        (8, lambda a: np.rot90(a, -1)),
    ],
)
def test_exif_orientation(kind: str, orientation: int, stored: Callable[[Image], Image]) -> None:
    turned = Pillow.fromarray(np.ascontiguousarray(stored(gradient())))
    options = {"JPEG": {"quality": 95, "subsampling": 0}, "WEBP": {"lossless": True}}.get(kind, {})
    image = decode(encode(turned, kind, exif=exif(orientation), **options))
    assert image.shape == (HEIGHT, WIDTH, 3)
    assert_allclose(image, gradient(), atol=12)


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_unknown_orientation_turns_nothing(orientation: int) -> None:
    assert_array_equal(decode(encode(picture(), "PNG", exif=exif(orientation))), gradient())


@pytest.mark.parametrize(
    "block",
    [
        b"Exif\0\0",
        b"Exif\0\0garbage that is no TIFF",
        b"Exif\0\0MM\0*\xff\xff\xff\xff",
        b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + bytes(range(200)),
        # One tag, the orientation, as text that lies outside the block.
        b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x02\xff\xff\xff\xff\x7f\xff\xff\xff",
    ],
)
def test_garbage_in_exif_is_ignored_and_warns_nobody(block: bytes) -> None:
    with warnings.catch_warnings(record=True) as heard:
        image = decode(encode(picture(), "JPEG", quality=95, exif=block))
    assert image.shape == (HEIGHT, WIDTH, 3)
    assert not heard


def test_the_result_cannot_be_written_to() -> None:
    with pytest.raises(ValueError, match="read-only"):
        decode(encode(picture(), "PNG"))[0, 0] = 0


def test_an_empty_file() -> None:
    with pytest.raises(EmptyFile):
        decode(b"")


def test_the_byte_limit_is_the_last_that_passes() -> None:
    data = encode(picture(), "PNG")
    decode(data, max_bytes=len(data))
    with pytest.raises(FileTooLarge):
        decode(data, max_bytes=len(data) - 1)


def test_the_pixel_limit_is_the_last_that_passes() -> None:
    data = encode(picture(), "PNG")
    decode(data, max_pixels=WIDTH * HEIGHT)
    with pytest.raises(TooManyPixels, match="48 x 32"):
        decode(data, max_pixels=WIDTH * HEIGHT - 1)


@pytest.mark.parametrize(("width", "height"), [(1, 1), (11, 100), (100, 11)])
def test_a_picture_too_small_for_a_face(width: int, height: int) -> None:
    with pytest.raises(ImageTooSmall):
        decode(encode(Pillow.new("RGB", (width, height)), "PNG"))


def test_the_smallest_picture() -> None:
    side = images.MIN_SIDE
    assert decode(encode(Pillow.new("RGB", (side, side)), "PNG")).shape == (side, side, 3)


@pytest.mark.parametrize(
    "data",
    [
        b"hello",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"%PDF-1.7\n",
        b"BMW is a maker of cars, and this a text.",
        b"\0" * 1000,
        encode(picture(), "PPM"),
        encode(picture(), "ICO"),
        encode(picture(), "TGA"),
        encode(picture("F"), "TIFF"),
        encode(picture("I"), "TIFF"),
        encode(picture("LAB"), "TIFF") if False else b"RIFF\x10\0\0\0WAVEfmt ",
    ],
)
def test_not_an_image(data: bytes) -> None:
    with pytest.raises(NotAnImage):
        decode(data)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP", "GIF", "TIFF", "WEBP"])
@pytest.mark.parametrize("percent", [20, 50, 90])
def test_a_truncated_picture(kind: str, percent: int) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8)
    data = encode(Pillow.fromarray(noise), kind)
    with pytest.raises(TruncatedImage):
        decode(data[: len(data) * percent // 100])


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "TIFF", "WEBP"])
def test_a_header_cut_short(kind: str) -> None:
    with pytest.raises(TruncatedImage):
        decode(encode(picture(), kind)[:16])


SIDE = 60_000
BOMBS = {
    "png": png(SIDE, SIDE, 8, 2, b""),
    "gif": b"GIF89a" + struct.pack("<HHBBB", SIDE, SIDE, 0, 0, 0) + b",\0\0\0\0"
    + struct.pack("<HH", SIDE, SIDE) + b"\0\x08\x02\x4c\x01\0;",
    "gif, frame beyond its screen": b"GIF89a" + struct.pack("<HHBBB", 20, 20, 0, 0, 0)
    + b",\0\0\0\0" + struct.pack("<HH", SIDE, SIDE) + b"\0\x08\x02\x4c\x01\0;",
    "bmp": b"BM" + struct.pack("<IIIIIiHHIIIIII", 54, 0, 54, 40, SIDE, SIDE, 1, 24, *[0] * 6),
    "jpeg": encode(picture(), "JPEG").replace(
        struct.pack(">HH", HEIGHT, WIDTH), struct.pack(">HH", SIDE, SIDE)
    ),
    "tiff": encode(picture(), "TIFF")
    .replace(struct.pack("<HHII", 256, 4, 1, WIDTH), struct.pack("<HHII", 256, 4, 1, SIDE))
    .replace(struct.pack("<HHII", 257, 4, 1, HEIGHT), struct.pack("<HHII", 257, 4, 1, SIDE)),
}  # fmt: skip


@pytest.mark.parametrize("data", BOMBS.values(), ids=BOMBS.keys())
def test_a_header_that_claims_far_too_many_pixels(data: bytes) -> None:
    with pytest.raises(TooManyPixels):
        decode(data)


def test_more_pixels_than_pillow_warns_of_are_ours_to_judge() -> None:
    data = png(10_000, 10_000, 8, 2, b"")
    with pytest.raises(TooManyPixels, match="at most 50,000,000"):
        decode(data, max_pixels=50_000_000)
    with pytest.raises(TruncatedImage):
        decode(data, max_pixels=100_000_000)


def test_a_jpeg_of_endless_scans() -> None:
    data = encode(picture("L"), "JPEG")
    scan = data[data.index(b"\xff\xda") : -2]
    with pytest.raises(TruncatedImage, match="scans"):
        decode(data[:-2] + scan * 600 + data[-2:])


@pytest.mark.parametrize("stage", ["open", "load"])
def test_pillow_out_of_memory(stage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise MemoryError

    data = encode(picture(), "PNG")
    if stage == "open":
        monkeypatch.setattr(Pillow, "open", fail)
    else:
        monkeypatch.setattr("PIL.ImageFile.ImageFile.load", fail)
    with pytest.raises(TooManyPixels):
        decode(data)


def test_no_warning_filter_is_added_twice() -> None:
    data = encode(picture(), "PNG")
    decode(data)
    before = list(warnings.filters)
    decode(data)
    assert list(warnings.filters) == before


def test_many_threads_at_once() -> None:
    results: list[Image] = []
    data = encode(picture(), "PNG", exif=exif(1))
    threads = [threading.Thread(target=lambda: results.append(decode(data))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 8
    for image in results:
        assert_array_equal(image, gradient())


def test_encoding_keeps_the_picture() -> None:
    data = images.encode_jpeg(gradient())
    assert_allclose(decode(data), gradient(), atol=6)
    assert len(images.encode_jpeg(gradient(), quality=50)) < len(data)


def test_encoding_is_deterministic_and_free_of_metadata() -> None:
    tags = exif(1)
    tags[0x010F] = "a camera"
    data = images.encode_jpeg(decode(encode(picture(), "JPEG", exif=tags, comment=b"home")))
    assert data == images.encode_jpeg(decode(encode(picture(), "JPEG", exif=tags)))
    with Pillow.open(io.BytesIO(data)) as stored:
        assert not stored.getexif()
        assert set(stored.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}


SEEDS = [
    *(make() for make in (*LOSSLESS.values(), *LOSSY.values())),
    encode(picture(), "JPEG", exif=exif(6)),
    transparent_left_half("P"),
]


def decodes_or_refuses(data: bytes) -> None:
    try:
        image = decode(data)
    except ImageError:
        return
    assert image.dtype == np.uint8
    assert image.ndim == 3
    assert image.shape[2] == 3


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(
    st.sampled_from(SEEDS),
    st.lists(st.tuples(st.integers(0, 5000), st.binary(min_size=1, max_size=4)), max_size=6),
    st.integers(0, 5000),
)
def test_damaged_files_raise_nothing_but_ours(
    seed: bytes, edits: list[tuple[int, bytes]], cut: int
) -> None:
    data = bytearray(seed)
    for position, patch in edits:
        start = position % len(data)
        data[start : start + len(patch)] = patch
    decodes_or_refuses(bytes(data[: len(data) - cut % len(data)] if cut % 3 == 0 else data))


@pytest.mark.parametrize("seed", range(len(SEEDS)))
def test_damaged_headers_raise_nothing_but_ours(seed: int) -> None:
    random = np.random.default_rng(seed)
    for _ in range(20):
        data = np.frombuffer(SEEDS[seed], np.uint8).copy()
        where = random.integers(0, min(120, len(data)), size=random.integers(1, 5))
        data[where] = random.integers(0, 256, size=len(where))
        decodes_or_refuses(data.tobytes())
