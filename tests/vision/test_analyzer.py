from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, BrokenBarrierError

import numpy as np
import pytest

from faceserver.errors import NotAnImage
from faceserver.pictures import codec
from faceserver.types import Detection, Image
from faceserver.vision.analyzer import Analyzer
from tests.support.fakes import ColourDetector, ColourEmbedder


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


class MeetingDetector(ColourDetector):
    """Detects nothing until so many threads detect at the same time."""

    def __init__(self, threads: int, seconds: float) -> None:
        self.together = Barrier(threads, timeout=seconds)

    def detect(self, image: Image) -> list[Detection]:
        self.together.wait()
        return super().detect(image)


PICTURE = codec.encode_jpeg(np.full((16, 32, 3), 200, np.uint8))


def read_four(analyzer: Analyzer) -> None:
    def read(_: int) -> int:
        return len(analyzer.read(PICTURE, max_bytes=10**6, max_pixels=10**6)[1])

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(read, range(4))) == [2] * 4


def test_so_many_pictures_have_their_turn_at_once_and_no_more() -> None:
    read_four(Analyzer(MeetingDetector(2, seconds=30), ColourEmbedder(), at_once=2))
    with pytest.raises(BrokenBarrierError):
        read_four(Analyzer(MeetingDetector(3, seconds=0.5), ColourEmbedder(), at_once=2))


def test_turns_are_shared_by_all_models_and_given_back_after_an_error() -> None:
    analyzer = Analyzer(ColourDetector(), ColourEmbedder(), at_once=1)
    other = analyzer.with_embedder(ColourEmbedder())
    for each in (analyzer, other, analyzer):
        with pytest.raises(NotAnImage):
            each.read(b"nothing", max_bytes=100, max_pixels=100)
    read_four(other)
