"""Copies of stored pictures, small enough for a screen."""

import io

import numpy as np
import pytest
from PIL import Image as Pillow

from faceserver.errors import TruncatedImage
from faceserver.pictures import codec
from faceserver.types import DecodedPicture


def stored(width: int, height: int, sent: tuple[int, int] | None = None) -> bytes:
    """A stored picture; one that was larger when it was sent if that is given."""
    across = np.linspace(0, 255, width, dtype=np.uint8)
    image = np.repeat(np.tile(across, (height, 1))[:, :, None], 3, axis=2)
    return codec.encode(DecodedPicture(image, *(sent or (width, height))))


def test_a_copy_is_as_large_as_is_wanted_and_tells_the_whole_size() -> None:
    copy = codec.smaller_copy(stored(800, 400), 200)
    assert (copy.width, copy.height) == (800, 400)
    with Pillow.open(io.BytesIO(copy.content)) as picture:
        assert picture.size == (200, 100)
        row = np.asarray(picture)[50, :, 0].astype(int)
    assert abs(row[0]) < 6
    assert abs(row[-1] - 255) < 6
    assert abs(row[100] - 128) < 6


def test_a_picture_that_was_halved_tells_the_size_it_was_sent_with() -> None:
    copy = codec.smaller_copy(stored(800, 400, (1600, 800)), 200)
    assert (copy.width, copy.height) == (1600, 800)


def test_what_is_small_enough_is_given_as_it_is() -> None:
    data = stored(80, 40, (160, 80))
    copy = codec.smaller_copy(data, 80)
    assert copy.content == data
    assert (copy.width, copy.height) == (160, 80)


def test_a_copy_says_nothing_of_the_picture_beyond_its_pixels() -> None:
    with Pillow.open(
        io.BytesIO(codec.smaller_copy(stored(800, 400, (1600, 800)), 99).content)
    ) as it:
        assert not it.getexif()
        assert "comment" not in it.info


@pytest.mark.parametrize("length", [0, 2, 300])
def test_a_damaged_picture_is_told(length: int) -> None:
    with pytest.raises(TruncatedImage, match="stored picture is damaged"):
        codec.smaller_copy(stored(800, 400)[:length], 200)
