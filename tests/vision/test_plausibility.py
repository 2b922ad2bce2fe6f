"""What makes a face of five points, and what does not."""

import math
from dataclasses import replace

import numpy as np
import pytest

from faceserver.errors import NoFace
from faceserver.types import Box, Detection, Image
from faceserver.vision.analyzer import Analyzer
from faceserver.vision.plausibility import is_face
from tests.support.fakes import ColourDetector, ColourEmbedder, detection

FACE = detection(100, 100, 100)
LEFT, RIGHT, NOSE, LEFT_MOUTH, RIGHT_MOUTH = FACE.points


def rolled(degrees: float) -> Detection:
    angle = math.radians(degrees)
    a, b, c, d, e = (
        (
            150 + (x - 150) * math.cos(angle) - (y - 150) * math.sin(angle),
            150 + (x - 150) * math.sin(angle) + (y - 150) * math.cos(angle),
        )
        for x, y in FACE.points
    )
    return replace(FACE, points=(a, b, c, d, e))


@pytest.mark.parametrize("degrees", [0, 20, -45, 70])
def test_a_tilted_head_is_a_face(degrees: float) -> None:
    assert is_face(rolled(degrees))


def test_a_profile_is_a_face() -> None:
    points = ((118.0, 138.0), (126.0, 137.0), (108.0, 155.0), (120.0, 176.0), (125.0, 177.0))
    assert is_face(replace(FACE, points=points))


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_no_face_is_found_lying_in_an_orientation_that_is_looked_at(degrees: float) -> None:
    assert not is_face(rolled(degrees))


@pytest.mark.parametrize(
    "points",
    [
        (RIGHT, LEFT, NOSE, RIGHT_MOUTH, LEFT_MOUTH),
        (LEFT_MOUTH, RIGHT_MOUTH, NOSE, LEFT, RIGHT),
        (LEFT, RIGHT, (150.0, 120.0), LEFT_MOUTH, RIGHT_MOUTH),
        (LEFT, RIGHT, (150.0, 190.0), LEFT_MOUTH, RIGHT_MOUTH),
        (LEFT, RIGHT, NOSE, RIGHT_MOUTH, LEFT_MOUTH),
        (LEFT, RIGHT, NOSE, (140.0, 150.0), (160.0, 150.0)),
        (LEFT, RIGHT, (230.0, 155.0), LEFT_MOUTH, RIGHT_MOUTH),
        (LEFT, LEFT, LEFT, LEFT, LEFT),
        (LEFT, RIGHT, (math.nan, 155.0), LEFT_MOUTH, RIGHT_MOUTH),
    ],
    ids=[
        "mirrored",
        "on its head",
        "nose above",
        "nose below",
        "mouth mirrored",
        "flat",
        "outside",
        "one point",
        "nan",
    ],
)
def test_points_that_make_no_face(points: tuple[tuple[float, float], ...]) -> None:
    a, b, c, d, e = points
    assert not is_face(Detection(Box(100, 100, 200, 200), (a, b, c, d, e), 0.9999))


class Mirrored(ColourDetector):
    """Finds faces whose eyes are below their mouths."""

    def detect(self, image: Image) -> list[Detection]:
        found = super().detect(image)
        return [
            replace(each, points=(*each.points[3:], each.points[2], *each.points[:2]))
            for each in found
        ]


def test_the_answer_says_that_what_looked_like_a_face_is_none() -> None:
    faces = Analyzer(Mirrored(), ColourEmbedder()).find(np.full((16, 32, 3), 200, np.uint8))
    assert faces == []
    assert faces.refused == 8
    error = faces.none()
    assert isinstance(error, NoFace)
    assert "where no face has them" in str(error)
    nothing = Analyzer(Mirrored(), ColourEmbedder()).find(np.zeros((16, 32, 3), np.uint8))
    assert str(nothing.none()) == "no face was found in the picture"
