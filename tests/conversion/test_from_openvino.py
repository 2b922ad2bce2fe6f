"""ONNX files with the channels last, read by way of OpenVINO, and MTCNN's conversion."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import NodeProto, TensorProto, helper, numpy_helper

from faceserver.conversion import mtcnn2caffe
from faceserver.conversion.graph.layers import (
    Bias,
    Convolution,
    Dense,
    Flatten,
    Layer,
    Pooling,
    PRelu,
    Softmax,
    Upsample,
)
from faceserver.conversion.readers.onnx_source import read_onnx
from faceserver.errors import ModelError
from faceserver.types import Floats

FIRST, LAST = [0, 3, 1, 2], [0, 2, 3, 1]


def noise(*shape: int) -> Floats:
    return np.random.default_rng(0).standard_normal(shape, np.float32)


def save(folder: Path, nodes: Sequence[NodeProto], **constants: Floats) -> Path:
    floats = TensorProto.FLOAT
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("input", floats, ["N", 6, 6, 3])],
        [helper.make_tensor_value_info(nodes[-1].output[0], floats, None)],
        [numpy_helper.from_array(values, name) for name, values in constants.items()],
    )
    path = folder / "net.onnx"
    onnx.save(helper.make_model(graph), path)
    return path


def node(op: str, *inputs: str, name: str = "", **attributes: object) -> NodeProto:
    name = name or op.lower()
    return helper.make_node(op, inputs, [name], name=name, **attributes)


def first() -> NodeProto:
    return node("Transpose", "input", name="first", perm=FIRST)


def layers_from_onnx(path: Path) -> list[Layer]:
    return read_onnx(path).layers((6, 6))


def test_each_op_becomes_a_layer(tmp_path: Path) -> None:
    weights, matrix = noise(4, 3, 3, 3), noise(16, 2)
    path = save(
        tmp_path,
        [
            first(),
            node("Conv", "first", "w", "b", strides=[1, 1], auto_pad="VALID"),
            node("PRelu", "conv", "slopes"),
            node("MaxPool", "prelu", kernel_shape=[2, 2], strides=[2, 2], auto_pad="SAME_UPPER"),
            node("Transpose", "maxpool", name="last", perm=LAST),
            node("Flatten", "last"),
            node("MatMul", "flatten", "matrix"),
            node("Add", "matmul", "offset"),
            node("Softmax", "add", axis=1),
        ],
        w=weights,
        b=noise(4),
        slopes=noise(1, 4, 1, 1),
        matrix=matrix,
        offset=noise(2),
    )
    data, conv, _bias, prelu, pool, flatten, dense, bias, softmax = layers_from_onnx(path)
    assert isinstance(conv, Convolution)
    assert np.array_equal(conv.weights, weights)
    assert (conv.bottoms, conv.padding, conv.stride) == (("data",), (0, 0, 0, 0), (1, 1))
    assert isinstance(prelu, PRelu)
    assert prelu.slopes.shape == (4,)
    assert isinstance(pool, Pooling)
    assert (pool.method, pool.kernel, pool.stride) == ("max", (2, 2), (2, 2))
    assert isinstance(flatten, Flatten)
    assert flatten.bottoms == ("maxpool",)
    assert isinstance(dense, Dense)
    assert np.array_equal(dense.weights, matrix)
    assert isinstance(bias, Bias)
    assert isinstance(softmax, Softmax)
    assert data.name == "data"


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ([node("Erf", "input")], r"'erf' \(Erf\): this op is not supported"),
        ([first(), node("Softmax", "first", axis=2)], "'softmax'.*only along the channels"),
        (
            [first(), node("Conv", "first", "w", strides=[1, 1], dilations=[2, 2])],
            "'conv'.*dilation, and other than two axes",
        ),
        (
            [
                first(),
                node("Erf", "first"),
                node("Softmax", "first", axis=2),
                node("Add", "erf", "softmax"),
            ],
            "'erf'.*; node 'softmax'",
        ),
        ([node("Conv", "input", "w", strides=[1, 1])], "OpenVINO cannot read it|cannot be"),
    ],
)
def test_what_is_not_supported_is_named(
    tmp_path: Path, nodes: list[NodeProto], message: str
) -> None:
    path = save(tmp_path, nodes, w=noise(4, 3, 3, 3))
    with pytest.raises(ModelError, match=message):
        layers_from_onnx(path)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"none\.onnx cannot be read: No such file"):
        layers_from_onnx(tmp_path / "none.onnx")
    whole = save(tmp_path, [first()]).read_bytes()
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(whole[:-5])
    with pytest.raises(ModelError, match=r"broken\.onnx is truncated, or not an ONNX file"):
        layers_from_onnx(broken)
    broken.write_bytes(b"")
    with pytest.raises(ModelError, match=r"broken\.onnx is an empty file"):
        layers_from_onnx(broken)


def test_another_network_is_not_taken_for_mtcnns(tmp_path: Path) -> None:
    nodes = [first(), node("Conv", "first", "w", strides=[1, 1], auto_pad="VALID")]
    path = save(tmp_path, nodes, w=noise(4, 3, 3, 3))
    with pytest.raises(ModelError, match=r"is not MTCNN's PNet: see its nodes \['conv', 'conv2d'"):
        mtcnn2caffe.convert(path, mtcnn2caffe.RECIPES["det1"])


def test_a_deconvolution_that_repeats_rows_and_columns(tmp_path: Path) -> None:
    """As YuNet's is written for Caffe; any other is refused."""
    ones = np.ones((3, 1, 2, 2), np.float32)
    twice = node("ConvTranspose", "first", "w", strides=[2, 2], group=3)
    layer = layers_from_onnx(save(tmp_path, [first(), twice], w=ones))[-1]
    assert isinstance(layer, Upsample)
    assert layer.factor == 2
    for weights, step in ((2 * ones, 2), (ones, 1)):
        other = node("ConvTranspose", "first", "w", strides=[step, step], group=3)
        with pytest.raises(ModelError, match="only one that repeats rows and columns is supported"):
            layers_from_onnx(save(tmp_path, [first(), other], w=weights))
