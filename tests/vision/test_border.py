"""A face that touches the picture's edges is found, and looking costs nothing elsewhere."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from faceserver.engines import EngineOptions, make_engine
from faceserver.models.spec import DetectorSpec, load_spec
from faceserver.pictures import codec
from faceserver.types import Box, Detection, Image
from faceserver.vision.analyzer import Analyzer
from faceserver.vision.base import Detector, Loading
from faceserver.vision.geometry import resize
from faceserver.vision.mtcnn import MtcnnDetector
from tests.support.fakes import ColourEmbedder, detection
from tests.support.photographs import Photographs

MODEL = Path(__file__).resolve().parents[2] / "models" / "mtcnn"
FACES = {"obama.jpg": (395, 145, 600, 380), "biden.jpg": (470, 215, 710, 560)}
"""Eyebrows to chin and cheek to cheek."""


SURE = 0.997


class Counting:
    """Finds what it is told to, then nothing; counts."""

    def __init__(self, *answers: list[Detection]) -> None:
        self.seen: list[Image] = []
        self._answers = list(answers)

    def detect(self, image: Image) -> list[Detection]:
        self.seen.append(image)
        return self._answers.pop(0) if self._answers else []


@pytest.fixture(scope="module")
def detector() -> MtcnnDetector:
    engine = make_engine("openvino", EngineOptions(threads=2))
    return MtcnnDetector(load_spec(MODEL, DetectorSpec), Loading(engine))


@pytest.mark.parametrize("name", FACES)
@pytest.mark.parametrize("side", [90, 110, 145, 400, 1500])
def test_a_face_that_fills_the_picture(
    detector: MtcnnDetector, photographs: Photographs, name: str, side: int
) -> None:
    x1, y1, x2, y2 = FACES[name]
    whole = codec.decode(photographs[name].read_bytes(), max_bytes=10**8, max_pixels=10**8).image
    height = round(side * (y2 - y1) / (x2 - x1))
    crop = resize(np.ascontiguousarray(whole[y1:y2, x1:x2]), side, height)
    (face,) = looked(crop, detector)
    nose_x, nose_y = face.points[2]
    assert 0.3 < nose_x / side < 0.7
    assert 0.35 < nose_y / height < 0.75
    assert 0.6 < face.box.width / side < 1.4


def looked(picture: Image, detector: Detector) -> list[Detection]:
    """The faces that are found."""
    faces = Analyzer(detector, ColourEmbedder(), sure=SURE).find(picture)
    return [face.detection for face in faces]


FACE = replace(detection(100, 110, 100), score=0.999)


def test_a_picture_with_a_face_is_looked_at_once() -> None:
    detector = Counting([FACE])
    seen = looked(np.zeros((500, 400, 3), np.uint8), detector)
    assert seen == [FACE]
    assert len(detector.seen) == 1


def test_a_large_picture_without_faces_is_looked_at_once_more_and_small() -> None:
    detector = Counting()
    picture = np.zeros((3000, 4000, 3), np.uint8)
    assert looked(picture, detector) == []
    upright, framed = detector.seen[::4]  # each in four orientations
    assert upright.shape == picture.shape
    assert framed.shape == (180 + 144, 240 + 144, 3)
    assert len(detector.seen) == 8


def test_places_are_those_of_the_picture() -> None:
    detector = Counting([], [], [], [], [FACE])
    seen = looked(np.zeros((480, 240, 3), np.uint8), detector)
    assert detector.seen[4].shape == (240 + 144, 120 + 144, 3)
    assert [face.box for face in seen] == [Box(56, 76, 256, 276)]
