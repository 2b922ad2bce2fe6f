from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import numpy as np

from faceserver.types import Floats, Image
from faceserver.vision.batched import BatchedEmbedder
from tests.support.fakes import ColourEmbedder, detection

RED, GREEN, BLUE = (
    np.full((16, 16, 3), 10, np.uint8) + 200 * np.eye(3, dtype=np.uint8)[axis] for axis in range(3)
)


class HeldEmbedder(ColourEmbedder):
    """Keeps its first batch until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.go = Event(), Event()

    def embed(self, crops: Sequence[Image]) -> Floats:
        self.begun.set()
        assert self.go.wait(60)
        return super().embed(crops)


def test_it_stands_for_the_embedder_that_it_is_given() -> None:
    inner = ColourEmbedder()
    batched = BatchedEmbedder(inner, most=4, wait=0)
    assert (batched.name, batched.dims, batched.distances) == ("colour", 3, inner.distances)
    picture = np.zeros((32, 32, 3), np.uint8)
    assert batched.crop(picture, detection(0, 0, 16)).shape == (16, 16, 3)
    assert np.array_equal(batched.embed([RED, BLUE]), inner.embed([RED, BLUE]))
    assert batched.embed([]).shape == (0, 3)
    batched.warm_up()
    assert inner.batches == [2, 2, 0]


def test_faces_of_several_threads_become_one_batch_and_do_not_mix() -> None:
    inner = HeldEmbedder()
    batched = BatchedEmbedder(inner, most=4, wait=60)  # the last one makes the batch full
    crops = [[RED], [GREEN], [BLUE, RED]]
    with ThreadPoolExecutor(5) as pool:
        first = pool.submit(batched.embed, [BLUE])
        assert inner.begun.wait(60)
        others = [pool.submit(batched.embed, each) for each in crops]
        inner.go.set()
        answers = [future.result(60) for future in others]
    assert first.result().shape == (1, 3)
    assert inner.batches == [1, 4]
    for each, answer in zip(crops, answers, strict=True):
        assert np.array_equal(answer, ColourEmbedder().embed(each))
