import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from faceserver.types import Floats
from faceserver.vision.boxes import Overlap, shifted, squared, suppress


def boxes_of(*rows: tuple[float, float, float, float]) -> Floats:
    return np.array(rows, np.float32).reshape(-1, 4)


def overlap_of(a: NDArray[np.float32], b: NDArray[np.float32], overlap: Overlap) -> float:
    """The definition, for one pair, ends included."""
    shared_width = max(0.0, min(a[2], b[2]) - max(a[0], b[0]) + 1)
    shared_height = max(0.0, min(a[3], b[3]) - max(a[1], b[1]) + 1)
    shared = shared_width * shared_height
    areas = [(box[2] - box[0] + 1) * (box[3] - box[1] + 1) for box in (a, b)]
    return float(shared / (min(areas) if overlap == "smaller" else sum(areas) - shared))


def test_the_better_of_two_overlapping_boxes_is_kept() -> None:
    boxes = boxes_of((1, 1, 10, 10), (2, 2, 11, 11), (50, 50, 60, 60))
    kept = suppress(boxes, np.array([0.8, 0.9, 0.7], np.float32), 0.5, "union")
    assert kept.tolist() == [1, 2]


def test_a_box_inside_another_overlaps_by_the_smaller_area_only() -> None:
    boxes = boxes_of((1, 1, 100, 100), (40, 40, 49, 49))
    scores = np.array([0.9, 0.8], np.float32)
    assert suppress(boxes, scores, 0.5, "union").tolist() == [0, 1]
    assert suppress(boxes, scores, 0.5, "smaller").tolist() == [0]


def test_no_boxes_give_no_indices() -> None:
    assert suppress(boxes_of(), np.empty(0, np.float32), 0.5, "union").tolist() == []


corner = st.integers(1, 40)
side = st.integers(0, 30)


@given(
    st.lists(st.tuples(corner, corner, side, side, st.integers(1, 1000)), max_size=30),
    st.sampled_from(["union", "smaller"]),
)
def test_suppression_keeps_exactly_what_no_better_kept_box_covers(
    rows: list[tuple[int, int, int, int, int]], overlap: Overlap
) -> None:
    boxes = boxes_of(*((x, y, x + w, y + h) for x, y, w, h, _ in rows))
    scores = np.array([score for *_, score in rows], np.float32)
    kept = suppress(boxes, scores, 0.5, overlap).tolist()
    expected: list[int] = []
    for index in sorted(range(len(rows)), key=lambda i: (-scores[i], i)):
        if all(overlap_of(boxes[index], boxes[better], overlap) <= 0.5 for better in expected):
            expected.append(index)
    assert kept == expected


def test_edges_move_by_their_share_of_the_size() -> None:
    boxes = boxes_of((10, 20, 19, 39))
    offsets = np.array([[0.1, -0.1, 0.2, 0.5]], np.float32)
    assert np.allclose(shifted(boxes, offsets, extra=1), [[11, 18, 21, 49]])
    assert np.allclose(shifted(boxes, offsets, extra=0), [[10.9, 18.1, 20.8, 48.5]])


def test_the_shorter_side_grows_about_the_centre() -> None:
    wide_and_high = boxes_of((10, 20, 30, 30), (0, 0, 10, 40))
    assert squared(wide_and_high).tolist() == [[10, 15, 30, 35], [-15, 0, 25, 40]]
