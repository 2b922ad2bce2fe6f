"""Pictures that are one face: what is cut out of them is nearly all of them."""

import numpy as np
import pytest

from faceserver.models.spec import AlignedCrop, SquareCrop
from faceserver.types import Box, Image
from faceserver.vision.crops import crop_of
from faceserver.vision.geometry import resize
from faceserver.vision.whole import face_inside, whole_picture

SIZE = 112
ARCFACE = ((38.29, 51.70), (73.53, 51.50), (56.03, 71.74), (41.55, 92.37), (70.73, 92.20))


@pytest.fixture
def picture() -> Image:
    """Smooth, so that a shift by a pixel makes little difference and one by many a large one."""
    rows, columns = np.mgrid[0:224, 0:224]
    return np.stack([rows, columns, rows // 2 + columns // 2], axis=2).astype(np.uint8)


@pytest.mark.parametrize(
    "recipe",
    [
        SquareCrop(kind="square", side=1.15, lowered=0.10, size=SIZE),
        AlignedCrop(kind="aligned", size=SIZE, template=ARCFACE),
    ],
    ids=["square", "aligned"],
)
def test_the_crop_is_the_picture(picture: Image, recipe: SquareCrop | AlignedCrop) -> None:
    crop = crop_of(picture, face_inside(picture), recipe).astype(int)
    inside = slice(4, -4)
    difference = np.abs(crop - resize(picture, SIZE, SIZE))[inside, inside]
    assert difference.max() <= 8


def test_the_box_is_the_whole_picture(picture: Image) -> None:
    face = whole_picture(picture[:100])
    assert (face.box, face.score) == (Box(0, 0, 224, 100), 1.0)
    assert all(0 < x < 224 and 0 < y < 100 for x, y in face.points)
