"""Caffe to ONNX: what is given, what is refused, and that OpenCV agrees on the original files."""

from pathlib import Path

import numpy as np
import onnx
import pytest

from faceserver.conversion import caffe2onnx
from faceserver.conversion.caffe.caffemodel import format_caffemodel
from faceserver.conversion.caffe.prototxt import parse_prototxt
from faceserver.conversion.checks.judge import run_opencv, run_openvino
from faceserver.conversion.writers.to_onnx import takes_any_size
from faceserver.errors import ModelError
from faceserver.types import Floats
from tests.conversion.graphs import assert_close

DATA = """layer { name: "data" type: "Input" top: "data"
  input_param { shape { dim: 1 dim: 3 dim: 8 dim: 9 } } }"""
CONV = """layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
  convolution_param { num_output: 4 kernel_size: 3 } }"""
TAIL = """
layer { name: "prelu" type: "PReLU" bottom: "conv" top: "conv" }
layer { name: "pool" type: "Pooling" bottom: "conv" top: "pool"
  pooling_param { pool: MAX kernel_size: 2 stride: 2 } }
layer { name: "fc" type: "InnerProduct" bottom: "pool" top: "fc"
  inner_product_param { num_output: 6 } }
layer { name: "drop" type: "Dropout" bottom: "fc" top: "fc" }
layer { name: "slope" type: "PReLU" bottom: "fc" top: "fc" prelu_param { channel_shared: true } }
layer { name: "fc2" type: "InnerProduct" bottom: "fc" top: "fc2"
  inner_product_param { num_output: 2 bias_term: false } }
layer { name: "prob" type: "Softmax" bottom: "fc2" top: "prob" }
layer { name: "twice" type: "Eltwise" bottom: "fc" bottom: "fc" top: "twice"
  eltwise_param { operation: SUM coeff: 0.5 coeff: 1 } }
"""


def noise(*shape: int) -> Floats:
    return np.random.default_rng(sum(shape)).standard_normal(shape, np.float32)


WEIGHTS = {
    "conv": [noise(4, 3, 3, 3), noise(4)],
    "prelu": [noise(4)],
    "fc": [noise(6, 4 * 3 * 4), noise(6)],
    "slope": [noise(1)],
    "fc2": [noise(2, 6)],
}


def save(folder: Path, text: str, weights: dict[str, list[Floats]] | None = None) -> list[Path]:
    net = parse_prototxt(text)
    names = {layer.name for layer in net.layer}
    given = {name: blobs for name, blobs in (weights or WEIGHTS).items() if name in names}
    paths = [folder / "net.prototxt", folder / "net.caffemodel"]
    paths[0].write_text(text)
    paths[1].write_bytes(format_caffemodel(net, given))
    return paths


def test_a_network_computes_what_opencv_makes_of_its_caffe_files(tmp_path: Path) -> None:
    prototxt, caffemodel = save(tmp_path, DATA + CONV + TAIL)
    out = tmp_path / "out" / "net.onnx"
    caffe2onnx.main([str(prototxt), str(caffemodel), str(out)])
    for batch in (1, 3):
        blob = noise(batch, 3, 8, 9)
        found = run_openvino(out, blob)
        assert set(found) == {"prob", "twice"}
        for name, expected in run_opencv(prototxt, caffemodel, blob, found).items():
            assert_close(found[name], expected)


def test_a_network_that_only_convolves_takes_any_size(tmp_path: Path) -> None:
    pool = """layer { name: "pool" type: "Pooling" bottom: "conv" top: "pool"
      pooling_param { pool: MAX kernel_size: 2 stride: 2 } }"""
    prototxt, caffemodel = save(tmp_path, DATA + CONV + pool)
    path = tmp_path / "net.onnx"
    path.write_bytes(caffe2onnx.convert(prototxt, caffemodel))
    for rows, columns in [(4, 4), (5, 8), (40, 31)]:
        blob = noise(2, 3, rows, columns)
        found = run_openvino(path, blob)["pool"]
        expected = run_opencv(prototxt, caffemodel, blob, ["pool"])["pool"]
        assert found.shape == (2, 4, (rows - 1) // 2, (columns - 1) // 2)
        assert_close(found, expected)


@pytest.mark.parametrize(
    "param",
    ["pool: MAX kernel_size: 2 stride: 2 pad: 1", "pool: AVE kernel_size: 2 stride: 2 pad: 1"],
)
def test_a_network_whose_pooling_depends_on_the_size_takes_one(tmp_path: Path, param: str) -> None:
    pool = f"""layer {{ name: "pool" type: "Pooling" bottom: "conv" top: "pool"
      pooling_param {{ {param} }} }}"""
    assert not takes_any_size(parse_prototxt(DATA + CONV + pool))
    prototxt, caffemodel = save(tmp_path, DATA + CONV + pool)
    path = tmp_path / "net.onnx"
    path.write_bytes(caffe2onnx.convert(prototxt, caffemodel))
    blob = noise(2, 3, 8, 9)
    found = run_openvino(path, blob)["pool"]
    expected = run_opencv(prototxt, caffemodel, blob, ["pool"])["pool"]
    assert_close(found, expected)


@pytest.mark.parametrize("method", ["MAX", "AVE"])
def test_global_pooling(tmp_path: Path, method: str) -> None:
    pool = f"""layer {{ name: "pool" type: "Pooling" bottom: "conv" top: "pool"
      pooling_param {{ pool: {method} global_pooling: true }} }}"""
    prototxt, caffemodel = save(tmp_path, DATA + CONV + pool)
    path = tmp_path / "net.onnx"
    path.write_bytes(caffe2onnx.convert(prototxt, caffemodel))
    blob = noise(2, 3, 8, 9)
    expected = run_opencv(prototxt, caffemodel, blob, ["pool"])["pool"]
    assert_close(run_openvino(path, blob)["pool"], expected)


def test_old_files_give_their_weights_four_axes(tmp_path: Path) -> None:
    old = {
        name: [blob.reshape((1,) * (4 - blob.ndim) + blob.shape) for blob in blobs]
        for name, blobs in WEIGHTS.items()
    }
    text = DATA + CONV + TAIL
    new_model, old_model = (
        onnx.load_from_string(caffe2onnx.convert(*save(tmp_path, text, weights)))
        for weights in (WEIGHTS, old)
    )
    assert new_model.graph == old_model.graph


def test_the_same_files_give_the_same_bytes(tmp_path: Path) -> None:
    paths = save(tmp_path, DATA + CONV + TAIL)
    assert caffe2onnx.convert(*paths) == caffe2onnx.convert(*paths)


TWICE = 'bottom: "data" bottom: "data"'


def layer(kind: str, param: str, bottoms: str = 'bottom: "data"') -> str:
    return f'layer {{ name: "it" type: "{kind}" {bottoms} top: "it" {param} }}'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (layer("LSTM", ""), "layer 'it' has the unknown type 'LSTM'"),
        (
            layer("Pooling", "pooling_param { pool: STOCHASTIC kernel_size: 2 }"),
            "layer 'it': stochastic pooling is not supported",
        ),
        (
            layer("Pooling", "pooling_param { pool: MAX kernel_size: 1 stride: 2 }"),
            "layer 'it': its last window lies outside of the blob",
        ),
        (
            layer("Pooling", "pooling_param { kernel_size: 2 pad: 2 }"),
            "layer 'it': a padding as wide as the window",
        ),
        (
            layer("Convolution", "convolution_param { num_output: 2 kernel_size: 1 axis: 2 }"),
            "layer 'it': a convolution along another axis",
        ),
        (
            layer("InnerProduct", "inner_product_param { num_output: 2 axis: 2 }"),
            "layer 'it': a product along another axis",
        ),
        (
            layer("BatchNorm", "batch_norm_param { use_global_stats: false }"),
            "layer 'it': a norm by the batch's own mean",
        ),
        (
            layer("Scale", "scale_param { axis: 0 }"),
            "layer 'it': factors along the batch",
        ),
        (
            layer("Eltwise", "eltwise_param { coeff: 2 }", TWICE),
            "layer 'it': 1 coefficients for 2 blobs",
        ),
        (
            layer("Eltwise", "eltwise_param { operation: PROD coeff: 2 coeff: 2 }", TWICE),
            "layer 'it': only a sum has coefficients",
        ),
        (
            layer("Concat", "concat_param { axis: 0 }", TWICE),
            "layer 'it': joining along the batch",
        ),
        (
            layer("Flatten", "flatten_param { axis: 0 }"),
            "layer 'it': flattening the batch",
        ),
        (
            layer("ReLU", 'top: "other"'),
            "layer 'it': it should make one blob, not 2",
        ),
        (layer("ReLU", "") * 2, "2 layers are named 'it'"),
        (
            layer("InnerProduct", "inner_product_param { num_output: 2 }"),
            r"it needs weights of \[\(2, 216\), \(2,\)\], the caffemodel has none",
        ),
    ],
)
def test_what_is_not_supported_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        caffe2onnx.convert(*save(tmp_path, DATA + CONV + text))


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    weights = {"conv": [noise(5, 3, 3, 3), noise(5)]}
    with pytest.raises(ModelError, match=r"layer 'conv': .* has \[\(5, 3, 3, 3\), \(5,\)\]"):
        caffe2onnx.convert(*save(tmp_path, DATA + CONV, weights))
