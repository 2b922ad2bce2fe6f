"""Colours come out as sRGB, and values by the range that they have."""

import io
import struct
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image as Pillow

from faceserver.pictures import codec, colour
from tests.support.picture_files import HEIGHT, WIDTH, decode, encode, gradient, heic, picture, png
from tests.support.profiles import channels_swapped, linear_gray, srgb

SWAPPED = gradient()[..., [1, 0, 2]]


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP", "AVIF", "JPEG"])
def test_a_profile_is_applied(kind: str) -> None:
    options: dict[str, dict[str, Any]] = {
        "WEBP": {"lossless": True},
        "AVIF": {"quality": 100, "subsampling": "4:4:4"},
    }
    data = encode(picture(), kind, icc_profile=channels_swapped(), **options.get(kind, {}))
    assert np.abs(decode(data).astype(int) - SWAPPED).mean() < 6


@pytest.mark.parametrize("primaries", [9, 12])
@pytest.mark.parametrize("kind", ["HEIC", "AVIF"])
def test_primaries_without_a_profile_are_heeded(kind: str, primaries: int) -> None:
    red = Pillow.new("RGB", (64, 64), (200, 60, 60))
    data = heic(red) if kind == "HEIC" else encode(red, "AVIF", quality=100)
    at = data.index(b"colrnclx") + 8
    wide = data[:at] + struct.pack(">HH", primaries, 13) + data[at + 4 :]
    assert_allclose(decode(data)[32, 32], (200, 60, 60), atol=6)
    # The same numbers mean a stronger red: less green and blue.
    changed = decode(wide)[32, 32].astype(int)
    assert changed[0] > 206
    assert changed[1] < 52
    assert_array_equal(
        decode(data[:at] + struct.pack(">HH", 9, 16) + data[at + 4 :])[32, 32] > 100,
        [True, False, False],
    )


@pytest.mark.parametrize("mode", ["RGBA", "P"])
def test_a_profile_is_applied_below_transparency_and_palettes(mode: str) -> None:
    data = encode(picture(mode), "PNG", icc_profile=channels_swapped())
    expected = np.asarray(picture(mode).convert("RGB"))[..., [1, 0, 2]]
    assert_allclose(decode(data), expected, atol=3)


@pytest.mark.parametrize("mode", ["L", "LA"])
def test_a_profile_of_gray_is_applied(mode: str) -> None:
    flat = Pillow.new("L", (WIDTH, HEIGHT), 55).convert(mode)
    data = encode(flat, "PNG", icc_profile=linear_gray())
    assert_allclose(decode(data), np.full((HEIGHT, WIDTH, 3), 128), atol=2)


def test_the_profile_of_srgb_changes_nothing_and_costs_no_transform() -> None:
    assert_array_equal(decode(encode(picture(), "PNG", icc_profile=srgb())), gradient())
    assert colour._to_srgb(srgb(), "RGB") is None
    assert colour._to_srgb(channels_swapped(), "RGB") is not None


@pytest.mark.parametrize("profile", [b"no profile", channels_swapped()[:200], bytes(3_000_000)])
def test_a_damaged_profile_is_left_out_of_account(profile: bytes) -> None:
    assert_array_equal(decode(encode(picture(), "TIFF", icc_profile=profile)), gradient())


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_a_profile_of_other_colours_is_left_out_of_account(mode: str) -> None:
    plain = decode(encode(picture(mode), "TIFF"))
    assert_array_equal(decode(encode(picture(mode), "TIFF", icc_profile=channels_swapped())), plain)


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_gray_of_few_bits_in_sixteen_is_not_black(kind: str, bits: int) -> None:
    values = np.linspace(0, 2**bits - 1, WIDTH * HEIGHT).reshape(HEIGHT, WIDTH).astype(np.uint16)
    image = decode(encode(Pillow.fromarray(values), kind))
    assert_allclose(image[..., 0], values >> (bits - 8), atol=1)


@pytest.mark.parametrize("bits", [10, 12, 14, 16])
def test_colours_of_few_bits_in_sixteen_are_not_black(bits: int) -> None:
    values = gradient().astype(np.uint16) << (bits - 8)
    values[0, 0] = 2**bits - 1
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    image = decode(png(WIDTH, HEIGHT, 16, 2, rows))
    assert_array_equal(image[1:], gradient()[1:])


def test_a_profile_is_gone_from_what_is_stored() -> None:
    stored = codec.encode_jpeg(decode(encode(picture(), "PNG", icc_profile=channels_swapped())))
    with Pillow.open(io.BytesIO(stored)) as header:
        assert "icc_profile" not in header.info
