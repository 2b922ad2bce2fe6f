"""Whatever is no usable picture is refused with one of our errors, and before it costs much."""

import struct
import threading
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from PIL import Image as Pillow

from faceserver.errors import (
    EmptyFile,
    FileTooLarge,
    ImageError,
    ImageTooSmall,
    NotAnImage,
    TooManyPixels,
    TruncatedImage,
)
from faceserver.pictures import codec
from faceserver.types import Image
from tests.support.picture_files import (
    HEIGHT,
    LOSSLESS,
    LOSSY,
    WIDTH,
    decode,
    encode,
    exif,
    gradient,
    picture,
    png,
    transparent_left_half,
)


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
    side = codec.MIN_SIDE
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
        encode(Pillow.new("LAB", (WIDTH, HEIGHT)), "TIFF"),
        b"RIFF\x10\0\0\0WAVEfmt ",
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
