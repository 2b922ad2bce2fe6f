"""What lacks its last bytes is taken and said; what is really cut is refused."""

from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

from faceserver.errors import TruncatedImage
from faceserver.pictures import codec
from faceserver.types import DecodedPicture
from tests.support.picture_files import encode


def taken(data: bytes) -> DecodedPicture:
    return codec.decode(data, max_bytes=10**7, max_pixels=10**7)


def noise(side: int = 256) -> Pillow.Image:
    return Pillow.fromarray(np.random.default_rng(1).integers(0, 256, (side, side, 3), np.uint8))


KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "jpeg": ("JPEG", {}),
    "jpeg, full colour": ("JPEG", {"subsampling": 0, "quality": 95}),
    "jpeg, progressive": ("JPEG", {"progressive": True}),
    "jpeg, restarts": ("JPEG", {"restart_marker_rows": 1}),
    "png": ("PNG", {}),
    "gif": ("GIF", {}),
    "bmp": ("BMP", {}),
    "tiff": ("TIFF", {}),
}


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.startswith("jpeg")])
@pytest.mark.parametrize("lost", [1, 2, 3, 20, 200])
@pytest.mark.parametrize("side", [112, 256, 640])
def test_a_jpeg_without_its_last_bytes(kind: str, lost: int, side: int) -> None:
    if lost == 200 and side < 640:
        pytest.skip("of so small a picture that is more than its last bytes")
    form, options = KINDS[kind]
    whole = encode(noise(side), form, **options)
    cut = taken(whole[:-lost])
    assert cut.notes == ("picture_incomplete",)
    kept = slice(0, side - 32)
    assert np.array_equal(cut.image[kept], taken(whole).image[kept]) or "progressive" in kind
    assert cut.image.shape == (side, side, 3)


@pytest.mark.parametrize("kind", ["png", "gif", "bmp", "tiff"])
def test_another_picture_without_its_last_bytes(kind: str) -> None:
    form, options = KINDS[kind]
    data = encode(noise(), form, **options)
    if kind == "tiff":
        pytest.skip("its directory stands behind its pixels")
    assert taken(data[: -len(data) // 200]).notes == ("picture_incomplete",)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("percent", [30, 60, 90, 95])
def test_what_is_really_cut(kind: str, percent: int) -> None:
    form, options = KINDS[kind]
    data = encode(noise(), form, **options)
    with pytest.raises(TruncatedImage):
        taken(data[: len(data) * percent // 100])


def test_a_progressive_jpeg_that_ends_between_two_scans() -> None:
    data = encode(noise(), "JPEG", progressive=True)
    with pytest.raises(TruncatedImage):
        taken(data[: data.rindex(b"\xff\xda")])


def test_a_cut_picture_with_black_below_is_measured_all_the_same() -> None:
    image = np.array(noise())
    image[128:] = 0
    data = encode(Pillow.fromarray(image), "JPEG")
    assert taken(data[:-2]).notes == ("picture_incomplete",)
    with pytest.raises(TruncatedImage):
        taken(data[: len(data) // 2])


def test_a_whole_picture_has_no_note() -> None:
    for form, options in KINDS.values():
        assert taken(encode(noise(), form, **options)).notes == ()
