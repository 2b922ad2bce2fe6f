import numpy as np
import pytest

from faceserver.types import Floats, Image
from faceserver.vision.geometry import cut_out, halved, resize
from faceserver.vision.mtcnn.layout import Level
from faceserver.vision.mtcnn.pyramid import Cutter, halvings, scaled_level


def smooth(height: int, width: int) -> Image:
    """Waves: a picture that scaling does not change much."""
    y, x = np.mgrid[0:height, 0:width] / 40
    waves = np.stack([np.sin(x + y), np.cos(x - y), np.sin(2 * x)], axis=2)
    return np.asarray(127.5 + 127 * waves, np.uint8)


def rows(*boxes: tuple[float, float, float, float]) -> Floats:
    return np.array(boxes, np.float32)


def test_halving_takes_means_and_leaves_an_odd_edge_out() -> None:
    picture = np.arange(5 * 7 * 3, dtype=np.uint8).reshape(5, 7, 3)
    half = halved(picture)
    assert half.shape == (2, 3, 3)
    assert half[0, 0, 0] == (0 + 3 + 21 + 24) / 4


def test_halvings_stop_before_they_are_too_small() -> None:
    assert [p.shape[:2] for p in halvings(smooth(100, 400))] == [(100, 400), (50, 200), (25, 100)]
    assert [p.shape[:2] for p in halvings(smooth(12, 400))] == [(12, 400)]


@pytest.mark.parametrize(("width", "height"), [(91, 61), (45, 30), (20, 13)])
def test_a_level_is_what_scaling_the_whole_picture_gives(width: int, height: int) -> None:
    picture = smooth(616, 912)
    level = scaled_level(halvings(picture), Level(0.1, width, height))
    assert level.shape == (height + height % 2, width + width % 2, 3)
    expected = resize(picture, width, height).astype(int)
    assert np.abs(level[:height, :width] - expected).max() <= 6
    assert np.array_equal(level[-1], level[height - 1])
    assert np.array_equal(level[:, -1], level[:, width - 1])


def test_small_boxes_are_cut_from_the_picture_as_they_are() -> None:
    picture = smooth(300, 300)
    boxes = rows((11, 21, 60, 70), (-9, -9, 40, 40))
    cutter = Cutter(halvings(picture), boxes, 24)
    crops = np.zeros((2, 24, 24, 3), np.uint8)
    cutter.cut(0, crops)
    assert np.array_equal(cutter.boxes, boxes)
    assert np.array_equal(crops[0], resize(picture[20:70, 10:60], 24, 24))
    assert np.array_equal(crops[1], resize(cut_out(picture, -10, -10, 40, 40), 24, 24))


def test_large_boxes_are_cut_from_a_half_at_its_pixels() -> None:
    picture = smooth(600, 600)
    cutter = Cutter(halvings(picture), rows((102, 203, 402, 503)), 24)
    crops = np.zeros((1, 24, 24, 3), np.uint8)
    cutter.cut(0, crops)
    assert cutter.boxes.tolist() == [[105, 201, 400, 504]]  # in steps of 8 pixels
    assert np.abs(crops[0] - resize(picture[200:504, 104:400], 24, 24).astype(int)).max() <= 6
