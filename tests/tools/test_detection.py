"""Marks and faces are paired nearest first."""

from dataclasses import replace

import pytest

from faceserver.tools.detection import Judged, grid, matched, summary
from faceserver.types import Detection
from tests.support.fakes import detection


def face(x: float, y: float, score: float = 0.99) -> Detection:
    """A face of 100 x 100 with its nose at a place."""
    return replace(detection(x - 50, y - 55, 100), score=score)


def test_a_mark_belongs_to_the_nearest_face_and_a_face_to_one_mark() -> None:
    errors, false = matched([face(100, 100), face(110, 100, 0.7)], [(102, 100)])
    assert errors == pytest.approx((0.02,))
    assert false == (0.7,)
    errors, false = matched([face(100, 100)], [(100, 100), (104, 100)])
    assert errors == pytest.approx((0,), abs=1e-9)
    assert false == ()


def test_a_mark_that_is_far_from_every_face_was_missed() -> None:
    assert matched([face(100, 100, 0.8)], [(130, 100)]) == ((), (0.8,))
    assert matched([], [(1, 1)]) == ((), ())
    assert matched([face(9, 9, 0.6)], []) == ((), (0.6,))


def test_figures_count_over_all_photographs() -> None:
    total = summary(
        [
            Judged("a", 3, 2, (0.01, 0.03), (0.95,), 10.0),
            Judged("b", 1, 1, (0.02,), (0.5, 0.6), 30.0),
        ]
    )
    assert total.recall == 0.75
    assert total.precision == 0.5
    assert total.f1 == pytest.approx(0.6)
    assert (total.false, total.sure_false) == (3, 1)
    assert total.points_error == 0.02
    assert total.milliseconds == 20.0
    nothing = summary([])
    assert (nothing.recall, nothing.precision) == (1.0, 1.0)


def test_a_grid_is_every_combination() -> None:
    assert list(grid({"a": (1, 2), "b": (3,)})) == [{"a": 1, "b": 3}, {"a": 2, "b": 3}]
