"""Each layer computes in ONNX what OpenCV, and Caffe itself, make of the Caffe files."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from faceserver.conversion.checks.judge import run_opencv, run_openvino
from faceserver.types import Floats
from tests.conversion.caffenets import SHAPE, Net, data, layer, noise, positive
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
only_caffe = pytest.mark.parametrize("judge", [pytest.param(run_caffe, id="caffe", marks=PYCAFFE)])

CHANNELS = SHAPE[1]
NUMBER = np.array(0.7, np.float32)  # a blob without axes


def conv(param: str, *weights: Floats) -> Net:
    return Net(data() + layer("Convolution", f"convolution_param {{ {param} }}"), {"it": weights})


def product(param: str, *weights: Floats) -> Net:
    return Net(
        data() + layer("InnerProduct", f"inner_product_param {{ {param} }}"), {"it": weights}
    )


def pool(param: str) -> Net:
    return Net(data() + layer("Pooling", f"pooling_param {{ {param} }}"))


def norm(param: str, *weights: Floats) -> Net:
    return Net(data() + layer("Normalize", f"norm_param {{ {param} }}"), {"it": weights})


def scale(param: str, *weights: Floats) -> Net:
    return Net(data() + layer("Scale", f"scale_param {{ {param} }}"), {"it": weights})


def eltwise(param: str) -> Net:
    """Combine three different blobs."""
    text = data()
    for name, factor in (("a", 2), ("b", -3)):
        text += layer("Power", f"power_param {{ scale: {factor} shift: 0.5 }}", name=name)
    return Net(text + layer("Eltwise", f"eltwise_param {{ {param} }}", bottoms="data a b"))


def crop(param: str) -> Net:
    text = data() + layer("Pooling", "pooling_param { kernel_size: 2 stride: 2 }", name="small")
    return Net(text + layer("Crop", f"crop_param {{ {param} }}", bottoms="data small"))


def batch_norm(count: float, param: str = "") -> Net:
    stored = [noise(CHANNELS), positive(CHANNELS), noise(1)]
    stored[2][0] = count
    text = data() + layer("BatchNorm", f"batch_norm_param {{ {param} }}")
    return Net(text, {"it": stored})


ROW = layer("InnerProduct", "inner_product_param { num_output: 6 bias_term: false }", name="row")
ROW_WEIGHTS = [noise(6, 540)]

NETS = {
    "conv": conv("num_output: 4 kernel_size: 3", noise(4, 6, 3, 3), noise(4)),
    "conv, no bias": conv("num_output: 4 kernel_size: 3 bias_term: false", noise(4, 6, 3, 3)),
    "conv, groups": conv("num_output: 4 kernel_size: 3 group: 2", noise(4, 3, 3, 3), noise(4)),
    "conv, depthwise": conv("num_output: 6 kernel_size: 3 group: 6", noise(6, 1, 3, 3), noise(6)),
    "conv, dilated": conv(
        "num_output: 4 kernel_size: 3 dilation: 2 pad: 2", noise(4, 6, 3, 3), noise(4)
    ),
    "conv, rectangular": conv(
        "num_output: 4 kernel_h: 3 kernel_w: 5 pad_h: 1 pad_w: 2 stride_h: 2 stride_w: 1",
        noise(4, 6, 3, 5),
        noise(4),
    ),
    "conv, strided": conv(
        "num_output: 4 kernel_size: 3 stride: 2 pad: 1", noise(4, 6, 3, 3), noise(4)
    ),
    "product": product("num_output: 5", noise(5, 540), noise(5)),
    "product, no bias": product("num_output: 5 bias_term: false", noise(5, 540)),
    "batch norm": batch_norm(1),
    "batch norm, of many batches": batch_norm(999.98, "eps: 0.01 use_global_stats: true"),
    "batch norm, of a row": Net(
        data() + ROW + layer("BatchNorm", bottoms="row"),
        {"row": ROW_WEIGHTS, "it": [noise(6), positive(6), positive(1)]},
    ),
    "scale": scale("", noise(6)),
    "scale, bias": scale("bias_term: true", noise(6), noise(6)),
    "relu": Net(data() + layer("ReLU")),
    "relu, negative slope": Net(data() + layer("ReLU", "relu_param { negative_slope: 0.3 }")),
    "prelu": Net(data() + layer("PReLU"), {"it": [noise(6)]}),
    "prelu, shared": Net(
        data() + layer("PReLU", "prelu_param { channel_shared: true }"), {"it": [NUMBER]}
    ),
    "prelu, of a row": Net(
        data() + ROW + layer("PReLU", bottoms="row"), {"row": ROW_WEIGHTS, "it": [noise(6)]}
    ),
    "max": pool("kernel_size: 2 stride: 2"),
    "max, padded": pool("kernel_size: 3 stride: 2 pad: 1"),
    "max, rectangular": pool("kernel_h: 2 kernel_w: 3 stride_h: 1 stride_w: 3 pad_h: 0 pad_w: 1"),
    "max, a window dropped": pool("kernel_size: 2 stride: 2 pad: 1"),
    "max, rounded down": pool("kernel_size: 2 stride: 2 ceil_mode: false"),
    "max, a step over values": Net(
        data((2, 6, 9, 9)) + layer("Pooling", "pooling_param { kernel_size: 1 stride: 2 }"),
        shape=(2, 6, 9, 9),
    ),
    "average": pool("pool: AVE kernel_size: 2 stride: 2"),
    "average, over the edge": pool("pool: AVE kernel_size: 4 stride: 3"),
    "average, padded": pool("pool: AVE kernel_size: 3 stride: 1 pad: 1"),
    "average, padded and over the edge": pool("pool: AVE kernel_size: 3 stride: 2 pad: 1"),
    "average, a window dropped": pool("pool: AVE kernel_size: 2 stride: 2 pad: 1"),
    "average, rectangular": pool("pool: AVE kernel_h: 3 kernel_w: 2 stride: 2 pad_h: 1 pad_w: 0"),
    "average, global": pool("pool: AVE global_pooling: true"),
    "sum": eltwise(""),
    "sum, coefficients": eltwise("operation: SUM coeff: 0.5 coeff: -1 coeff: 1"),
    "multiply": eltwise("operation: PROD"),
    "maximum": eltwise("operation: MAX"),
    "concat": Net(data() + layer("Concat", bottoms="data data")),
    "softmax": Net(data() + layer("Softmax")),
    "softmax, along columns": Net(data() + layer("Softmax", "softmax_param { axis: -1 }")),
    "flatten": Net(data() + layer("Flatten")),
    "flatten, rows and columns": Net(data() + layer("Flatten", "flatten_param { axis: 2 }")),
    "flatten, channels and rows": Net(
        data() + layer("Flatten", "flatten_param { axis: 1 end_axis: 2 }")
    ),
    "crop": crop("offset: 2"),
    "crop, two offsets": crop("axis: 2 offset: 1 offset: 4"),
    "crop, columns": Net(
        data()
        + layer("Pooling", "pooling_param { kernel_h: 1 kernel_w: 3 stride: 1 }", name="narrow")
        + layer("Crop", "crop_param { axis: -1 offset: 1 }", bottoms="data narrow")
    ),
    "power": Net(data() + layer("Power", "power_param { power: 2 scale: 3 shift: -0.5 }")),
    "power, a root": Net(data() + layer("Power", "power_param { power: 0.5 shift: 10 }")),
    "power, the same": Net(data() + layer("Power")),
    "normalize": norm("", NUMBER),
    "normalize, each position": norm("across_spatial: false", NUMBER),
    "normalize, each position and channel": norm(
        "across_spatial: false channel_shared: false eps: 0.01", noise(6)
    ),
    "dropout": Net(data() + layer("Dropout", "dropout_param { dropout_ratio: 0.5 }")),
    "split": Net(
        data()
        + layer("Split", name="split", top="a b")
        + layer("Eltwise", "eltwise_param { coeff: 1 coeff: 2 }", bottoms="a b")
    ),
    "product, negative axis": product("num_output: 5 axis: -3", noise(5, 540), noise(5)),
    "batch norm, of no batch": batch_norm(0),
    "scale, one number": scale("num_axes: 0 bias_term: true", NUMBER, NUMBER * 2),
    "scale, channels and rows": scale("num_axes: 2", noise(6, 9)),
    "scale, all values": scale("num_axes: -1 bias_term: true", noise(6, 9, 10), noise(6, 9, 10)),
    "scale, by a blob": Net(
        data() + ROW + layer("Scale", "scale_param { axis: 0 }", bottoms="data row"),
        {"row": ROW_WEIGHTS},
    ),
    "scale, by an equal blob": Net(
        data()
        + layer("Power", "power_param { scale: 2 }", name="a")
        + layer("Scale", "scale_param { axis: 0 }", bottoms="data a")
    ),
    "power, zero": Net(data() + layer("Power", "power_param { power: 0 }")),
    "power, a constant": Net(data() + layer("Power", "power_param { scale: 0 shift: 3 }")),
    "concat, rows": Net(
        data()
        + layer("Pooling", "pooling_param { kernel_h: 2 kernel_w: 1 }", name="a")
        + layer("Concat", "concat_param { axis: -2 }", bottoms="data a")
    ),
}


NOT_IN_OPENCV = {
    "max, global": pool("global_pooling: true"),
    "normalize, channels": norm("channel_shared: false", noise(6)),
    "product, transposed": product("num_output: 5 transpose: true", noise(540, 5), noise(5)),
    "scale, columns": scale("axis: -1", noise(10)),
    "scale, by a blob, bias": Net(
        data()
        + ROW
        + layer("Scale", "scale_param { axis: 0 bias_term: true }", bottoms="data row"),
        {"row": ROW_WEIGHTS, "it": [noise(*SHAPE[:2])]},
    ),
}
"""It reads them in another way, or not at all."""


@judges
@pytest.mark.parametrize("net", NETS.values(), ids=NETS)
def test_a_layer(tmp_path: Path, net: Net, judge: Judge) -> None:
    assert_same(tmp_path, net, judge)


@only_caffe
@pytest.mark.parametrize("net", NOT_IN_OPENCV.values(), ids=NOT_IN_OPENCV)
def test_a_layer_that_opencv_does_not_read(tmp_path: Path, net: Net, judge: Judge) -> None:
    assert_same(tmp_path, net, judge)


def with_axes(net: Net) -> Net:
    """Give every blob an axis: OpenCV reads none without, Caffe none with one too many."""
    weights = {name: [np.atleast_1d(blob) for blob in blobs] for name, blobs in net.weights.items()}
    return replace(net, weights=weights)


def assert_same(tmp_path: Path, net: Net, judge: Judge) -> None:
    path = net.convert(tmp_path)
    blob = noise(*net.shape)
    found = run_openvino(path, blob)
    if judge is run_opencv:
        net = with_axes(net)
    expected = judge(*net.save(tmp_path), blob, net.outputs)
    for name in net.outputs:
        assert_close(found[name], expected[name])
