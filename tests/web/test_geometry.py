"""Rounding and clipping: whole pixels inside the picture."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceserver.types import Box
from faceserver.web.compat.original.geometry import box_pixels, point_pixels

numbers = st.floats(-1e6, 1e6)
sizes = st.integers(1, 10_000)


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        (Box(1.4, 2.6, 30.5, 40.51), [1, 3, 30, 41]),
        (Box(-5.0, -0.1, 640.0, 480.0), [0, 0, 639, 479]),
        (Box(0.0, 0.0, 639.4, 479.4), [0, 0, 639, 479]),
    ],
)
def test_boxes(box: Box, expected: list[int]) -> None:
    assert box_pixels(box, 640, 480) == expected


def test_points_are_every_x_then_every_y() -> None:
    points = [(1.2, 9.0), (2.0, 8.0), (3.0, 7.0), (-4.0, 600.0), (700.0, 5.0)]
    assert point_pixels(points, 640, 480) == [1, 2, 3, 0, 639, 9, 8, 7, 479, 5]


@given(numbers, numbers, sizes, sizes)
def test_nothing_lies_outside(x: float, y: float, width: int, height: int) -> None:
    left, top, right, bottom = box_pixels(Box(x, y, x + 5, y + 5), width, height)
    assert 0 <= left <= right < width
    assert 0 <= top <= bottom < height
    assert all(type(value) is int for value in (left, top, right, bottom))
