from dataclasses import replace

import numpy as np
import pytest

from faceserver.models.spec import AlignedCrop, CentredCrop, SquareCrop, StretchedCrop
from faceserver.types import Box, Detection
from faceserver.vision.crops import aligned_crop, crop_of, similarity_transform, square_crop
from faceserver.vision.orientation import turned
from tests.support.fakes import detection

TEMPLATE = ((38.0, 52.0), (74.0, 52.0), (56.0, 72.0), (42.0, 92.0), (71.0, 92.0))
"""About where the points of a face come to lie in crops of 112 x 112."""


def test_the_crop_is_a_lowered_square_around_the_box() -> None:
    image = np.zeros((400, 400, 3), np.uint8)
    image[:, :, 0], image[:, :, 1] = np.mgrid[0:400, 0:400].astype(np.uint8)  # rows, columns
    recipe = SquareCrop(kind="square", side=1.2, lowered=0.1, size=120)
    crop = square_crop(image, detection(50, 60, 100), recipe)
    # Mean size 100: a side of 120 about the centre (100, 110) lowered by 10 to 120.
    assert np.array_equal(crop, image[60:180, 40:160])


def test_the_crop_is_zero_beyond_the_picture() -> None:
    white = np.full((100, 100, 3), 255, np.uint8)
    recipe = SquareCrop(kind="square", side=1.0, lowered=0.0, size=100)
    crop = square_crop(white, detection(-50, 0, 100), recipe)
    assert np.all(crop[:, :50] == 0)
    assert np.all(crop[:, 50:] == 255)


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_crop_is_upright_whichever_way_up_the_face_is(turns: int) -> None:
    picture = np.random.default_rng(1).integers(0, 256, (64, 50, 3), np.uint8)
    face = detection(7.5, 20.25, 31)
    recipe = SquareCrop(kind="square", side=1.3, lowered=0.1, size=24)
    turned_face = turned(face, turns, 50, 64)
    crop = square_crop(np.ascontiguousarray(np.rot90(picture, turns)), turned_face, recipe)
    assert np.array_equal(crop, square_crop(picture, face, recipe))


def test_a_stretched_crop_takes_the_enlarged_box_to_a_square() -> None:
    white = np.full((400, 400, 3), 255, np.uint8)
    white[50:250, 200:] = 100
    face = Detection(Box(150, 100, 250, 200), detection(0, 0, 1).points, 0.9)
    tall = replace(face, box=Box(150, 50, 250, 250))
    recipe = StretchedCrop(kind="stretched", side=1.5, size=150)
    wide, high = crop_of(white, face, recipe), crop_of(white, tall, recipe)
    assert np.array_equal(wide, white[75:225, 125:275])
    assert high.shape == (150, 150, 3)
    assert np.all(high[25:125, 76:] == 100)  # 300 rows have become 150
    assert np.all(high[:20] == 255)


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_stretched_crop_is_upright_whichever_way_up_the_face_is(turns: int) -> None:
    picture = np.random.default_rng(1).integers(0, 256, (64, 50, 3), np.uint8)
    face = detection(7.5, 20.25, 31)
    face = replace(face, box=replace(face.box, y2=face.box.y2 + 3))
    recipe = StretchedCrop(kind="stretched", side=1.3, size=24)
    lying = np.ascontiguousarray(np.rot90(picture, turns))
    crop = crop_of(lying, turned(face, turns, 50, 64), recipe)
    assert np.array_equal(crop, crop_of(picture, face, recipe))


def test_a_stretched_crop_is_zero_beyond_the_picture() -> None:
    white = np.full((100, 100, 3), 255, np.uint8)
    recipe = StretchedCrop(kind="stretched", side=1.0, size=100)
    crop = crop_of(white, detection(-50, 0, 100), recipe)
    assert np.all(crop[:, :50] == 0)
    assert np.all(crop[:, 50:] == 255)
    assert crop_of(white, detection(5, 5, 0), recipe).shape == (100, 100, 3)


@pytest.mark.parametrize("degrees", [0, 30, -100, 180])
def test_a_similarity_transform_takes_points_back_to_where_they_came_from(degrees: float) -> None:
    angle = np.radians(degrees)
    turn = 2.5 * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    target = np.array(TEMPLATE)
    source = target @ turn.T + (120, -30)
    move = similarity_transform(source, target)
    assert np.allclose(source @ move[:, :2].T + move[:, 2], target)


def test_a_similarity_transform_never_mirrors() -> None:
    target = np.array(TEMPLATE)
    mirrored = target * (-1, 1)
    move = similarity_transform(mirrored, target)
    assert np.linalg.det(move[:, :2]) > 0


def test_points_of_one_place_give_numbers_all_the_same() -> None:
    move = similarity_transform(np.zeros((5, 2)), np.array(TEMPLATE))
    assert np.isfinite(move).all()


def test_an_aligned_crop_brings_the_points_to_the_template() -> None:
    picture = np.zeros((400, 400, 3), np.uint8)
    colours = np.array([(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (0, 255, 255)])
    points = [(x * 2 + 60, y * 2 + 40) for x, y in TEMPLATE]
    for (x, y), colour in zip(points, colours, strict=True):
        picture[int(y) - 6 : int(y) + 7, int(x) - 6 : int(x) + 7] = colour
    a, b, c, d, e = points
    face = Detection(Box(60, 40, 284, 264), (a, b, c, d, e), 0.9)
    crop = aligned_crop(picture, face, AlignedCrop(kind="aligned", size=112, template=TEMPLATE))
    assert crop.shape == (112, 112, 3)
    for (x, y), colour in zip(TEMPLATE, colours, strict=True):
        assert np.array_equal(crop[int(y), int(x)], colour)


def test_a_smooth_crop_skips_nothing_of_what_it_shrinks() -> None:
    """Stripes as fine as a pixel are grey from afar; without halving, some of them are hit."""
    stripes = np.zeros((900, 900, 3), np.uint8)
    stripes[:, ::2] = 255
    face = detection(200, 200, 500)
    plain = AlignedCrop(kind="aligned", size=112, template=TEMPLATE)
    rough = aligned_crop(stripes, face, plain)
    smooth = aligned_crop(stripes, face, plain.model_copy(update={"smooth": True}))
    assert np.abs(smooth.astype(int) - 127).max() <= 2
    assert rough.std() > 20


@pytest.mark.parametrize("side", [60.0, 333.0, 700.0])
def test_a_smooth_crop_shows_the_same_place(side: float) -> None:
    """On a ramp, which no scaling changes, both are equal."""
    ramp = np.zeros((2400, 2400, 3), np.uint8)
    ramp[:, :, 0] = np.linspace(0, 255, 2400)
    ramp[:, :, 1] = np.linspace(0, 255, 2400)[:, None]
    face = detection(800, 700, side)
    plain = AlignedCrop(kind="aligned", size=112, template=TEMPLATE)
    rough = aligned_crop(ramp, face, plain).astype(int)
    smooth = aligned_crop(ramp, face, plain.model_copy(update={"smooth": True})).astype(int)
    assert rough[:, :, :2].min() > 0
    assert np.abs(rough - smooth).max() <= 1


def test_a_centred_crop_is_a_square_of_the_longer_side() -> None:
    image = np.zeros((200, 200, 3), np.uint8)
    image[60:140, 60:140] = 200  # twice 40, the longer side, about (100, 100)
    face = Detection(Box(90, 80, 110, 120), detection(90, 80, 20).points, 0.9)
    crop = crop_of(image, face, CentredCrop(kind="centred", side=2, size=80))
    assert crop.min() == 200
    wider = crop_of(image, face, CentredCrop(kind="centred", side=4, size=80))
    assert (wider[40, :18] == 0).all()
    assert (wider[40, 22:58] == 200).all()


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_centred_crop_is_upright_whichever_way_up_the_face_is(turns: int) -> None:
    picture = np.zeros((200, 160, 3), np.uint8)
    picture[:, :, 0] = np.linspace(0, 255, 160)
    picture[:, :, 1] = np.linspace(0, 255, 200)[:, None]
    face = detection(60, 70, 40)
    recipe = CentredCrop(kind="centred", side=1.5, size=48)
    turned_picture = np.ascontiguousarray(np.rot90(picture, turns))
    crop = crop_of(turned_picture, turned(face, turns, 160, 200), recipe)
    upright = crop_of(picture, face, recipe)
    assert np.abs(crop.astype(int) - upright).max() <= 3  # up to a pixel's step on the ramp
