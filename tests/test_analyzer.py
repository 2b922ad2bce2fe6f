import numpy as np

from faceserver.analyzer import Analyzer
from faceserver.types import Detection, Image
from tests.fakes import ColourDetector, ColourEmbedder


class WatchedDetector(ColourDetector):
    def __init__(self) -> None:
        self.shapes: list[tuple[int, ...]] = []

    def detect(self, image: Image) -> list[Detection]:
        self.shapes.append(image.shape)
        return super().detect(image)


def test_warming_up_runs_both_parts_once() -> None:
    detector, embedder = WatchedDetector(), ColourEmbedder()
    Analyzer(detector, embedder).warm_up()
    assert detector.shapes == [(900, 1200, 3)]
    assert embedder.batches == [0]


def test_the_faces_of_several_pictures_are_one_batch() -> None:
    embedder = ColourEmbedder()
    analyzer = Analyzer(ColourDetector(), embedder)
    bright = np.full((16, 32, 3), 200, np.uint8)
    faces = [face for _ in range(3) for face in analyzer.find(bright)]
    assert analyzer.embed(faces).shape == (6, 3)
    assert embedder.batches == [6]
