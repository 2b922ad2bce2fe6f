import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from faceserver.vision.geometry import cut_out, resize

PICTURE = np.random.default_rng(3).integers(1, 256, (20, 30, 3), np.uint8)


@given(st.integers(-50, 60), st.integers(-50, 60), st.integers(1, 70), st.integers(1, 70))
def test_a_cut_out_is_the_picture_inside_and_zero_outside(
    left: int, top: int, width: int, height: int
) -> None:
    padded = np.zeros((300, 300, 3), np.uint8)
    padded[100:120, 100:130] = PICTURE
    expected = padded[100 + top : 100 + top + height, 100 + left : 100 + left + width]
    assert np.array_equal(cut_out(PICTURE, left, top, left + width, top + height), expected)


def test_shrinking_averages_and_growing_interpolates() -> None:
    stripes = np.tile(np.array([[0], [200]], np.uint8), (8, 16, 1)).reshape(16, 16, 1)
    stripes = np.repeat(stripes, 3, axis=2)
    assert np.all(resize(stripes, 8, 8) == 100)
    assert resize(PICTURE, 60, 40).shape == (40, 60, 3)
