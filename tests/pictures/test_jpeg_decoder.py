"""JPEGs that are decoded at once have the pixels that Pillow gives them; the rest is left to it."""

import sys
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

from faceserver.errors import ImageError, TooManyPixels
from faceserver.pictures import codec, jpeg_decoder, limits, pillow_decoder
from faceserver.types import DecodedPicture
from tests.support.picture_files import encode, exif
from tests.support.profiles import channels_swapped, srgb

pytest.importorskip("simplejpeg")


def photograph(width: int = 203, height: int = 151) -> Pillow.Image:
    """Smooth noise, of sides that no block of a JPEG fits into."""
    noise = np.random.default_rng(5).standard_normal((height, width, 3)).cumsum(0).cumsum(1)
    return Pillow.fromarray(((np.tanh(noise / noise.std()) + 1) * 127).astype(np.uint8))


def at_once(data: bytes) -> DecodedPicture | None:
    return jpeg_decoder.decode(data, max_pixels=10**8)


def same(data: bytes) -> DecodedPicture:
    """What is decoded at once, compared with what Pillow decodes."""
    found, expected = at_once(data), pillow_decoder.decode(data, "JPEG", max_pixels=10**8)
    assert found
    assert np.array_equal(found.image, expected.image)
    assert (found.width, found.height, found.notes) == (
        expected.width,
        expected.height,
        expected.notes,
    )
    assert found.image.flags.c_contiguous
    assert not found.image.flags.writeable
    return found


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"subsampling": "4:4:4", "quality": 95},
        {"subsampling": "4:2:2"},
        {"progressive": True},
        {"restart_marker_rows": 1},
        {"keep_rgb": True},
        {"icc_profile": srgb()},
        {"icc_profile": b"no profile at all"},
        {"comment": b"\xff\xd9 is the end"},
    ],
    ids=str,
)
def test_the_same_pixels_as_pillow(options: dict[str, Any]) -> None:
    same(encode(photograph(), "JPEG", **options))


@pytest.mark.parametrize("orientation", range(10))
def test_the_same_way_up(orientation: int) -> None:
    same(encode(photograph(), "JPEG", exif=exif(orientation)))


def test_a_very_large_one_is_halved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "WHOLE_PIXELS", 10_000)
    found = same(encode(photograph(), "JPEG", exif=exif(6)))
    assert found.image.shape == (102, 76, 3)
    assert found.notes == ("picture_scaled_down",)


def test_a_phones_further_pictures_are_said() -> None:
    data = encode(photograph(), "MPO", save_all=True, append_images=[Pillow.new("RGB", (48, 32))])
    assert same(data).notes == ("further_pages_ignored",)


LEFT = {
    "gray": encode(photograph().convert("L"), "JPEG"),
    "four colours": encode(photograph().convert("CMYK"), "JPEG"),
    "a profile that changes colours": encode(photograph(), "JPEG", icc_profile=channels_swapped()),
    "cut off": encode(photograph(), "JPEG")[:-200],
    "without its end": encode(photograph(), "JPEG")[:-2],
    "damaged": encode(photograph(), "JPEG").replace(b"\x9a", b"\x9a\xff\xd3", 1),
}


@pytest.mark.parametrize("kind", LEFT)
def test_what_is_left_to_pillow(kind: str) -> None:
    assert at_once(LEFT[kind]) is None
    limit = {"max_bytes": 10**7, "max_pixels": 10**7}
    try:
        expected = pillow_decoder.decode(LEFT[kind], "JPEG", max_pixels=10**7)
    except ImageError as error:
        with pytest.raises(type(error)):
            codec.decode(LEFT[kind], **limit)
    else:
        assert np.array_equal(codec.decode(LEFT[kind], **limit).image, expected.image)


def test_whatever_is_damaged_has_pillows_pixels_or_is_left_to_it() -> None:
    data = encode(photograph(), "JPEG", progressive=True)
    rng = np.random.default_rng(7)
    for _ in range(60):
        damaged = bytearray(data)
        for at in rng.integers(200, len(data) - 2, 3):
            damaged[at] = rng.integers(256)
        try:
            found = at_once(bytes(damaged))
        except ImageError:
            with pytest.raises(ImageError):
                pillow_decoder.decode(bytes(damaged), "JPEG", max_pixels=10**8)
        else:
            assert found is None or same(bytes(damaged))


def test_too_many_pixels_are_refused_by_the_header() -> None:
    with pytest.raises(TooManyPixels):
        jpeg_decoder.decode(encode(photograph(), "JPEG"), max_pixels=203 * 151 - 1)


def test_pictures_are_decoded_where_the_library_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    data = encode(photograph(), "JPEG")
    expected = codec.decode(data, max_bytes=10**7, max_pixels=10**7)
    monkeypatch.setitem(sys.modules, "simplejpeg", None)
    assert at_once(data) is None
    found = codec.decode(data, max_bytes=10**7, max_pixels=10**7)
    assert np.array_equal(found.image, expected.image)
