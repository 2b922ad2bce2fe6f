"""ArcFace's kin, number by number, on networks made here."""

from pathlib import Path

import numpy as np
import pytest

from faceserver.engines import Engine, EngineOptions, make_engine
from faceserver.errors import ModelError
from faceserver.models.spec import EmbedderSpec
from faceserver.vision.architectures import make_embedder
from faceserver.vision.base import Embedder, Loading
from tests.support.nets import dot_net

TEMPLATE = [
    [38.2946, 51.6963],
    [73.5318, 51.5014],
    [56.0252, 71.7366],
    [41.5493, 92.3655],
    [70.7299, 92.2041],
]
RANDOM = np.random.default_rng(7)
WEIGHTS = RANDOM.normal(size=(6, 3, 112, 112))
CROPS = list(RANDOM.integers(0, 256, (11, 112, 112, 3), np.uint8))


@pytest.fixture(scope="module")
def engine() -> Engine:
    return make_engine("openvino", EngineOptions(threads=1))


def embedder(onnx: Path, engine: Engine, **changed: object) -> Embedder:
    described: dict[str, object] = {
        "kind": "embedder",
        "name": "dots",
        "architecture": "arcface",
        "source": "made by a test",
        "licence": "MIT",
        "dims": 6,
        "input": {"normalization": {"kind": "fixed", "mean": 127.5, "scale": 1 / 127.5}},
        "crop": {"kind": "aligned", "size": 112, "template": TEMPLATE},
        "distances": {"threshold": 1.2, "calibration": "none"},
        "networks": {"embedder": {"onnx": onnx}},
    }
    return make_embedder(EmbedderSpec.model_validate({**described, **changed}), Loading(engine))


@pytest.mark.parametrize("channels", ["rgb", "bgr"])
@pytest.mark.parametrize(
    ("mean", "scale"),
    [(127.5, 1 / 127.5), (127.5, 1 / 128), ([123.675, 116.28, 103.53], [0.0171, 0.0175, 0.0174])],
)
def test_a_vector_is_what_the_network_makes_of_the_normalized_crop(
    tmp_path: Path, engine: Engine, channels: str, mean: object, scale: object
) -> None:
    onnx = dot_net(tmp_path / "net.onnx", WEIGHTS)
    given = {"kind": "fixed", "mean": mean, "scale": scale}
    model = embedder(onnx, engine, input={"channels": channels, "normalization": given})
    found = model.embed(CROPS)
    pixels = np.array(CROPS, np.float64)[..., :: 1 if channels == "rgb" else -1]
    normalized = (pixels - np.array(mean, np.float64)) * np.array(scale, np.float64)
    expected = np.einsum("nyxc,kcyx->nk", normalized, WEIGHTS)
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    assert found.shape == (11, 6)
    assert np.abs(found - expected).max() < 1e-4


def test_a_network_for_one_face_takes_one_after_the_other(tmp_path: Path, engine: Engine) -> None:
    one = embedder(dot_net(tmp_path / "one.onnx", WEIGHTS, batch=1), engine, options={"batch": 1})
    many = embedder(dot_net(tmp_path / "many.onnx", WEIGHTS), engine)
    assert np.abs(one.embed(CROPS) - many.embed(CROPS)).max() < 1e-5


def test_a_vector_of_another_length_is_refused(tmp_path: Path, engine: Engine) -> None:
    onnx = dot_net(tmp_path / "net.onnx", WEIGHTS)
    with pytest.raises(ModelError, match="dots gives vectors of 6 numbers, not 5"):
        embedder(onnx, engine, dims=5).embed(CROPS[:1])


def test_a_square_crop_is_refused(tmp_path: Path, engine: Engine) -> None:
    onnx = dot_net(tmp_path / "net.onnx", WEIGHTS)
    with pytest.raises(ModelError, match="needs a crop of the kind aligned"):
        embedder(onnx, engine, crop={"kind": "square", "side": 1, "lowered": 0, "size": 112})
