"""Layers that cut blobs up and move their axes, functions of one value, and SSD's last layers."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faceserver.conversion import caffe2onnx
from faceserver.conversion.caffe.prototxt import format_prototxt, read_prototxt
from faceserver.conversion.checks.judge import run_opencv, run_openvino
from faceserver.errors import ModelError
from faceserver.types import Floats
from tests.conversion.caffenets import SHAPE, Net, data, layer, noise
from tests.conversion.graphs import assert_close
from tests.support.pycaffe import PYCAFFE, run_caffe

Judge = Callable[[Path, Path, Floats, Iterable[str]], dict[str, Floats]]


def reshape(dims: str, more: str = "") -> Net:
    sizes = " ".join(f"dim: {size}" for size in dims.split())
    return Net(data() + layer("Reshape", f"reshape_param {{ shape {{ {sizes} }} {more} }}"))


def sliced(param: str, parts: int = 2) -> Net:
    names = ("it", "b", "c")[:parts]
    text = data() + layer("Slice", f"slice_param {{ {param} }}", name="cut", top=" ".join(names))
    return Net(text, outputs=names)


IN_CAFFE = {
    "sigmoid": Net(data() + layer("Sigmoid")),
    "tanh": Net(data() + layer("TanH")),
    "abs": Net(data() + layer("AbsVal")),
    "bnll": Net(data() + layer("BNLL")),
    "elu": Net(data() + layer("ELU", "elu_param { alpha: 0.7 }")),
    "slice": sliced("slice_point: 2"),
    "slice, rows": sliced("axis: 2 slice_point: 4"),
    "slice, as old files say it": sliced("slice_dim: 1 slice_point: 5"),
    "reshape, a row": reshape("0 -1"),
    "reshape, the same rows": reshape("0 3 -1 10"),
    "deconvolution": Net(
        data()
        + layer(
            "Deconvolution",
            "convolution_param { num_output: 4 kernel_size: 4 stride: 2 pad: 1 }",
        ),
        {"it": [noise(6, 4, 4, 4), noise(4)]},
    ),
}  # fmt: skip
IN_OPENCV = {
    "depthwise": Net(
        data()
        + layer("DepthwiseConvolution", "convolution_param { num_output: 6 kernel_size: 3 }"),
        {"it": [noise(6, 1, 3, 3), noise(6)]},
    ),
    "depthwise, as others call it": Net(
        data()
        + layer("ConvolutionDepthwise", "convolution_param { num_output: 6 kernel_size: 3 }"),
        {"it": [noise(6, 1, 3, 3), noise(6)]},
    ),
    "permute": Net(
        data() + layer("Permute", "permute_param { order: 0 order: 2 order: 3 order: 1 }")
    ),
    "relu6": Net(
        data() + layer("Power", "power_param { scale: 9 }", name="a") + layer("ReLU6", bottoms="a")
    ),
}


def outputs_of(net: Net, folder: Path, judge: Judge) -> tuple[dict[str, Floats], dict[str, Floats]]:
    path, blob = net.convert(folder), noise(*net.shape)
    prototxt = folder / "upgraded.prototxt"
    text = format_prototxt(read_prototxt(folder / "net.prototxt"), "as Caffe 1.0 has it")
    prototxt.write_text(text)
    expected = judge(prototxt, folder / "net.caffemodel", blob, net.outputs)
    return expected, run_openvino(path, blob)


@pytest.mark.parametrize(
    "judge",
    [
        pytest.param(run_opencv, id="opencv"),
        pytest.param(run_caffe, id="caffe", marks=PYCAFFE),
    ],
)
@pytest.mark.parametrize("net", IN_CAFFE.values(), ids=IN_CAFFE)
def test_a_layer(tmp_path: Path, net: Net, judge: Judge) -> None:
    expected, found = outputs_of(net, tmp_path, judge)
    for name in net.outputs:
        assert_close(found[name], expected[name])


@pytest.mark.parametrize("net", IN_OPENCV.values(), ids=IN_OPENCV)
def test_a_layer_of_a_branch(tmp_path: Path, net: Net) -> None:
    expected, found = outputs_of(net, tmp_path, run_opencv)
    for name in net.outputs:
        assert_close(found[name], expected[name])


@pytest.mark.parametrize(
    ("param", "size"),
    [("zoom_factor: 2", (17, 19)), ("height: 12 width: 7", (12, 7)), ("shrink_factor: 2", (5, 5))],
)
def test_an_interpolation_keeps_the_corners(
    tmp_path: Path, param: str, size: tuple[int, int]
) -> None:
    path = Net(data() + layer("Interp", f"interp_param {{ {param} }}")).convert(tmp_path)
    blob = noise(*SHAPE)
    found = run_openvino(path, blob)["it"]
    rows, columns = (np.linspace(0, n - 1, m) for n, m in zip(SHAPE[2:], size, strict=True))
    expected = between(between(blob, rows, 2), columns, 3)
    assert_close(found, expected)


def between(blob: Floats, places: Any, axis: int) -> Floats:
    """Values between those of an axis, on straight lines."""
    low = np.clip(np.floor(places).astype(int), 0, blob.shape[axis] - 2)
    shape = [1] * 4
    shape[axis] = -1
    part = (places - low).reshape(shape).astype(np.float32)
    first, second = (np.take(blob, index, axis) for index in (low, low + 1))
    return np.asarray(first * (1 - part) + second * part)


def test_upsampling_repeats_values(tmp_path: Path) -> None:
    path = Net(data() + layer("Upsample", "upsample_param { scale: 3 }")).convert(tmp_path)
    blob = noise(*SHAPE)
    assert np.array_equal(run_openvino(path, blob)["it"], blob.repeat(3, 2).repeat(3, 3))


def test_equal_parts_and_repeats(tmp_path: Path) -> None:
    blob = noise(*SHAPE)
    parts = run_openvino(sliced("", parts=3).convert(tmp_path), blob)
    for name, expected in zip(("it", "b", "c"), np.split(blob, 3, axis=1), strict=True):
        assert np.array_equal(parts[name], expected)
    net = Net(data() + layer("Tile", "tile_param { axis: 1 tiles: 3 }"))
    assert np.array_equal(
        run_openvino(net.convert(tmp_path), blob)["it"], np.tile(blob, (1, 3, 1, 1))
    )


def detector(background: int = 0) -> Net:
    """An SSD in little: two classes, boxes of several shapes over 6 x 8 places."""
    prior = "min_size: 30 max_size: 60 aspect_ratio: 2 flip: true variance: 0.1 variance: 0.1 "
    prior += "variance: 0.2 variance: 0.2 offset: 0.5 clip: false"
    found = "num_classes: 2 share_location: true nms_param { nms_threshold: 0.45 top_k: 400 } "
    found += "code_type: CENTER_SIZE keep_top_k: 200 confidence_threshold: 0.01 "
    found += f"background_label_id: {background}"
    text = data((1, 3, 96, 128))
    conv = "convolution_param {{ num_output: {} kernel_size: 16 stride: 16 }}"
    for name, outputs in (("loc", 16), ("conf", 8)):
        text += layer("Convolution", conv.format(outputs), name=name)
        order = "permute_param { order: 0 order: 2 order: 3 order: 1 }"
        text += layer("Permute", order, name=f"{name}_perm", bottoms=name)
        text += layer("Flatten", name=f"{name}_flat", bottoms=f"{name}_perm")
    text += layer("PriorBox", f"prior_box_param {{ {prior} }}", name="prior", bottoms="loc data")
    pairs = "reshape_param { shape { dim: 0 dim: -1 dim: 2 } }"
    text += layer("Reshape", pairs, name="pairs", bottoms="conf_flat")
    text += layer("Softmax", "softmax_param { axis: 2 }", name="soft", bottoms="pairs")
    text += layer("Flatten", name="scores", bottoms="soft")
    text += layer(
        "DetectionOutput",
        f"detection_output_param {{ {found} }}",
        bottoms="loc_flat scores prior",
    )
    weights: Any = {
        "loc": [noise(16, 3, 16, 16) / 30, noise(16) / 9],
        "conf": [noise(8, 3, 16, 16) / 60, noise(8)],
    }
    return Net(text, weights, (1, 3, 96, 128))


def test_what_an_ssd_finds(tmp_path: Path) -> None:
    net = detector()
    path, blob = net.convert(tmp_path), noise(*net.shape)
    found = run_openvino(path, blob)["it"]
    made = run_opencv(tmp_path / "net.prototxt", tmp_path / "net.caffemodel", blob, ["it"])["it"]
    expected = caffe2onnx.found_alone(made)
    assert expected.shape[2] > 20, "a test on nothing would show nothing"
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() < 1e-4
    assert caffe2onnx.check(*net.save(tmp_path), path.read_bytes()) < 1e-4


@pytest.mark.parametrize(
    ("net", "message"),
    [
        (detector(background=1), "after a background"),
        (sliced("slice_point: 9"), r"cannot cut \(2, 6, 9, 10\) into 2 parts at \[9\]"),
        (sliced("axis: 0 slice_point: 1"), "cutting the batch"),
        (reshape("5 -1"), "a new shape of the batch"),
        (Net(data() + layer("Permute", "permute_param { order: 0 order: 7 }")), "cannot order"),
    ],
)
def test_what_is_not_supported_is_named(tmp_path: Path, net: Net, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        net.convert(tmp_path)


def test_all_unknown_layers_are_named_at_once(tmp_path: Path) -> None:
    text = data() + layer("LSTM", name="a") + layer("ReLU", name="b") + layer("Python", name="c")
    with pytest.raises(ModelError, match=r"net\.prototxt: .*'a'.*'LSTM'; .*'c'.*'Python'"):
        Net(text).convert(tmp_path)
