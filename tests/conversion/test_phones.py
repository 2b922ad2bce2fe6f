"""Keras files in, TFLite and rounded CoreML weights out: what needs TensorFlow or coremltools."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faceserver.conversion import convert_any, tf2coreml
from faceserver.conversion.checks.judge import run_openvino, unit
from faceserver.conversion.coreml.library import load
from faceserver.conversion.coreml.network import coreml_network
from faceserver.conversion.network import read_network
from faceserver.conversion.readers.opening import Opening
from faceserver.conversion.readers.source import open_source
from faceserver.conversion.tflite.run import run_tflite
from faceserver.errors import ModelError
from faceserver.folders import SOURCES
from faceserver.types import Floats
from tests.conversion.architectures import ghostfacenet
from tests.conversion.coreml_graphs import SIZE, small_facenet
from tests.conversion.test_convert_any import SIDE, arcface

pytestmark = [
    pytest.mark.convert,
    pytest.mark.filterwarnings("ignore"),  # of TensorFlow's and coremltools' own, which are many
]

SAID = ("--normalization", "signed", "--channels", "bgr")


def keras_net(folder: Path, name: str) -> tuple[Path, Any]:
    """A network of GhostFaceNet's kind: depthwise, squeeze and excitation, spelled PReLUs."""
    keras = pytest.importorskip("tensorflow").keras
    keras.utils.set_random_seed(3)
    layers = keras.layers
    given = keras.Input((32, 32, 3))
    x = layers.Conv2D(8, 3, strides=2, padding="same", use_bias=False)(given)
    x = layers.PReLU(shared_axes=[1, 2], alpha_initializer="random_uniform")(
        layers.BatchNormalization(gamma_initializer="random_normal")(x)
    )
    y = layers.Activation("swish")(layers.DepthwiseConv2D(3, padding="same")(x))
    gate = layers.GlobalAveragePooling2D(keepdims=True)(y)
    gate = layers.Conv2D(8, 1, activation="hard_sigmoid")(
        layers.Conv2D(4, 1, activation="relu")(gate)
    )
    x = layers.Add()([x, layers.Multiply()([y, gate])])
    x = layers.Concatenate()([x, layers.ReLU(max_value=6)(x)])
    x = layers.AveragePooling2D(3, 1, padding="same")(layers.MaxPooling2D(3, 2, padding="same")(x))
    row = layers.BatchNormalization()(layers.Dense(64)(layers.Flatten()(x)))
    model = keras.Model(given, row)
    path = folder / name
    model.save(path)
    return path, model


@pytest.mark.parametrize("name", ["net.keras", "net.h5"])
def test_a_keras_file(tmp_path: Path, name: str) -> None:
    path, model = keras_net(tmp_path, name)
    renamed = path.rename(tmp_path / "given")  # it is known by its content
    convert_any.main([str(renamed), str(tmp_path / "out"), *SAID, "--to", "caffe,onnx,tflite"])
    pixels = np.random.default_rng(1).integers(0, 256, (2, 32, 32, 3), np.uint8)
    blob = (pixels[..., ::-1].astype(np.float32) - 127.5) / 127.5
    expected = unit({"v": np.asarray(model(blob, training=False))})["v"]
    found = run_tflite((tmp_path / "out" / "network.tflite").read_bytes(), pixels)["embedding"]
    assert np.abs(found - expected).max() < 1e-5, "from picture to unit vector"


def test_a_saved_model_of_keras(tmp_path: Path) -> None:
    """It has ops of today, which OpenVINO reads; TensorFlow runs it to compare."""
    library = pytest.importorskip("tensorflow")
    model = ghostfacenet(library.keras, side=48)
    model.export(str(tmp_path / "saved"))
    said = [*SAID, "--to", "caffe,onnx", "--input-size", "48"]
    convert_any.main([str(tmp_path / "saved"), str(tmp_path / "out"), *said])
    blob = np.random.default_rng(1).uniform(-1, 1, (1, 48, 48, 3)).astype(np.float32)
    expected = unit({"v": np.asarray(model(blob, training=False))})["v"]
    found = run_openvino(tmp_path / "out" / "network.onnx", blob.transpose(0, 3, 1, 2))
    assert np.abs(unit(found)["embeddings"].reshape(1, -1) - expected).max() < 1e-6


def test_a_damaged_keras_file(tmp_path: Path) -> None:
    pytest.importorskip("tensorflow")
    (tmp_path / "net.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(99))
    with pytest.raises(
        ModelError, match=r"net\.h5 is damaged, holds weights or code alone"
    ) as caught:
        open_source(tmp_path / "net.h5", Opening())
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("weights", "limit"), [("float32", 1e-5), ("float16", 5e-3), ("int8", 5e-2)]
)
@pytest.mark.parametrize("normalization", ["imagenet", "whiten"])
def test_tflite_goes_the_whole_way(
    tmp_path: Path, weights: str, limit: float, normalization: str
) -> None:
    source = small_facenet(128).save(tmp_path)
    said = ("--normalization", normalization, "--channels", "bgr", "--weights", weights)
    convert_any.main([str(source), str(tmp_path / "out"), "--to", "tflite", *said])
    pixels = np.random.default_rng(1).integers(0, 256, (2, *SIZE, 3), np.uint8)
    found = run_tflite((tmp_path / "out" / "network.tflite").read_bytes(), pixels)["embedding"]
    assert np.abs(found - whole_way(source, pixels, normalization)).max() < limit


def whole_way(source: Path, pixels: Any, normalization: str) -> Floats:
    """Normalize by hand and run the source."""
    values = pixels[..., ::-1].astype(np.float32)
    if normalization == "imagenet":
        mean, std = np.array([123.675, 116.28, 103.53]), np.array([58.395, 57.12, 57.375])
        values = ((values - mean) / std).astype(np.float32)
    else:
        centred = values - values.mean((1, 2, 3), keepdims=True)
        values = centred / np.maximum(values.std((1, 2, 3), keepdims=True), 1e-3)
    opened = open_source(source)
    rows = [
        opened.run(each.transpose(2, 0, 1)[None], opened.outputs)[opened.outputs[0]]
        for each in values
    ]
    return unit({"v": np.concatenate(rows)})["v"]


def test_onnx_to_all_forms(tmp_path: Path) -> None:
    load("coremltools")
    source, out = arcface(tmp_path), tmp_path / "out"
    convert_any.main([str(source), str(out), *SAID, "--to", "caffe,onnx,coreml,tflite"])
    assert {path.suffix for path in out.iterdir()} == {
        ".prototxt", ".caffemodel", ".onnx", ".mlpackage", ".tflite", ".toml", ".json",
    }  # fmt: skip


def test_a_neural_network_has_no_prelu(tmp_path: Path) -> None:
    load("coremltools")
    said = ["--normalization", "signed", "--neural-network"]
    source = arcface(tmp_path)
    with pytest.raises(ModelError, match="is a PRelu, which is not supported") as caught:
        tf2coreml.main([str(source), str(tmp_path / "out"), *said])
    assert str(caught.value).startswith(f"{source}: ")
    assert str(caught.value).count("is a PRelu") == 2, "all are named at once"


def test_a_detectors_network_on_a_phone(tmp_path: Path) -> None:
    load("coremltools")
    source = next(SOURCES.glob("*/onet.onnx"))
    tf2coreml.main([str(source), str(tmp_path), "--normalization", "signed128", "--name", "det3"])
    path = str(tmp_path / "det3.mlpackage")
    model = load("coremltools").models.MLModel(path, skip_model_load=True)
    assert len(model.get_spec().description.output) == 3


@pytest.mark.parametrize(("how", "limit"), [("int8", 1e-2), ("palette", 5e-2)])
def test_rounded_weights_and_what_they_cost(
    tmp_path: Path, how: str, limit: float, capsys: pytest.CaptureFixture[str]
) -> None:
    load("coremltools")
    source = small_facenet(512, whole=True).save(tmp_path)
    said = ["--normalization", "fixed", "--weights", how]
    tf2coreml.main([str(source), str(tmp_path / "out"), *said])
    measured = capsys.readouterr().out.partition("moves an output by at most ")[2]
    assert 0 < float(measured.split()[0]) < limit
    plain = coreml_network(read_network(open_source(source)))
    assert plain.dims == 512


def test_sides_of_the_picture_are_kept(tmp_path: Path) -> None:
    network = read_network(open_source(arcface(tmp_path)))
    assert network.input_shape == (3, SIDE, SIDE)
