from pathlib import Path

import numpy as np
import pytest

from faceserver.engines import EngineOptions, make_engine
from faceserver.models.spec import EmbedderSpec, SquareCrop, load_spec
from faceserver.runtime.parallel import Helpers
from faceserver.vision.facenet import FaceNetEmbedder, square_crop
from faceserver.vision.orientation import turned
from tests.support.counting import CountingEngine
from tests.support.fakes import detection

MODEL = Path(__file__).resolve().parents[2] / "models/inception_resnet/20180408-102900"


@pytest.fixture(scope="module")
def embedder() -> FaceNetEmbedder:
    engine = make_engine("openvino", EngineOptions(threads=2))
    return FaceNetEmbedder(load_spec(MODEL, EmbedderSpec), engine, "f32")


def noise(count: int, side: int = 160) -> list[np.ndarray[tuple[int, ...], np.dtype[np.uint8]]]:
    return list(np.random.default_rng(count).integers(0, 256, (count, side, side, 3), np.uint8))


@pytest.mark.parametrize("count", [1, 7, 33])
def test_embeddings_have_unit_length_and_do_not_depend_on_the_batch(
    embedder: FaceNetEmbedder, count: int
) -> None:
    crops = noise(count)
    together = embedder.embed(crops)
    assert together.shape == (count, 512)
    assert together.dtype == np.float32
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-6)
    for row in {0, count // 2, count - 1}:
        assert np.abs(embedder.embed([crops[row]])[0] - together[row]).max() < 1e-4


def test_the_network_is_called_in_the_sizes_that_it_was_warmed_up_for() -> None:
    engine = CountingEngine()
    counted = FaceNetEmbedder(load_spec(MODEL, EmbedderSpec), engine, "f32")
    counted.warm_up()
    warm = engine.shapes()
    engine.calls.clear()
    for count in range(1, 36):
        counted.embed(noise(1) * count)
    assert set(engine.shapes()) <= set(warm)
    assert set(warm) == {(size, 160, 160, 3) for size in (1, 2, 4, 8)}


def test_helpers_take_a_share_of_many_faces(embedder: FaceNetEmbedder) -> None:
    engine = CountingEngine(make_engine("openvino", EngineOptions(threads=2)), at_once=2)
    helped = FaceNetEmbedder(load_spec(MODEL, EmbedderSpec), engine, "f32", Helpers(1))
    crops = noise(20)
    assert np.allclose(helped.embed(crops), embedder.embed(crops), atol=1e-5)
    assert sorted(shape[0] for shape in engine.shapes()) == [4, 8, 8]


def test_a_network_that_makes_one_prediction_at_a_time_gets_large_calls() -> None:
    engine = CountingEngine(at_once=1)
    FaceNetEmbedder(load_spec(MODEL, EmbedderSpec), engine, "f32", Helpers(1)).embed(noise(1) * 8)
    assert engine.shapes() == [(8, 160, 160, 3)]


def test_one_face_is_one_call_of_one() -> None:
    engine = CountingEngine()
    FaceNetEmbedder(load_spec(MODEL, EmbedderSpec), engine, "f32").embed(noise(1))
    assert engine.shapes() == [(1, 160, 160, 3)]


def test_no_crops_give_no_embeddings(embedder: FaceNetEmbedder) -> None:
    assert embedder.embed([]).shape == (0, 512)


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
    picture = noise(1, 64)[0][:, :50]
    face = detection(7.5, 20.25, 31)
    recipe = SquareCrop(kind="square", side=1.3, lowered=0.1, size=24)
    turned_face = turned(face, turns, 50, 64)
    crop = square_crop(np.ascontiguousarray(np.rot90(picture, turns)), turned_face, recipe)
    assert np.array_equal(crop, square_crop(picture, face, recipe))
