"""Pictures in any orientation: the same faces are found, in the picture as it was given."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from faceserver.app import make_analyzer
from faceserver.config import load_settings
from faceserver.errors import TooManyFaces
from faceserver.pictures import codec
from faceserver.types import Box, Detection, Image
from faceserver.vision.analyzer import Analyzer
from faceserver.vision.orientation import sighted, turned, turned_picture, turns_to_upright
from tests.support.fakes import ColourEmbedder, detection
from tests.support.photographs import Photographs

SURE = 0.997
MEN = ["obama.jpg", "obama2.jpg", "biden.jpg", "obama3.jpg", "astronaut.png"]


class Scripted:
    """Finds what it is told, call by call, whatever the picture."""

    def __init__(self, *answers: list[Detection]) -> None:
        self.answers = answers
        self.shapes: list[tuple[int, ...]] = []

    def detect(self, image: Image) -> list[Detection]:
        self.shapes.append(image.shape)
        return self.answers[len(self.shapes) - 1]


def face(left: float, top: float, side: float = 20, score: float = 0.999) -> Detection:
    return replace(detection(left, top, side), score=score)


PICTURE = np.zeros((60, 100, 3), np.uint8)


def test_a_sure_upright_face_costs_no_further_look() -> None:
    detector = Scripted([face(10, 10), face(50, 10, score=0.7)])
    assert len(sighted(PICTURE, detector.detect, sure=SURE).faces) == 2
    assert detector.shapes == [(60, 100, 3)]


def test_a_crowd_is_looked_at_once_and_at_most_four_times() -> None:
    many = [face(10 * n, 0, 9, score=0.999) for n in range(150)]
    sure = Scripted(many)
    assert len(sighted(PICTURE, sure.detect, sure=SURE).faces) == 150
    doubtful = [replace(each, score=0.9) for each in many]
    unsure = Scripted(doubtful, [], [], [])
    with pytest.raises(TooManyFaces):
        Analyzer(unsure, ColourEmbedder(), sure=SURE, max_faces=149).find(PICTURE)
    assert len(unsure.shapes) == 4


def test_without_a_sure_face_all_orientations_are_looked_at() -> None:
    detector = Scripted([face(0, 0, score=0.9)], [], [face(10, 30)], [face(0, 0, score=0.95)])
    (found,) = sighted(PICTURE, detector.detect, sure=SURE).faces
    assert detector.shapes == [(60, 100, 3), (100, 60, 3), (60, 100, 3), (100, 60, 3)]
    assert found == turned(face(10, 30), 2, 100, 60)
    assert turns_to_upright(found) == 2


def test_sure_faces_of_several_orientations_are_all_found() -> None:
    detector = Scripted([], [face(20, 70), face(5, 40, score=0.9)], [face(5, 5)], [])
    found = sighted(PICTURE, detector.detect, sure=SURE).faces
    assert sorted(turns_to_upright(each) for each in found) == [1, 1, 2]


def test_what_another_orientation_shows_must_be_sure_and_somewhere_else() -> None:
    best = turned(turned(face(5, 5), -2, 100, 60), 1, 100, 60)
    unsure = [face(40, 40, score=0.9)], [replace(best, score=0.9)]
    (found,) = sighted(PICTURE, Scripted(*unsure, [face(5, 5)], []).detect, sure=SURE).faces
    assert found == turned(face(5, 5), 2, 100, 60)


@pytest.mark.parametrize("turns", range(4))
def test_turning_there_and_back_changes_nothing(turns: int) -> None:
    there = turned(face(13.25, 7.5), turns, 100, 60)
    width, height = (100, 60) if turns % 2 == 0 else (60, 100)
    assert turned(there, -turns, width, height) == face(13.25, 7.5)
    assert turns_to_upright(there) == -turns % 4


def test_a_face_without_points_is_taken_as_it_is() -> None:
    nowhere = Detection(Box(0, 0, 0, 0), ((0.0, 0.0),) * 5, 0.0)
    assert turns_to_upright(nowhere) == 0


@pytest.fixture(scope="module")
def analyzer() -> Analyzer:
    return make_analyzer(load_settings())


def decoded(path: Path) -> Image:
    return codec.decode(path.read_bytes(), max_bytes=10**8, max_pixels=10**8).image


@pytest.mark.parametrize("turns", [1, 2, 3])
@pytest.mark.parametrize("name", MEN)
def test_a_turned_photograph_has_the_same_faces(
    analyzer: Analyzer, photographs: Photographs, name: str, turns: int
) -> None:
    image = decoded(photographs[name])
    height, width = image.shape[:2]
    upright = analyzer.find(image)
    found = analyzer.find(np.ascontiguousarray(turned_picture(image, turns)))
    assert [each.detection for each in found] == [
        turned(each.detection, turns, width, height) for each in upright
    ]
    for one, other in zip(upright, found, strict=True):
        assert np.array_equal(one.crop, other.crop)


def test_a_photograph_is_looked_at_once(analyzer: Analyzer, photographs: Photographs) -> None:
    calls: list[tuple[int, ...]] = []

    def detect(image: Image) -> list[Detection]:
        calls.append(image.shape)
        return analyzer._detector.detect(image)

    for name in MEN:
        sighted(decoded(photographs[name]), detect, sure=analyzer._sure)
    assert len(calls) == len(MEN)


def test_two_men_in_two_orientations(analyzer: Analyzer, photographs: Photographs) -> None:
    """A scan of two prints, one of them on its side, and both sideways as a whole."""
    one, other = (decoded(photographs[name])[:700, :700] for name in ("obama.jpg", "biden.jpg"))
    album = np.hstack([turned_picture(one, 1), turned_picture(other, 2)])
    found = analyzer.find(np.ascontiguousarray(album))
    assert {turns_to_upright(each.detection) for each in found} == {2, 3}
