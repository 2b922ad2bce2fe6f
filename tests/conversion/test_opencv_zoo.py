"""YuNet and SFace: constants in 8-bit blocks, and each op of files whose channels come first."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import NodeProto, TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from faceserver.conversion import caffe2onnx
from faceserver.conversion.checks.judge import run_opencv, run_openvino, sample
from faceserver.conversion.graph.simplify import simplify
from faceserver.conversion.opencv_zoo import RECIPES, run
from faceserver.conversion.published import published
from faceserver.conversion.readers.onnx_constants import load_folded
from faceserver.conversion.readers.onnx_source import read_onnx
from faceserver.conversion.writers.caffe_files import CaffeFiles
from faceserver.conversion.writers.to_caffe import to_caffe
from faceserver.errors import ModelError
from faceserver.folders import DESCRIPTIONS, SOURCES
from faceserver.models.spec import load_any_spec
from faceserver.types import Floats

SHAPE = (1, 3, 8, 8)


def noise(*shape: int) -> Floats:
    return np.random.default_rng(sum(shape)).standard_normal(shape, np.float32)


def node(op: str, inputs: Sequence[str], output: str, **attributes: object) -> NodeProto:
    return helper.make_node(op, inputs, [output], name=output, **attributes)


def save(folder: Path, nodes: Sequence[NodeProto], constants: dict[str, Floats]) -> Path:
    shape = list(SHAPE)
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("data", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(nodes[-1].output[0], TensorProto.FLOAT, None)],
        [numpy_helper.from_array(values, name) for name, values in constants.items()],
    )
    path = folder / "source.onnx"
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)])
    onnx.save(model, path)
    return path


def converted(path: Path, folder: Path) -> dict[str, Floats]:
    """What the network gives in ONNX and in Caffe, both made by our converters."""
    blob = sample((2, *SHAPE[1:]))
    output = onnx.load(path).graph.output[0].name
    layers = simplify(read_onnx(path).layers((8, 8), {output: "made"}))
    CaffeFiles.of(*to_caffe(layers, "net"), "").write(folder, "net")
    content = caffe2onnx.convert(folder / "net.prototxt", folder / "net.caffemodel")
    (folder / "net.onnx").write_bytes(content)
    name = layers[-1].name
    caffe = run_opencv(folder / "net.prototxt", folder / "net.caffemodel", blob, [name])
    return {"ONNX": run_openvino(folder / "net.onnx", blob)[name], "Caffe": caffe[name]}


def expected(path: Path) -> Floats:
    evaluator = ReferenceEvaluator(onnx.load(path))
    rows = [evaluator.run(None, {"data": row[None]})[0] for row in sample((2, *SHAPE[1:]))]
    return np.concatenate(rows)


def weights(*shape: int) -> dict[str, Floats]:
    return {"w": noise(*shape)}


ops: dict[str, tuple[list[NodeProto], dict[str, Floats]]] = {
    "padding and step": (
        [node("Conv", ["data", "w"], "y", pads=[1, 1, 1, 1], strides=[2, 2])],
        weights(6, 3, 3, 3),
    ),
    "a convolution in groups": (
        [node("Conv", ["data", "w", "b"], "y", group=3, pads=[1, 1, 1, 1])],
        {**weights(3, 1, 3, 3), "b": noise(3)},
    ),
    "a norm between activations": (
        [
            node("PRelu", ["data", "slopes"], "p"),
            node("BatchNormalization", ["p", "g", "b", "m", "v"], "n", epsilon=0.01),
            node("Conv", ["n", "w"], "y"),
        ],
        {
            **weights(5, 3, 1, 1),
            "slopes": noise(3, 1, 1),
            "g": noise(3),
            "b": noise(5)[:3],
            "m": noise(6)[:3],
            "v": np.abs(noise(7)[:3]),
        },
    ),
    "numbers beside the blob": (
        [
            node("Sub", ["data", "s"], "a"),
            node("Mul", ["a", "f"], "b"),
            node("Add", ["b", "s"], "c"),
            node("Conv", ["c", "w"], "y"),
        ],
        {**weights(3, 3, 1, 1), "s": noise(1), "f": noise(2)[:1]},
    ),
    "down and up again": (
        [
            node("MaxPool", ["data"], "p", kernel_shape=[2, 2], strides=[2, 2]),
            node(
                "Resize",
                ["p", "", "scales"],
                "u",
                mode="nearest",
                coordinate_transformation_mode="asymmetric",
                nearest_mode="floor",
            ),
            node("Add", ["data", "u"], "s"),
            node("Relu", ["s"], "y"),
        ],
        {"scales": np.array([1, 1, 2, 2], np.float32)},
    ),
    "a product of all values": (
        [
            node("Dropout", ["data"], "d"),
            node("Flatten", ["d"], "f"),
            node("Gemm", ["f", "w", "b"], "y", transB=1),
        ],
        {**weights(7, 192), "b": noise(7)},
    ),
}


@pytest.mark.parametrize("name", ops)
def test_each_op_computes_what_it_should(name: str, tmp_path: Path) -> None:
    nodes, constants = ops[name]
    path = save(tmp_path, nodes, constants)
    wanted = expected(path)
    for form, found in converted(path, tmp_path).items():
        assert np.abs(found - wanted).max() < 1e-4, form


def test_weights_in_blocks_of_8_bits_become_numbers(tmp_path: Path) -> None:
    quantized = np.random.default_rng(1).integers(-128, 127, (6, 8), np.int8)
    scales, zeros = np.abs(noise(6, 2)), np.zeros((6, 2), np.int8)
    nodes = [
        # As in the published files: what needs them stands before them is what a reader must take.
        node("Conv", ["data", "r"], "y"),
        node("DequantizeLinear", ["q", "s", "z"], "d", axis=1, block_size=4),
        node("Reshape", ["d", "shape"], "r"),
    ]
    constants = {"q": quantized, "s": scales, "z": zeros, "shape": np.array([16, 3, 1, 1])}
    graph = helper.make_graph(
        nodes,
        "net",
        [
            helper.make_tensor_value_info("data", TensorProto.FLOAT, list(SHAPE)),
            helper.make_tensor_value_info("d", TensorProto.FLOAT, [6, 8]),
            helper.make_tensor_value_info("q", TensorProto.INT8, [6, 8]),
        ],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(values, name) for name, values in constants.items()],
    )
    graph.output[0].type.tensor_type.shape.dim.add().dim_value = 1
    path = tmp_path / "blocks.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)]), path)
    folded = load_folded(path)
    assert [value.name for value in folded.graph.input] == ["data"]
    assert [each.op_type for each in folded.graph.node] == ["Conv"]
    (made,) = (numpy_helper.to_array(tensor) for tensor in folded.graph.initializer)
    wanted = quantized.astype(np.float32) * scales.repeat(4, axis=1)
    assert np.allclose(made, wanted.reshape(16, 3, 1, 1))


@pytest.mark.parametrize(
    ("nodes", "said"),
    [
        ([node("Conv", ["data", "w"], "y", dilations=[2, 2])], "dilation"),
        ([node("Erf", ["data"], "y")], "not supported"),
        ([node("Mul", ["data", "m"], "y")], r"a constant of the shape \[1, 1, 8, 8\]"),
    ],
)
def test_what_cannot_be_converted_is_named(
    nodes: list[NodeProto], said: str, tmp_path: Path
) -> None:
    constants = {**weights(6, 3, 3, 3), "m": noise(1, 1, 8, 8)}
    source = read_onnx(save(tmp_path, nodes, constants))
    with pytest.raises(ModelError, match=rf"source\.onnx: node 'y'.*{said}"):
        source.layers((8, 8), {"y": "made"})


@pytest.mark.parametrize("name", RECIPES)
def test_the_published_files_compute_as_a_reader_that_is_not_ours_has_them(name: str) -> None:
    recipe = RECIPES[name]
    source = published(name).fetch(load_any_spec(DESCRIPTIONS / name), SOURCES)
    blob = (sample((1, 3, recipe.size, recipe.size)) + 1) * 127
    found = run(source, recipe, blob)
    feeds = {"data" if name == "sface" else "input": blob}
    tensors = list(recipe.outputs)
    wanted = ReferenceEvaluator(str(source)).run(tensors, feeds)
    for tensor, values in zip(tensors, wanted, strict=True):
        assert np.abs(found[recipe.outputs[tensor]] - values).max() < 1e-3, tensor
