"""Pictures of every kind go in, upright RGB comes out."""

import io
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image as Pillow

from faceserver.pictures import codec
from faceserver.types import Image
from tests.support.picture_files import (
    HEIGHT,
    LOSSLESS,
    LOSSY,
    WIDTH,
    decode,
    deep_png,
    encode,
    exif,
    gradient,
    picture,
    transparent_left_half,
)

WHITE = (255, 255, 255)


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
        (6, np.rot90),
        (7, lambda a: np.rot90(a.transpose(1, 0, 2), 2)),
        (8, lambda a: np.rot90(a, -1)),
    ],
)
def test_exif_orientation(kind: str, orientation: int, stored: Callable[[Image], Image]) -> None:
    turned = Pillow.fromarray(np.ascontiguousarray(stored(gradient())))
    options: dict[str, dict[str, Any]] = {
        "JPEG": {"quality": 95, "subsampling": 0},
        "WEBP": {"lossless": True},
    }
    image = decode(encode(turned, kind, exif=exif(orientation), **options.get(kind, {})))
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
        warnings.simplefilter("always")
        image = decode(encode(picture(), "JPEG", quality=95, exif=block))
    assert image.shape == (HEIGHT, WIDTH, 3)
    assert not heard


def test_exif_that_cannot_even_be_opened_turns_nothing() -> None:
    data = encode(picture(), "PNG", exif=b"garbage that is no TIFF")
    assert_array_equal(decode(data), gradient())


def test_the_result_cannot_be_written_to() -> None:
    with pytest.raises(ValueError, match="read-only"):
        decode(encode(picture(), "PNG"))[0, 0] = 0


def test_encoding_keeps_the_picture() -> None:
    data = codec.encode_jpeg(gradient())
    assert_allclose(decode(data), gradient(), atol=6)
    assert len(codec.encode_jpeg(gradient(), quality=50)) < len(data)


def test_encoding_is_deterministic_and_free_of_metadata() -> None:
    tags = exif(1)
    tags[0x010F] = "a camera"
    data = codec.encode_jpeg(decode(encode(picture(), "JPEG", exif=tags, comment=b"home")))
    assert data == codec.encode_jpeg(decode(encode(picture(), "JPEG", exif=tags)))
    with Pillow.open(io.BytesIO(data)) as stored:
        assert not stored.getexif()
        assert set(stored.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}


def test_a_tall_picture_comes_out_whole() -> None:
    noise = np.random.default_rng(3).integers(0, 256, (150, 20, 3), np.uint8)
    assert_array_equal(decode(encode(Pillow.fromarray(noise), "PNG")), noise)
