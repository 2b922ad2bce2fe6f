from pathlib import Path

import numpy as np
import pytest

from faceserver.engines import EngineOptions, make_engine
from faceserver.errors import ModelError
from faceserver.models.spec import EmbedderSpec, load_spec
from faceserver.runtime.parallel import Helpers
from faceserver.vision.base import Loading
from faceserver.vision.facenet import FaceNetEmbedder
from tests.support.counting import CountingEngine

MODEL = Path(__file__).resolve().parents[2] / "models/inception_resnet/20180408-102900"


@pytest.fixture(scope="module")
def embedder() -> FaceNetEmbedder:
    engine = make_engine("openvino", EngineOptions(threads=2))
    return FaceNetEmbedder(load_spec(MODEL, EmbedderSpec), Loading(engine))


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
    counted = FaceNetEmbedder(load_spec(MODEL, EmbedderSpec), Loading(engine))
    counted.warm_up()
    warm = engine.shapes()
    engine.calls.clear()
    for count in range(1, 36):
        counted.embed(noise(1) * count)
    assert set(engine.shapes()) <= set(warm)
    assert set(warm) == {(size, 160, 160, 3) for size in (1, 2, 4, 8)}


def test_helpers_take_a_share_of_many_faces(embedder: FaceNetEmbedder) -> None:
    engine = CountingEngine(make_engine("openvino", EngineOptions(threads=2)), at_once=2)
    helped = FaceNetEmbedder(load_spec(MODEL, EmbedderSpec), Loading(engine, helpers=Helpers(1)))
    crops = noise(20)
    assert np.allclose(helped.embed(crops), embedder.embed(crops), atol=1e-5)
    assert sorted(shape[0] for shape in engine.shapes()) == [4, 8, 8]


def test_a_network_that_makes_one_prediction_at_a_time_gets_large_calls() -> None:
    engine = CountingEngine(at_once=1)
    FaceNetEmbedder(load_spec(MODEL, EmbedderSpec), Loading(engine, helpers=Helpers(1))).embed(
        noise(1) * 8
    )
    assert engine.shapes() == [(8, 160, 160, 3)]


def test_one_face_is_one_call_of_one() -> None:
    engine = CountingEngine()
    FaceNetEmbedder(load_spec(MODEL, EmbedderSpec), Loading(engine)).embed(noise(1))
    assert engine.shapes() == [(1, 160, 160, 3)]


def test_no_crops_give_no_embeddings(embedder: FaceNetEmbedder) -> None:
    assert embedder.embed([]).shape == (0, 512)


def test_a_face_and_its_mirror_have_one_vector() -> None:
    spec = load_spec(MODEL, EmbedderSpec)
    engine = make_engine("openvino", EngineOptions(threads=2))
    plain = FaceNetEmbedder(spec, Loading(engine))
    both = FaceNetEmbedder(spec.model_copy(update={"options": {"mirror": True}}), Loading(engine))
    crops = noise(3)
    mirrored = [np.ascontiguousarray(crop[:, ::-1]) for crop in crops]
    expected = plain.embed(crops) + plain.embed(mirrored)
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    assert np.allclose(both.embed(crops), expected, atol=1e-5)
    assert np.allclose(both.embed(crops), both.embed(mirrored), atol=1e-5)


def test_an_option_that_there_is_not() -> None:
    spec = load_spec(MODEL, EmbedderSpec).model_copy(update={"options": {"mirrors": True}})
    with pytest.raises(ModelError, match="mirror"):
        FaceNetEmbedder(spec, Loading(CountingEngine()))
