"""Every square of every level is judged exactly once, wherever its tile lies."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faceserver.vision.mtcnn.layout import CELL, STRIDE, Canvas, Layout, even, plan

side = st.integers(12, 3000)


def squares(canvas: Canvas) -> list[tuple[int, int, int]]:
    """Level, left and top of each square that the canvas answers for."""
    found = []
    for x, y in zip(*np.nonzero(canvas.owners >= 0), strict=True):
        tile = canvas.tiles[canvas.owners[x, y]]
        left, top = STRIDE * x - tile.x + tile.left, STRIDE * y - tile.y + tile.top
        found.append((tile.level, int(left), int(top)))
    return found


def counted(layout: Layout) -> Counter[tuple[int, int, int]]:
    return Counter(square for canvas in layout.canvases for square in squares(canvas))


@pytest.mark.parametrize("parts", [1, 2, 5])
@pytest.mark.parametrize(
    ("width", "height"), [(40, 40), (41, 333), (1200, 801), (512, 2049), (3000, 77)]
)
def test_each_square_is_judged_once(width: int, height: int, parts: int) -> None:
    layout = plan(width, height, 20, 0.709, parts)
    expected = Counter(
        (index, left, top)
        for index, level in enumerate(layout.levels)
        for left in range(0, even(level.width) - CELL + 1, STRIDE)
        for top in range(0, even(level.height) - CELL + 1, STRIDE)
    )
    assert counted(layout) == expected


@settings(deadline=None, max_examples=50)
@given(width=side, height=side, min_face=st.integers(12, 400), parts=st.integers(1, 4))
def test_tiles_lie_inside_and_apart(width: int, height: int, min_face: int, parts: int) -> None:
    for canvas in plan(width, height, min_face, 0.709, parts).canvases:
        covered = np.zeros((canvas.height, canvas.width), np.uint8)
        for tile in canvas.tiles:
            assert tile.x + tile.width <= canvas.width
            assert tile.y + tile.height <= canvas.height
            covered[tile.y : tile.y + tile.height, tile.x : tile.x + tile.width] += 1
        assert covered.max() == 1


@settings(deadline=None, max_examples=50)
@given(width=side, height=side, parts=st.integers(1, 4))
def test_a_canvas_has_bounded_size(width: int, height: int, parts: int) -> None:
    for canvas in plan(width, height, 12, 0.9, parts).canvases:
        assert canvas.width * canvas.height <= 512 * 512


def test_a_photograph_fits_on_one_canvas_and_two_are_of_equal_size() -> None:
    (whole,) = plan(1200, 800, 40, 0.709).canvases
    first, second = plan(1200, 800, 40, 0.709, 2).canvases
    pyramid = sum(level.width * level.height for level in plan(1200, 800, 40, 0.709).levels)
    assert whole.width * whole.height < 1.25 * pyramid
    assert first.width * first.height == pytest.approx(second.width * second.height, rel=0.1)


def test_a_picture_smaller_than_a_face_has_no_levels() -> None:
    assert plan(600, 39, 40, 0.709) == Layout((), ())
