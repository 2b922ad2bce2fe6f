"""What cannot be converted exactly is refused, by the name of its node."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from faceserver.conversion import tf2caffe
from faceserver.conversion.command import run
from faceserver.conversion.graph.layers import Input, Relu, Scale
from faceserver.conversion.readers.graphdef import constant
from faceserver.conversion.readers.graphdef_pb2 import AttrValue, GraphDef
from faceserver.conversion.writers.to_caffe import to_caffe
from faceserver.errors import ModelError
from tests.conversion.graphs import INT32, Graph


def refusal(graph: Graph, folder: Path) -> str:
    with pytest.raises(ModelError) as caught:
        tf2caffe.convert(graph.save(folder), "net")
    return str(caught.value)


def set_strings(graph: Graph, name: str, **values: bytes) -> None:
    node = next(node for node in graph.proto.node if node.name == name)
    for key, value in values.items():
        node.attr[key].CopyFrom(AttrValue(s=value))


def test_an_unknown_op(tmp_path: Path) -> None:
    graph = Graph()
    graph.op("Tanh", "Net/tanh_7", "input")
    assert refusal(graph, tmp_path) == (
        f"{tmp_path / 'graph.pb'}: node 'Net/tanh_7' has the op 'Tanh', which is not supported"
    )


def test_all_that_is_not_supported_is_said_at_once(tmp_path: Path) -> None:
    graph = Graph()
    tanh = graph.op("Tanh", "tanh_7", "input")
    dilated = graph.conv("conv", tanh, graph.noise(3, 3, 3, 4))
    attribute = AttrValue(list=AttrValue.ListValue(i=[1, 2, 2, 1]))
    graph.proto.node[-1].attr["dilations"].CopyFrom(attribute)
    graph.op("Erf", "erf", dilated)
    message = refusal(graph, tmp_path)
    assert "\n" not in message
    for part in ("'tanh_7' has the op 'Tanh'", "dilation is not supported", "'erf' has the op"):
        assert part in message


def test_all_that_caffe_cannot_is_said_at_once() -> None:
    data = Input("data", (), (1, 3, 8, 9))
    layers = [data, Scale("one", ("data",), factor=2.0), Scale("two", ("data",), factor=2.0)]
    layers.append(Relu("lost", ("one",)))
    with pytest.raises(ModelError, match=r"'one' is a Scale.*; 'two' is a Scale") as caught:
        to_caffe(layers, "net")
    assert "lost" not in str(caught.value), "it can be written once 'one' can"


@pytest.mark.parametrize(
    ("op", "kernel", "stride", "padding"),
    [
        ("MaxPool", 2, 1, "SAME"),  # one column of padding at the end alone
        ("MaxPool", 2, 3, "VALID"),  # narrower than its step
    ],
)
def test_a_pooling_that_caffe_computes_otherwise(
    tmp_path: Path, op: str, kernel: int, stride: int, padding: str
) -> None:
    graph = Graph()
    pool = graph.pool(op, "input", (kernel, kernel), (stride, stride), padding)
    graph.op("Relu", "relu", pool)
    message = refusal(graph, tmp_path)
    assert "graph.pb: 'pool' pools " in message
    assert message.endswith("which Caffe's pooling cannot")


def unknown_padding(graph: Graph) -> None:
    graph.conv("conv", "input", graph.noise(3, 3, 3, 4), padding="EXPLICIT")


def channels_first(graph: Graph) -> None:
    conv = graph.conv("conv", "input", graph.noise(3, 3, 3, 4))
    set_strings(graph, conv, data_format=b"NCHW")


def dilated(graph: Graph) -> None:
    graph.conv("conv", "input", graph.noise(3, 3, 3, 4))
    attribute = AttrValue(list=AttrValue.ListValue(i=[1, 2, 2, 1]))
    graph.proto.node[-1].attr["dilations"].CopyFrom(attribute)


def stride_over_channels(graph: Graph) -> None:
    graph.op("MaxPool", "pool", "input", ksize=[1, 1, 1, 3], strides=[1, 1, 1, 3], padding="VALID")


def computed_weights(graph: Graph) -> None:
    graph.op("Conv2D", "conv", "input", "input", strides=[1, 1, 1, 1], padding="SAME")


def transposed_product(graph: Graph) -> None:
    row = graph.reshape("flat", "input", [1, 216])
    matrix = graph.const("weights", graph.noise(4, 216))
    graph.op("MatMul", "fc", row, matrix, transpose_a=True, transpose_b=False)


def norm_in_training(graph: Graph) -> None:
    graph.batch_norm("norm", "input", 3, training=True)


def product_of_blobs(graph: Graph) -> None:
    graph.op("Mul", "mul", "input", "input")


def sum_of_three(graph: Graph) -> None:
    graph.op("AddN", "add", "input", "input", "input", N=3)


def constant_minus_blob(graph: Graph) -> None:
    graph.op("Sub", "sub", graph.const("offset", 1.0), "input")


def pad_of_the_batch(graph: Graph) -> None:
    pads = graph.const("pads", np.array([[1, 0], [0, 0], [0, 0], [0, 0]], np.int32))
    graph.op("Pad", "pad", "input", pads, Tpaddings=INT32)


def mean_of_the_channels(graph: Graph) -> None:
    graph.op("Mean", "mean", "input", graph.const("axes", np.array([3], np.int32)))


def squeeze_of_the_batch(graph: Graph) -> None:
    graph.op("Squeeze", "squeeze", "input", squeeze_dims=[0])


def scale_of_rows(graph: Graph) -> None:
    graph.op("Mul", "mul", "input", graph.const("rows", np.ones((8, 1, 1), np.float32)))


def computed_reshape(graph: Graph) -> None:
    shape = graph.op("Shape", "shape", "input")
    graph.op("Reshape", "reshape", "input", shape)


def concat_along_rows(graph: Graph) -> None:
    axis = graph.const("axis", np.array(1, np.int32))
    graph.op("ConcatV2", "concat", "input", "input", axis, N=2, Tidx=INT32)


def real_reshape(graph: Graph) -> None:
    graph.reshape("reshape", "input", [1, 72, 3])


def open_input(graph: Graph) -> None:
    graph.proto.node[0].attr["shape"].shape.dim[1].size = -1
    graph.op("Relu", "relu", "input")


def flat_input(graph: Graph) -> None:
    del graph.proto.node[0].attr["shape"].shape.dim[2:]
    graph.op("Relu", "relu", "input")


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (unknown_padding, r"'conv/Conv2D' \(Conv2D\): padding 'EXPLICIT' is not supported"),
        (channels_first, "'conv/Conv2D'.*only the data format NHWC is supported"),
        (dilated, "'conv/Conv2D'.*dilation is not supported"),
        (stride_over_channels, r"'pool'.*ksize \[1, 1, 1, 3\] is not supported"),
        (computed_weights, "'conv'.*needs 1 constant inputs, not 0"),
        (transposed_product, "'fc'.*a product with a transposed blob is not supported"),
        (norm_in_training, "'norm'.*it is in training mode"),
        (product_of_blobs, "'mul'.*only a product with a constant is supported"),
        (sum_of_three, "'add'.*only a sum of two blobs, or of one and a constant"),
        (constant_minus_blob, "'sub'.*a constant in the first place is not supported"),
        (pad_of_the_batch, "'pad'.*only zeros around rows and columns"),
        (mean_of_the_channels, r"'mean'.*only a mean over rows and columns.*not over \[3\]"),
        (squeeze_of_the_batch, r"'squeeze'.*not the axes \[0\]"),
        (scale_of_rows, r"'mul'.*a constant of the shape \[8, 1, 1\] is not supported"),
        (computed_reshape, "'reshape'.*the new shape is computed by 'shape'"),
        (concat_along_rows, "'concat'.*only joining along the channels is supported"),
        (real_reshape, r"'reshape'.*only a reshape to one row.*not to \[1, 72, 3\]"),
        (open_input, r"'input'.*does not fix the size of its input: give it"),
        (flat_input, r"'input'.*needs a shape of batch, rows, columns and channels"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_an_op_used_in_an_unsupported_way(
    tmp_path: Path, build: Callable[[Graph], None], message: str
) -> None:
    graph = Graph()
    build(graph)
    with pytest.raises(ModelError, match=message):
        tf2caffe.convert(graph.save(tmp_path), "net")


def padded_pooling(graph: Graph) -> None:
    pads = graph.const("pads", np.array([[0, 0], [1, 1], [1, 1], [0, 0]], np.int32))
    graph.op("Relu", "relu", graph.op("Pad", "pad", "input", pads, Tpaddings=INT32))


def scale_of_other_channels(graph: Graph) -> None:
    graph.op("Mul", "mul", "input", graph.const("factors", graph.noise(5)))
    graph.op("Relu", "relu", "mul")


def row_read_by_an_activation(graph: Graph) -> None:
    row = graph.reshape("flat", "input", [1, 216])
    graph.op("Relu", "relu", row)


def product_without_reshape(graph: Graph) -> None:
    graph.dense("fc", "input", graph.noise(216, 4))


def product_of_another_size(graph: Graph) -> None:
    graph.dense("fc", graph.reshape("flat", "input", [1, 216]), graph.noise(200, 4))


def reshape_to_another_size(graph: Graph) -> None:
    row = graph.dense("fc", graph.reshape("flat", "input", [1, 216]), graph.noise(216, 4))
    graph.reshape("wrong", row, [-1, 1, 1, 5])


def wrong_channels(graph: Graph) -> None:
    graph.conv("conv", "input", graph.noise(1, 1, 5, 4))
    graph.op("Relu", "relu", graph.last)


def same_name_twice(graph: Graph) -> None:
    graph.op("Relu", "conv", graph.conv("conv", "input", graph.noise(1, 1, 3, 3)))


def two_outputs(graph: Graph) -> None:
    graph.op("Relu", "a", "input")
    graph.op("Relu", "b", "input")


def missing_input(graph: Graph) -> None:
    graph.op("Relu", "relu", "nowhere")


def second_output(graph: Graph) -> None:
    norm = graph.batch_norm("norm", graph.conv("conv", "input", graph.noise(1, 1, 3, 3)), 3)
    graph.op("Relu", "relu", f"{norm}:1")


def text_constant(graph: Graph) -> None:
    graph.biased("x", graph.conv("conv", "input", graph.noise(1, 1, 3, 3)), graph.noise(3))
    graph.proto.node[-2].attr["value"].tensor.dtype = 7


def short_constant(graph: Graph) -> None:
    graph.biased("x", graph.conv("conv", "input", graph.noise(1, 1, 3, 3)), graph.noise(3))
    graph.proto.node[-2].attr["value"].tensor.tensor_content = bytes(8)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (padded_pooling, "'pad' may be read by convolutions only"),
        (scale_of_other_channels, "'mul' scales another number of channels than 3"),
        (row_read_by_an_activation, "'flat' may be read by matrix products only"),
        (product_without_reshape, "needs a row of 216 values"),
        (product_of_another_size, "'fc' needs 200 values, its input has"),
        (reshape_to_another_size, "'wrong' cannot make 5 values of 4"),
        (wrong_channels, "'conv' needs 5 channels, its input has 3"),
        (same_name_twice, "node 'conv' would make a second layer 'conv'"),
        (two_outputs, r"must have one output; nothing reads \['a', 'b'\]"),
        (missing_input, "node 'relu' reads 'nowhere', which the graph lacks"),
        (second_output, "node 'relu' reads 'norm:1', which the graph lacks"),
        (text_constant, "constant 'x/biases' is none of float32"),
        (short_constant, r"constant 'x/biases' has 2 values for the shape \[3\]"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_graph_that_does_not_fit_together(
    tmp_path: Path, build: Callable[[Graph], None], message: str
) -> None:
    graph = Graph()
    build(graph)
    with pytest.raises(ModelError, match=message):
        tf2caffe.convert(graph.save(tmp_path), "net")


def test_layers_that_caffe_has_no_place_for() -> None:
    data = Input("data", (), (1, 3, 8, 9))
    with pytest.raises(ModelError, match="'twice' is a Scale, which Caffe cannot compute"):
        to_caffe([data, Scale("twice", ("data",), factor=2.0)], "net")
    with pytest.raises(ModelError, match="two layers are named 'relu'"):
        to_caffe([data, Relu("relu", ("data",)), Relu("relu", ("data",))], "net")


def test_a_constant_is_asked_for_where_there_is_none() -> None:
    graph = Graph()
    with pytest.raises(ModelError, match="'input' is a Placeholder, where a constant is expected"):
        constant(graph.proto.node[0])


@pytest.mark.parametrize("part", [0.3, 0.7, 0.99])
def test_a_truncated_graph(tmp_path: Path, part: float) -> None:
    graph = Graph()
    graph.conv("conv", "input", graph.noise(3, 3, 3, 40))
    path = graph.save(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * part)])
    with pytest.raises(ModelError, match=r"graph\.pb is truncated, or not a frozen graph"):
        tf2caffe.convert(path, "net")


def test_files_that_hold_no_graph(tmp_path: Path) -> None:
    empty = tmp_path / "empty.pb"
    empty.write_bytes(GraphDef().SerializeToString())
    with pytest.raises(ModelError, match=r"empty\.pb is an empty file, where a frozen"):
        tf2caffe.convert(empty, "net")
    with pytest.raises(ModelError, match=r"none\.pb cannot be read: No such file"):
        tf2caffe.convert(tmp_path / "none.pb", "net")


def test_a_command_ends_with_one_line(tmp_path: Path) -> None:
    arguments = [str(tmp_path / "none.pb"), str(tmp_path / "out")]
    with pytest.raises(SystemExit) as caught:
        run(lambda: tf2caffe.main(arguments))
    assert str(caught.value).startswith("error: ")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()
