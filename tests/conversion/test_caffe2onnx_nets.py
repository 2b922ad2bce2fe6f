"""Whole networks in the forms in which they are shared, from Caffe to ONNX."""

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import onnx
import pytest

from faceserver.conversion import caffe2onnx
from faceserver.conversion.caffe.caffe_pb2 import NetParameter
from faceserver.conversion.caffe.prototxt import parse_prototxt
from faceserver.conversion.checks.judge import run_opencv, run_openvino
from faceserver.conversion.writers.to_onnx import takes_any_size
from faceserver.types import Floats
from tests.conversion.caffenets import Net, data, layer, noise, positive
from tests.conversion.graphs import assert_close
from tests.support.pycaffe import PYCAFFE, run_caffe

Judge = Callable[[Path, Path, Floats, Iterable[str]], dict[str, Floats]]

judges = pytest.mark.parametrize(
    "judge",
    [
        pytest.param(run_opencv, id="opencv"),
        pytest.param(run_caffe, id="caffe", marks=PYCAFFE),
    ],
)


def conv(name: str, bottom: str, outputs: int, param: str = "kernel_size: 3") -> str:
    return layer(
        "Convolution",
        f"convolution_param {{ num_output: {outputs} {param} }}",
        name=name,
        bottoms=bottom,
    )


def in_place(kind: str, name: str, blob: str, param: str = "") -> str:
    return layer(kind, param, name=name, bottoms=blob, top=blob)


# The layers of the widely shared det1, det2 and det3, as their files write them.
DET1 = """name: "PNet"
input: "data"
input_dim: 1
input_dim: 3
input_dim: 12
input_dim: 12
""" + (
    conv("conv1", "data", 10)
    + in_place("PReLU", "PReLU1", "conv1")
    + layer(
        "Pooling",
        "pooling_param { pool: MAX kernel_size: 2 stride: 2 }",
        name="pool1",
        bottoms="conv1",
    )
    + conv("conv2", "pool1", 16)
    + in_place("PReLU", "PReLU2", "conv2")
    + conv("conv3", "conv2", 32)
    + in_place("PReLU", "PReLU3", "conv3")
    + conv("conv4-1", "conv3", 2, "kernel_size: 1 stride: 1")
    + conv("conv4-2", "conv3", 4, "kernel_size: 1 stride: 1")
    + layer("Softmax", name="prob1", bottoms="conv4-1")
)
DET1_WEIGHTS = {
    "conv1": [noise(10, 3, 3, 3), noise(10)],
    "PReLU1": [noise(10)],
    "conv2": [noise(16, 10, 3, 3), noise(16)],
    "PReLU2": [noise(16)],
    "conv3": [noise(32, 16, 3, 3), noise(32)],
    "PReLU3": [noise(32)],
    "conv4-1": [noise(2, 32, 1, 1) * 0.01, noise(2)],
    "conv4-2": [noise(4, 32, 1, 1), noise(4)],
}


def product(name: str, bottom: str, outputs: int) -> str:
    return layer(
        "InnerProduct",
        f"inner_product_param {{ num_output: {outputs} }}",
        name=name,
        bottoms=bottom,
    )


def pool(name: str, bottom: str, size: int) -> str:
    param = f"pooling_param {{ pool: MAX kernel_size: {size} stride: 2 }}"
    return layer("Pooling", param, name=name, bottoms=bottom)


DET3 = """name: "ONet"
input: "data"
input_dim: 1
input_dim: 3
input_dim: 48
input_dim: 48
""" + (
    conv("conv1", "data", 32)
    + in_place("PReLU", "prelu1", "conv1")
    + pool("pool1", "conv1", 3)
    + conv("conv2", "pool1", 64)
    + in_place("PReLU", "prelu2", "conv2")
    + pool("pool2", "conv2", 3)
    + conv("conv3", "pool2", 64)
    + in_place("PReLU", "prelu3", "conv3")
    + pool("pool3", "conv3", 2)
    + conv("conv4", "pool3", 128, "kernel_size: 2")
    + in_place("PReLU", "prelu4", "conv4")
    + product("conv5", "conv4", 256)
    + in_place("Dropout", "drop5", "conv5", "dropout_param { dropout_ratio: 0.25 }")
    + in_place("PReLU", "prelu5", "conv5")
    + product("conv6-1", "conv5", 2)
    + product("conv6-2", "conv5", 4)
    + product("conv6-3", "conv5", 10)
    + layer("Softmax", name="prob1", bottoms="conv6-1")
)
DET3_WEIGHTS = {
    "conv1": [noise(32, 3, 3, 3) * 0.2, noise(32)],
    "prelu1": [noise(32)],
    "conv2": [noise(64, 32, 3, 3) * 0.1, noise(64)],
    "prelu2": [noise(64)],
    "conv3": [noise(64, 64, 3, 3) * 0.1, noise(64)],
    "prelu3": [noise(64)],
    "conv4": [noise(128, 64, 2, 2) * 0.1, noise(128)],
    "prelu4": [noise(128)],
    "conv5": [noise(256, 1152) * 0.1, noise(256)],
    "prelu5": [noise(256)],
    "conv6-1": [noise(2, 256) * 0.01, noise(2)],
    "conv6-2": [noise(4, 256) * 0.1, noise(4)],
    "conv6-3": [noise(10, 256) * 0.1, noise(10)],
}


@judges
@pytest.mark.parametrize(
    ("net", "outputs"),
    [
        (Net(DET1, DET1_WEIGHTS, (1, 3, 12, 12)), {"prob1", "conv4-2"}),
        (Net(DET1, DET1_WEIGHTS, (2, 3, 57, 40)), {"prob1", "conv4-2"}),
        (Net(DET3, DET3_WEIGHTS, (3, 3, 48, 48)), {"prob1", "conv6-2", "conv6-3"}),
    ],
    ids=["det1", "det1 on a picture", "det3"],
)
def test_mtcnn_as_it_is_shared(tmp_path: Path, net: Net, outputs: set[str], judge: Judge) -> None:
    blob = noise(*net.shape)
    found = run_openvino(net.convert(tmp_path), blob)
    assert set(found) == outputs
    for name, expected in judge(*net.save(tmp_path), blob, outputs).items():
        assert_close(found[name], expected)


class ArcFace:
    """A small residual network of ArcFace's kind: 112x112 in, norms before and after, 128 out."""

    def __init__(self) -> None:
        self.text = data((1, 3, 112, 112))
        self.weights: dict[str, list[Floats]] = {}
        bottom, channels = "data", 3
        bottom = self._activate(self._norm(self._conv("conv0", bottom, channels, 8), 8), 8)
        channels = 8
        for index, wider in enumerate((8, 16, 16, 32)):
            bottom = self._unit(f"unit{index}", bottom, channels, wider)
            channels = wider
        bottom = self._norm(bottom, channels, "bn1")
        self.text += layer("Dropout", name="drop", bottoms=bottom, top=bottom)
        self.text += product("pre_fc1", bottom, 128)
        self.weights["pre_fc1"] = [noise(128, channels * 7 * 7) * 0.02, noise(128)]
        self.output = self._norm("pre_fc1", 128, "fc1")

    def _unit(self, name: str, bottom: str, channels: int, wider: int) -> str:
        """A residual branch that halves the size, and a projection of the input beside it."""
        branch = self._norm(bottom, channels, f"{name}_bn1")
        branch = self._norm(self._conv(f"{name}_conv1", branch, channels, wider), wider)
        branch = self._conv(f"{name}_conv2", self._activate(branch, wider), wider, wider, stride=2)
        branch = self._norm(branch, wider)
        beside = self._norm(
            self._conv(f"{name}_sc", bottom, channels, wider, size=1, stride=2), wider
        )
        self.text += layer("Eltwise", name=f"{name}_plus", bottoms=f"{branch} {beside}")
        return f"{name}_plus"

    def _conv(
        self, name: str, bottom: str, channels: int, outputs: int, *, size: int = 3, stride: int = 1
    ) -> str:
        param = f"kernel_size: {size} stride: {stride} pad: {size // 2} bias_term: false"
        self.text += conv(name, bottom, outputs, param)
        self.weights[name] = [noise(outputs, channels, size, size) * 0.2]
        return name

    def _norm(self, bottom: str, channels: int, name: str = "") -> str:
        top, name = name or bottom, name or f"{bottom}_bn"
        norm = "batch_norm_param { use_global_stats: true eps: 2e-5 }"
        self.text += layer("BatchNorm", norm, name=name, bottoms=bottom, top=top)
        self.text += in_place("Scale", f"{name}_scale", top, "scale_param { bias_term: true }")
        self.weights[name] = [noise(channels), positive(channels), np.ones(1, np.float32)]
        self.weights[f"{name}_scale"] = [positive(channels), noise(channels)]
        return top

    def _activate(self, bottom: str, channels: int) -> str:
        self.text += in_place("PReLU", f"{bottom}_relu", bottom)
        self.weights[f"{bottom}_relu"] = [noise(channels) * 0.2]
        return bottom


@judges
def test_a_network_of_arcfaces_kind(tmp_path: Path, judge: Judge) -> None:
    arcface = ArcFace()
    net = Net(arcface.text, arcface.weights)
    path = net.convert(tmp_path)
    for batch in (1, 2):
        blob = noise(batch, 3, 112, 112)
        found = run_openvino(path, blob)
        assert set(found) == {"fc1"}
        assert found["fc1"].shape == (batch, 128)
        assert_close(found["fc1"], judge(*net.save(tmp_path), blob, ["fc1"])["fc1"])


OLD = """
input: "data"
input_dim: 1 input_dim: 3 input_dim: 10 input_dim: 11
layers { name: "conv" type: CONVOLUTION bottom: "data" top: "conv" blobs_lr: 1 weight_decay: 1
  convolution_param { num_output: 4 kernel_size: 3 pad: 1 } }
layers { name: "relu" type: RELU bottom: "conv" top: "conv" }
layers { name: "pool" type: POOLING bottom: "conv" top: "pool"
  pooling_param { pool: AVE kernel_size: 3 stride: 2 } }
layers { name: "join" type: CONCAT bottom: "pool" bottom: "pool" top: "join"
  concat_param { concat_dim: 1 } }
layers { name: "fc" type: INNER_PRODUCT bottom: "join" top: "fc"
  inner_product_param { num_output: 6 } }
layers { name: "drop" type: DROPOUT bottom: "fc" top: "fc" dropout_param { dropout_ratio: 0.5 } }
layers { name: "prob" type: SOFTMAX bottom: "fc" top: "prob" }
"""


def old_caffemodel() -> bytes:
    """Old layers with their weights, which have four axes each."""
    net = NetParameter(name="old")
    for name, blobs in {
        "conv": [noise(4, 3, 3, 3), noise(1, 1, 1, 4)],
        "fc": [noise(1, 1, 6, 8 * 5 * 5) * 0.05, noise(1, 1, 1, 6)],
    }.items():
        old = net.layers.add(name=name)
        for blob in blobs:
            num, channels, height, width = blob.shape
            made = old.blobs.add(num=num, channels=channels, height=height, width=width)
            made.data.extend(blob.ravel().tolist())
    return net.SerializeToString()


@judges
def test_old_layers_in_both_files(tmp_path: Path, judge: Judge) -> None:
    prototxt, caffemodel = tmp_path / "old.prototxt", tmp_path / "old.caffemodel"
    prototxt.write_text(OLD)
    caffemodel.write_bytes(old_caffemodel())
    path = tmp_path / "old.onnx"
    caffe2onnx.main([str(prototxt), str(caffemodel), str(path)])
    blob = noise(2, 3, 10, 11)
    expected = judge(prototxt, caffemodel, blob, ["prob"])["prob"]
    assert_close(run_openvino(path, blob)["prob"], expected)


CONVOLVED = data((1, 3, 12, 13)) + conv("conv", "data", 4, "kernel_size: 3 pad: 1")
CONVOLVED_WEIGHTS = {"conv": [noise(4, 3, 3, 3), noise(4)]}
OPEN = {
    "max": "pooling_param { kernel_size: 2 stride: 2 }",
    "max, padded": "pooling_param { kernel_size: 3 stride: 2 pad: 1 }",
    "max, rounded down": "pooling_param { kernel_size: 2 stride: 2 pad: 1 ceil_mode: false }",
    "average": "pooling_param { pool: AVE kernel_size: 3 stride: 2 }",
    "average, padded": "pooling_param { pool: AVE kernel_size: 3 stride: 2 pad: 1 }",
    "average, rounded down": "pooling_param { pool: AVE kernel_size: 2 stride: 3 ceil_mode: 0 }",
    "average, global": "pooling_param { pool: AVE global_pooling: true }",
}


@judges
@pytest.mark.parametrize("param", OPEN.values(), ids=OPEN)
def test_pooling_at_any_size(tmp_path: Path, param: str, judge: Judge) -> None:
    net = Net(CONVOLVED + layer("Pooling", param, bottoms="conv"), CONVOLVED_WEIGHTS)
    assert takes_any_size(parse_prototxt(net.text))
    path = net.convert(tmp_path)
    files = net.save(tmp_path)
    for rows, columns in [(4, 5), (6, 9), (7, 8), (33, 20)]:
        blob = noise(2, 3, rows, columns)
        expected = judge(*files, blob, ["it"])["it"]
        assert_close(run_openvino(path, blob)["it"], expected)


MIXED = (
    CONVOLVED
    + in_place("BatchNorm", "norm", "conv")
    + in_place("Scale", "scale", "conv", "scale_param { bias_term: true }")
    + pool("half", "conv", 2)
    + conv("again", "half", 4, "kernel_size: 3 pad: 2 dilation: 2")
    + layer("Crop", "crop_param { offset: 1 }", name="cropped", bottoms="conv again")
    + layer("Eltwise", "eltwise_param { operation: MAX }", name="larger", bottoms="again cropped")
    + layer(
        "Normalize",
        "norm_param { across_spatial: false channel_shared: false }",
        name="normed",
        bottoms="larger",
    )
    + layer("Concat", bottoms="normed again")
)
MIXED_WEIGHTS = {
    **CONVOLVED_WEIGHTS,
    "norm": [noise(4), positive(4), positive(1)],
    "scale": [noise(4), noise(4)],
    "again": [noise(4, 4, 3, 3), noise(4)],
    "normed": [noise(4)],
}


@judges
def test_a_fully_convolutional_network_takes_any_size(tmp_path: Path, judge: Judge) -> None:
    net = Net(MIXED, MIXED_WEIGHTS)
    path = net.convert(tmp_path)
    files = net.save(tmp_path)
    sizes = [dim.dim_param for dim in onnx.load(path).graph.input[0].type.tensor_type.shape.dim]
    assert sizes == ["batch", "", "rows", "columns"]
    for rows, columns in [(12, 13), (17, 8), (30, 41)]:
        blob = noise(2, 3, rows, columns)
        expected = judge(*files, blob, ["it"])["it"]
        assert_close(run_openvino(path, blob)["it"], expected)


@judges
def test_a_layer_may_work_in_place_on_the_input(tmp_path: Path, judge: Judge) -> None:
    text = data((1, 3, 12, 13)) + in_place("Power", "half", "data", "power_param { scale: 0.5 }")
    net = Net(text + conv("conv", "data", 4), CONVOLVED_WEIGHTS)
    path = net.convert(tmp_path)
    blob = noise(1, 3, 12, 13)
    expected = judge(*net.save(tmp_path), blob, ["conv"])["conv"]
    assert_close(run_openvino(path, blob)["conv"], expected)


def test_two_inputs_have_sizes_of_their_own(tmp_path: Path) -> None:
    text = data((1, 3, 12, 13), "a") + data((1, 3, 6, 7), "b")
    net = Net(text + layer("Crop", "crop_param { offset: 2 }", bottoms="a b"))
    model = onnx.load(net.convert(tmp_path))
    sizes = {
        given.name: [dim.dim_param for dim in given.type.tensor_type.shape.dim][2:]
        for given in model.graph.input
    }
    assert sizes == {"a": ["a_rows", "a_columns"], "b": ["b_rows", "b_columns"]}
