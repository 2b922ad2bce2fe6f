"""Every construct that is converted computes the same in the graph, in Caffe and in ONNX."""

from pathlib import Path

import numpy as np
import pytest

from faceserver.conversion import tf2caffe
from faceserver.conversion.caffe.caffemodel import read_caffemodel
from faceserver.conversion.caffe.prototxt import parse_prototxt, read_prototxt
from tests.conversion.graphs import Graph, assert_close, run_everywhere


def assert_equal_everywhere(graph: Graph, folder: Path) -> None:
    expected, opencv, openvino = run_everywhere(graph, folder)
    assert_close(opencv, expected)
    assert_close(openvino, expected)


def layer_types(folder: Path) -> list[str]:
    return [layer.type for layer in read_prototxt(folder / "net.prototxt").layer]


@pytest.mark.parametrize(
    ("kernel", "stride", "padding"),
    [
        ((3, 3), (1, 1), "VALID"),
        ((3, 3), (2, 2), "VALID"),
        ((3, 3), (1, 1), "SAME"),
        ((1, 7), (1, 1), "SAME"),
        ((7, 1), (1, 1), "SAME"),
        ((1, 1), (1, 1), "SAME"),
        ((5, 3), (1, 2), "SAME"),
    ],
)
def test_convolutions(
    tmp_path: Path, kernel: tuple[int, int], stride: tuple[int, int], padding: str
) -> None:
    graph = Graph((1, 12, 13, 3))
    conv = graph.conv("conv", "input", graph.noise(*kernel, 3, 5), stride, padding)
    graph.op("Relu", "relu", graph.biased("conv", conv, graph.noise(5)))
    assert_equal_everywhere(graph, tmp_path)


def test_a_convolution_without_bias(tmp_path: Path) -> None:
    graph = Graph()
    graph.conv("conv", "input", graph.noise(3, 3, 3, 4))
    assert_equal_everywhere(graph, tmp_path)
    assert not read_prototxt(tmp_path / "net.prototxt").layer[1].convolution_param.bias_term


def test_a_batch_norm_after_a_convolution_is_folded(tmp_path: Path) -> None:
    graph = Graph()
    conv = graph.conv("conv", "input", graph.noise(3, 3, 3, 4))
    graph.op("Relu", "relu", graph.batch_norm("norm", conv, 4))
    assert_equal_everywhere(graph, tmp_path)
    assert layer_types(tmp_path) == ["Input", "Convolution", "ReLU"]


def pooling(
    op: str, size: tuple[int, int], kernel: tuple[int, int], stride: int, padding: str
) -> Graph:
    graph = Graph((1, *size, 3))
    conv = graph.conv("conv", "input", graph.noise(1, 1, 3, 4))
    graph.pool(op, conv, kernel, (stride, stride), padding)
    return graph


@pytest.mark.parametrize("size", [(7, 7), (8, 8), (9, 8), (17, 6)])
@pytest.mark.parametrize("kernel", [2, 3, 5])
@pytest.mark.parametrize("stride", [1, 2])
def test_max_pooling_without_padding(
    tmp_path: Path, size: tuple[int, int], kernel: int, stride: int
) -> None:
    graph = pooling("MaxPool", size, (kernel, kernel), stride, "VALID")
    assert_equal_everywhere(graph, tmp_path)


@pytest.mark.parametrize(
    ("size", "kernel", "stride"),
    [((3, 3), (3, 3), 1), ((8, 9), (3, 2), 1), ((7, 9), (3, 3), 2), ((8, 4), (2, 2), 2)],
)
def test_average_pooling_without_padding(
    tmp_path: Path, size: tuple[int, int], kernel: tuple[int, int], stride: int
) -> None:
    graph = pooling("AvgPool", size, kernel, stride, "VALID")
    assert_equal_everywhere(graph, tmp_path)


@pytest.mark.parametrize("size", [(7, 7), (8, 8), (9, 8), (17, 6)])
@pytest.mark.parametrize(("kernel", "stride"), [(2, 2), (3, 1), (3, 2), (4, 2), (5, 3)])
def test_max_pooling_with_padding(
    tmp_path: Path, size: tuple[int, int], kernel: int, stride: int
) -> None:
    graph = pooling("MaxPool", size, (kernel, kernel), stride, "SAME")
    assert_equal_everywhere(graph, tmp_path)


def test_pooling_that_caffe_rounds_up_is_cropped(tmp_path: Path) -> None:
    graph = pooling("MaxPool", (8, 7), (3, 3), 2, "VALID")
    assert_equal_everywhere(graph, tmp_path)
    _data, _conv, pool, crop = read_prototxt(tmp_path / "net.prototxt").layer
    assert (pool.name, crop.name) == ("embeddings/uncropped", "embeddings")
    assert (pool.type, crop.type) == ("Pooling", "Convolution")
    assert (crop.convolution_param.kernel_h, crop.convolution_param.kernel_w) == (2, 1)


@pytest.mark.parametrize("factor", [0.17, 0.1, 1.0])
@pytest.mark.parametrize("factor_first", [True, False])
@pytest.mark.parametrize("branch_first", [True, False])
def test_residual_sums(
    tmp_path: Path, factor: float, factor_first: bool, branch_first: bool
) -> None:
    graph = Graph((1, 8, 9, 4))
    conv = graph.conv("branch", "input", graph.noise(1, 1, 4, 4))
    branch = graph.biased("branch", conv, graph.noise(4))
    number = graph.const("factor", factor)
    product = graph.op("Mul", "mul", *((number, branch) if factor_first else (branch, number)))
    total = graph.op("Add", "add", *((product, "input") if branch_first else ("input", product)))
    graph.op("Relu", "relu", total)
    assert_equal_everywhere(graph, tmp_path)


def test_a_sum_without_scale(tmp_path: Path) -> None:
    graph = Graph((1, 8, 9, 4))
    graph.op("AddV2", "add", "input", graph.conv("branch", "input", graph.noise(3, 3, 4, 4)))
    assert_equal_everywhere(graph, tmp_path)
    assert not read_prototxt(tmp_path / "net.prototxt").layer[-1].eltwise_param.coeff


@pytest.mark.parametrize("axis", [3, -1])
def test_branches_are_joined_along_the_channels(tmp_path: Path, axis: int) -> None:
    graph = Graph()
    first = graph.op("Relu", "relu", graph.conv("a", "input", graph.noise(3, 3, 3, 4)))
    second = graph.conv("b", "input", graph.noise(1, 1, 3, 2))
    where = graph.const("axis", np.array(axis, np.int32))
    graph.op("ConcatV2", "concat", first, second, where, N=2, Tidx=3)
    assert_equal_everywhere(graph, tmp_path)


def test_a_matrix_product_reads_channels_fastest(tmp_path: Path) -> None:
    graph = Graph((1, 3, 4, 5))
    flat = graph.reshape("flat", "input", [-1, 60])
    graph.biased("fc", graph.dense("fc", flat, graph.noise(60, 7)), graph.noise(7))
    assert_equal_everywhere(graph, tmp_path)


def test_a_bottleneck_with_its_batch_norm_between_reshapes(tmp_path: Path) -> None:
    graph = Graph((1, 3, 3, 5))
    pool = graph.pool("AvgPool", "input", (3, 3), (1, 1), "VALID")
    row = graph.dense("Bottleneck", graph.reshape("flat", pool, [1, -1]), graph.noise(5, 8))
    spread = graph.reshape("spread", row, [-1, 1, 1, 8])
    graph.reshape("back", graph.batch_norm("norm", spread, 8), [1, 8])
    assert_equal_everywhere(graph, tmp_path)
    assert layer_types(tmp_path) == ["Input", "Pooling", "InnerProduct"]


def test_the_scaling_to_unit_length_is_left_to_who_uses_the_embedding(tmp_path: Path) -> None:
    graph = Graph((1, 1, 1, 5))
    row = graph.dense("fc", graph.reshape("flat", "input", [1, 5]), graph.noise(5, 8))
    graph.unit_length("embeddings", row)
    expected, opencv, openvino = run_everywhere(graph, tmp_path)
    assert layer_types(tmp_path) == ["Input", "InnerProduct"]
    for found in (opencv, openvino):
        assert np.abs(found / np.linalg.norm(found) - expected).max() < 1e-6
        assert abs(np.linalg.norm(found) - 1) > 0.1


def test_a_blob_that_others_read_is_not_overwritten(tmp_path: Path) -> None:
    graph = Graph((1, 8, 9, 4))
    conv = graph.conv("conv", "input", graph.noise(3, 3, 4, 4))
    graph.op("Add", "add", graph.op("Relu", "relu", conv), conv)
    assert_equal_everywhere(graph, tmp_path)


def test_a_blob_is_overwritten_where_only_the_activation_reads_it(tmp_path: Path) -> None:
    graph = Graph()
    relu = graph.op("Relu", "relu", graph.conv("a", "input", graph.noise(3, 3, 3, 4)))
    graph.conv("b", relu, graph.noise(1, 1, 4, 4))
    assert_equal_everywhere(graph, tmp_path)
    activation = read_prototxt(tmp_path / "net.prototxt").layer[2]
    assert list(activation.bottom) == list(activation.top) == ["a"]


def test_one_value_stands_for_all(tmp_path: Path) -> None:
    """TensorFlow stores a constant of equal values as a single one."""
    graph = Graph()
    biased = graph.biased(
        "conv", graph.conv("conv", "input", graph.noise(1, 1, 3, 4)), graph.noise(4)
    )
    constant = next(node for node in graph.proto.node if node.name == "conv/biases")
    constant.attr["value"].tensor.tensor_content = b""
    constant.attr["value"].tensor.float_val.append(0.25)
    assert graph.last == biased
    assert_equal_everywhere(graph, tmp_path)
    assert read_caffemodel(tmp_path / "net.caffemodel")["embeddings"][1].tolist() == [0.25] * 4


def test_layers_are_named_as_in_the_graph_without_what_all_share(tmp_path: Path) -> None:
    graph = Graph()
    conv = graph.conv("Net/Mixed/Branch_0/Conv2d_1a", "input", graph.noise(3, 3, 3, 4))
    pool = graph.op("Relu", "Net/Mixed/Branch_0/Conv2d_1a/Relu", conv)
    graph.conv("Net/Last", pool, graph.noise(1, 1, 4, 4))
    tf2caffe.convert(graph.save(tmp_path), "net").write(tmp_path, "net")
    names = [layer.name for layer in read_prototxt(tmp_path / "net.prototxt").layer]
    assert names == [
        "data",
        "Mixed/Branch_0/Conv2d_1a",
        "Mixed/Branch_0/Conv2d_1a/Relu",
        "embeddings",
    ]


def test_a_graph_may_be_deeper_than_pythons_stack(tmp_path: Path) -> None:
    graph = Graph((1, 2, 2, 1))
    for index in range(1500):
        graph.op("Relu", f"relu{index}", graph.last)
    prototxt = parse_prototxt(tf2caffe.convert(graph.save(tmp_path), "net").prototxt.decode())
    assert len(prototxt.layer) == 1501
