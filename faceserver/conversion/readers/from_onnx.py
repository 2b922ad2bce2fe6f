"""Turns an ONNX file that was exported from TensorFlow into a list of layers."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
from google.protobuf.message import DecodeError
from onnx import ModelProto, NodeProto, helper, numpy_helper

from faceserver.conversion.graph.layers import (
    Bias,
    Convolution,
    Dense,
    Flatten,
    Input,
    Layer,
    Padding,
    Pooling,
    PRelu,
    Softmax,
)
from faceserver.errors import ModelError
from faceserver.types import Floats

INPUT_NAME = "data"

_TO_CHANNELS_FIRST, _TO_CHANNELS_LAST = [0, 3, 1, 2], [0, 2, 3, 1]


def layers_from_onnx(path: Path, shape: tuple[int, int, int, int]) -> list[Layer]:
    """Translate the nodes, op by op, in the file's order.

    Args:
        path: the file. Its input has the channels last, and Transpose nodes move them.
        shape: the input's batch, channels, rows and columns; files may leave some of them open.

    Returns:
        The layers, named as the nodes are.

    Raises:
        ModelError: the file cannot be read, or an op is not known or is used in a way that is not
            supported; the message names the node.
    """
    try:
        model = onnx.load(path)
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}") from error
    except DecodeError as error:
        raise ModelError(f"{path} is truncated or no ONNX file") from error
    if len(model.graph.input) != 1:
        raise ModelError(f"{path} must have one input, not {len(model.graph.input)}")
    return _Reader(model).read(shape)


class _Reader:
    def __init__(self, model: ModelProto) -> None:
        self._graph = model.graph
        self._constants: dict[str, Floats] = {
            tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer
        }
        self._layers: dict[str, str] = {}  # the layer that makes a tensor
        self._channels_last: set[str] = set()  # tensors of four axes, the channels last

    def read(self, shape: tuple[int, int, int, int]) -> list[Layer]:
        (given,) = self._graph.input
        self._layers[given.name] = INPUT_NAME
        self._channels_last.add(given.name)
        layers: list[Layer] = [Input(INPUT_NAME, (), shape)]
        for node in self._graph.node:
            if node.op_type == "Transpose":
                self._transpose(node)
            else:
                layers.append(self._translate(node))
        return layers

    def _transpose(self, node: NodeProto) -> None:
        """Note where the channels are; no layer is needed, for all see the channels first."""
        source, target = node.input[0], node.output[0]
        was_last = source in self._channels_last
        perm = _attributes(node).get("perm")
        if perm != (_TO_CHANNELS_FIRST if was_last else _TO_CHANNELS_LAST):
            raise _refusal(node, f"a transposition by {perm} is not supported")
        if not was_last:
            self._channels_last.add(target)
        self._layers[target] = self._layers[source]

    def _translate(self, node: NodeProto) -> Layer:
        translate = _TRANSLATORS.get(node.op_type)
        if translate is None:
            raise _refusal(node, "this op is not supported")
        wants_last = node.op_type == "Flatten" or _attributes(node).get("axis") == 3
        if wants_last != (node.input[0] in self._channels_last):
            raise _refusal(node, "its input has the channels on an axis that is not supported")
        bottoms = tuple(self._layers[name] for name in node.input if name in self._layers)
        constants = [self._constants[name] for name in node.input if name in self._constants]
        self._layers[node.output[0]] = node.name
        return translate(node, bottoms, constants)


def _convolution(node: NodeProto, bottoms: tuple[str, ...], constants: list[Floats]) -> Layer:
    attributes = _attributes(node)
    if attributes.get("group", 1) != 1 or set(attributes.get("dilations", [1])) != {1}:
        raise _refusal(node, "groups and dilation are not supported")
    weights, *bias = constants
    return Convolution(
        node.name,
        bottoms,
        weights=weights,
        bias=bias[0] if bias else None,
        stride=_pair(node, "strides"),
        padding=_padding(node),
    )


def _max_pooling(node: NodeProto, bottoms: tuple[str, ...], _constants: list[Floats]) -> Layer:
    return Pooling(
        node.name,
        bottoms,
        method="max",
        kernel=_pair(node, "kernel_shape"),
        stride=_pair(node, "strides"),
        padding=_padding(node),
    )


def _prelu(node: NodeProto, bottoms: tuple[str, ...], constants: list[Floats]) -> Layer:
    (slopes,) = constants
    if slopes.ndim > 1 and slopes.size != slopes.shape[-3]:
        raise _refusal(node, f"slopes of shape {slopes.shape} are not one for each channel")
    return PRelu(node.name, bottoms, slopes=slopes.reshape(-1))


def _flatten(node: NodeProto, bottoms: tuple[str, ...], _constants: list[Floats]) -> Layer:
    return Flatten(node.name, bottoms, size=None)


def _matrix_product(node: NodeProto, bottoms: tuple[str, ...], constants: list[Floats]) -> Layer:
    if len(constants) != 1 or len(bottoms) != 1:
        raise _refusal(node, "only a product with one constant matrix is supported")
    return Dense(node.name, bottoms, weights=constants[0], bias=None)


def _bias(node: NodeProto, bottoms: tuple[str, ...], constants: list[Floats]) -> Layer:
    if len(constants) != 1 or len(bottoms) != 1:
        raise _refusal(node, "only a sum with one constant row is supported")
    return Bias(node.name, bottoms, values=constants[0].reshape(-1))


def _softmax(node: NodeProto, bottoms: tuple[str, ...], _constants: list[Floats]) -> Layer:
    return Softmax(node.name, bottoms)


def _attributes(node: NodeProto) -> dict[str, Any]:
    return {item.name: helper.get_attribute_value(item) for item in node.attribute}


def _pair(node: NodeProto, attribute: str) -> tuple[int, int]:
    rows, columns = _attributes(node)[attribute]
    return rows, columns


def _padding(node: NodeProto) -> Padding:
    padding = _attributes(node).get("auto_pad", b"NOTSET")
    if padding == b"SAME_UPPER":
        return "SAME"
    if padding == b"VALID":
        return "VALID"
    raise _refusal(node, f"the padding {padding.decode()} is not supported")


def _refusal(node: NodeProto, why: str) -> ModelError:
    return ModelError(f"node {node.name!r} ({node.op_type}): {why}")


_Translator = Callable[[NodeProto, tuple[str, ...], list[Floats]], Layer]

_TRANSLATORS: dict[str, _Translator] = {
    "Conv": _convolution,
    "MaxPool": _max_pooling,
    "PRelu": _prelu,
    "Flatten": _flatten,
    "MatMul": _matrix_product,
    "Add": _bias,
    "Softmax": _softmax,
}
