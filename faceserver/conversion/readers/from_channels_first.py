"""Turns an ONNX file whose blobs are (batch, channels, rows, columns) into a list of layers.

So are those that PyTorch and MXNet export. Only what the wanted outputs depend on is read, so that
a graph's last steps, which other programs are to do, can be left out.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from onnx import ModelProto, NodeProto, helper, numpy_helper

from faceserver.conversion.graph.layers import (
    Affine,
    BatchNorm,
    Convolution,
    Dense,
    Flatten,
    Input,
    Layer,
    Pad,
    Pooling,
    PRelu,
    Relu,
    Sum,
    Upsample,
)
from faceserver.errors import ModelError
from faceserver.types import Floats

INPUT_NAME = "data"


def layers_of(
    model: ModelProto, shape: tuple[int, int, int, int], outputs: Mapping[str, str]
) -> list[Layer]:
    """Translate the nodes that the wanted outputs depend on, in the graph's order.

    Args:
        model: its constants are initializers; see :mod:`onnx_constants`.
        shape: the input's batch, channels, rows and columns.
        outputs: our name for each tensor that is wanted.

    Returns:
        The layers. What makes a wanted tensor has our name for it, the others have the tensors'.

    Raises:
        ModelError: an op is not known or is used in a way that is not supported; the message names
            the node.
    """
    if len(model.graph.input) != 1:
        raise ModelError(f"there must be one input, not {len(model.graph.input)}")
    return _Reader(model, outputs).read(shape)


class _Reader:
    def __init__(self, model: ModelProto, outputs: Mapping[str, str]) -> None:
        self._graph = model.graph
        self._names = {model.graph.input[0].name: INPUT_NAME, **outputs}
        self._wanted = _ancestors(model, set(outputs))
        self.constants: dict[str, Floats] = {
            tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer
        }
        self.channels: dict[str, int] = {}  # of each layer, where it is known

    def read(self, shape: tuple[int, int, int, int]) -> list[Layer]:
        layers: list[Layer] = [Input(INPUT_NAME, (), shape)]
        self.channels[INPUT_NAME] = shape[1]
        for node in self._graph.node:
            if node.output[0] in self._wanted:
                layers += self._translate(node)
        return layers

    def _translate(self, node: NodeProto) -> list[Layer]:
        name = self._names.setdefault(node.output[0], node.output[0])
        bottoms = tuple(
            self._names[given] for given in node.input if given and given not in self.constants
        )
        if node.op_type in _NOTHING:
            self._names[node.output[0]] = bottoms[0]
            return []
        translate = _TRANSLATORS.get(node.op_type)
        if translate is None:
            raise refusal(node, "this op is not supported")
        made = translate(self, node, name, bottoms)
        self.channels.setdefault(name, self.channels.get(bottoms[0], 0))
        return made

    def values(self, node: NodeProto) -> list[Floats]:
        """The constants among a node's inputs."""
        return [self.constants[name] for name in node.input if name in self.constants]


def _ancestors(model: ModelProto, tensors: set[str]) -> set[str]:
    wanted = set(tensors)
    for node in reversed(model.graph.node):
        if wanted & set(node.output):
            wanted.update(node.input)
    return wanted


def _convolution(
    reader: _Reader, node: NodeProto, name: str, bottoms: tuple[str, ...]
) -> list[Layer]:
    attributes = _attributes(node)
    if set(attributes.get("dilations", [1])) != {1}:
        raise refusal(node, "dilation is not supported")
    weights, *bias = reader.values(node)
    reader.channels[name] = len(weights)
    top, left, bottom, right = attributes.get("pads", [0, 0, 0, 0])
    padded: list[Layer] = []
    if any((top, left, bottom, right)):
        pad = Pad(f"{name}/padded", bottoms, rows=(top, bottom), columns=(left, right))
        padded, bottoms = [pad], (pad.name,)
    layer = Convolution(
        name,
        bottoms,
        weights=weights,
        bias=bias[0] if bias else None,
        stride=_pair(attributes.get("strides", [1, 1])),
        padding="VALID",
        groups=attributes.get("group", 1),
    )
    return [*padded, layer]


def _max_pooling(
    _reader: _Reader, node: NodeProto, name: str, bottoms: tuple[str, ...]
) -> list[Layer]:
    attributes = _attributes(node)
    if any(attributes.get("pads", [0])) or attributes.get("ceil_mode", 0):
        raise refusal(node, "padding and rounding up are not supported")
    kernel = _pair(attributes["kernel_shape"])
    stride = _pair(attributes.get("strides", [1, 1]))
    return [Pooling(name, bottoms, method="max", kernel=kernel, stride=stride, padding="VALID")]


def _batch_norm(
    reader: _Reader, node: NodeProto, name: str, bottoms: tuple[str, ...]
) -> list[Layer]:
    gamma, beta, mean, variance = reader.values(node)
    epsilon = _attributes(node).get("epsilon", 1e-5)
    return [BatchNorm(name, bottoms, gamma, beta, mean, variance, epsilon)]


def _prelu(reader: _Reader, node: NodeProto, name: str, bottoms: tuple[str, ...]) -> list[Layer]:
    (slopes,) = reader.values(node)
    return [PRelu(name, bottoms, slopes=slopes.reshape(-1))]


def _relu(_reader: _Reader, _node: NodeProto, name: str, bottoms: tuple[str, ...]) -> list[Layer]:
    return [Relu(name, bottoms)]


def _shifted(sign: int) -> "_Translator":
    def translate(
        reader: _Reader, node: NodeProto, name: str, bottoms: tuple[str, ...]
    ) -> list[Layer]:
        if len(bottoms) == 2 and sign > 0:
            return [Sum(name, bottoms)]
        offset = _one_number(reader, node)
        return [Affine(name, bottoms, scale=np.ones(1, np.float32), offset=sign * offset)]

    return translate


def _product(reader: _Reader, node: NodeProto, name: str, bottoms: tuple[str, ...]) -> list[Layer]:
    scale = _one_number(reader, node)
    return [Affine(name, bottoms, scale=scale, offset=np.zeros(1, np.float32))]


def _one_number(reader: _Reader, node: NodeProto) -> Floats:
    values = reader.values(node)
    if len(values) != 1 or values[0].size != 1 or node.input[1] not in reader.constants:
        raise refusal(node, "only one number is supported beside the blob")
    return values[0].reshape(1)


def _upsample(reader: _Reader, node: NodeProto, name: str, bottoms: tuple[str, ...]) -> list[Layer]:
    attributes = _attributes(node)
    scales = reader.constants[node.input[2]].tolist() if len(node.input) > 2 else []
    simple = (
        attributes.get("mode") == b"nearest"
        and attributes.get("coordinate_transformation_mode") == b"asymmetric"
        and attributes.get("nearest_mode") == b"floor"
    )
    if not simple or scales != [1, 1, 2, 2]:
        raise refusal(node, "only doubling by the nearest value is supported")
    return [Upsample(name, bottoms, factor=2)]


def _flatten(_reader: _Reader, node: NodeProto, name: str, bottoms: tuple[str, ...]) -> list[Layer]:
    if _attributes(node).get("axis", 1) != 1:
        raise refusal(node, "flattening from another axis on is not supported")
    return [Flatten(name, bottoms, size=None)]


def _dense(reader: _Reader, node: NodeProto, name: str, bottoms: tuple[str, ...]) -> list[Layer]:
    attributes = _attributes(node)
    if (attributes.get("alpha", 1.0), attributes.get("beta", 1.0)) != (1.0, 1.0):
        raise refusal(node, "factors are not supported")
    weights, *bias = reader.values(node)
    by_output = weights if attributes.get("transB", 0) else weights.T
    channels = reader.channels.get(bottoms[0], 0)
    # Flatten's order is TensorFlow's, channels last; here they come first.
    side = round((by_output.shape[1] / max(channels, 1)) ** 0.5)
    if channels * side * side != by_output.shape[1]:
        raise refusal(node, f"{by_output.shape[1]} values are no square of {channels} channels")
    moved = by_output.reshape(-1, channels, side, side).transpose(2, 3, 1, 0)
    reader.channels[name] = len(by_output)
    ordered = np.ascontiguousarray(moved.reshape(-1, len(by_output)))
    return [Dense(name, bottoms, weights=ordered, bias=bias[0] if bias else None)]


def _attributes(node: NodeProto) -> dict[str, Any]:
    return {item.name: helper.get_attribute_value(item) for item in node.attribute}


def _pair(values: list[int]) -> tuple[int, int]:
    rows, columns = values
    return rows, columns


def refusal(node: NodeProto, why: str) -> ModelError:
    """Make the error that names a node which cannot be translated."""
    return ModelError(f"node {node.name or node.output[0]!r} ({node.op_type}): {why}")


_Translator = Callable[[_Reader, NodeProto, str, tuple[str, ...]], list[Layer]]

_NOTHING = {"Dropout", "Identity"}
"""Ops that do nothing when nobody trains."""

_TRANSLATORS: dict[str, _Translator] = {
    "Conv": _convolution,
    "MaxPool": _max_pooling,
    "BatchNormalization": _batch_norm,
    "PRelu": _prelu,
    "Relu": _relu,
    "Add": _shifted(1),
    "Sub": _shifted(-1),
    "Mul": _product,
    "Resize": _upsample,
    "Flatten": _flatten,
    "Gemm": _dense,
}
