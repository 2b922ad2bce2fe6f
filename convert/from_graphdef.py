"""Turns a frozen TensorFlow graph (channels last) into a list of layers (channels first)."""

from collections.abc import Callable
from itertools import takewhile
from typing import Literal

import numpy as np

from convert.graphdef import Array, FrozenGraph, constant
from convert.graphdef_pb2 import NodeDef
from convert.layers import (
    BatchNorm,
    Bias,
    Concat,
    Convolution,
    Dense,
    Flatten,
    Input,
    Layer,
    Padding,
    Pooling,
    Relu,
    Scale,
    Sum,
)
from faceserver.errors import ModelError
from faceserver.types import Floats

INPUT_NAME = "data"

# These end a scope that is named after the layer; dropping them leaves the layer's name.
_OPS_NAMED_BY_SCOPE = ("Conv2D", "MatMul", "MaxPool", "AvgPool")


def layers_from_graph(graph: FrozenGraph) -> list[Layer]:
    """Translate the nodes that the graph's output needs, op by op, in order.

    A scaling of the output to unit length is left out: Caffe has no layer for it, and whoever uses
    an embedding normalizes it anyway.

    Raises:
        ModelError: an op is not known, or is used in a way that is not supported; the message
            names the node.
    """
    end = _before_l2_normalization(graph, graph.output())
    nodes = [node for node in graph.needed_for(end) if node.op != "Const"]
    names = _layer_names(nodes)
    return [_translate(graph, node, names) for node in nodes]


def _translate(graph: FrozenGraph, node: NodeDef, names: dict[str, str]) -> Layer:
    translate = _TRANSLATORS.get(node.op)
    if translate is None:
        raise ModelError(f"node {node.name!r} has the op {node.op!r}, which is not supported")
    sources = graph.inputs(node)
    data = tuple(names[source.name] for source in sources if source.op != "Const")
    constants = [constant(source) for source in sources if source.op == "Const"]
    try:
        return translate(node, names[node.name], data, constants)
    except _Unsupported as error:
        raise ModelError(f"node {node.name!r} ({node.op}): {error}") from error


class _Unsupported(Exception):
    """A known op is used in a way that is not supported."""


def _before_l2_normalization(graph: FrozenGraph, end: NodeDef) -> NodeDef:
    """Skip ``x * rsqrt(maximum(sum(square(x)), epsilon))`` at the graph's end."""
    if end.op != "Mul":
        return end
    node = end
    for op in ("Rsqrt", "Maximum", "Sum", "Square"):
        matching = [source for source in graph.inputs(node) if source.op == op]
        if not matching:
            return end
        node = matching[0]
    (vector,) = graph.inputs(node)
    return vector if vector in graph.inputs(end) else end


def _layer_names(nodes: list[NodeDef]) -> dict[str, str]:
    """Name layers as the graph does, without the scope that holds them all."""
    layers = [node for node in nodes if node.op != "Placeholder"]
    scopes = zip(*(node.name.split("/")[:-1] for node in layers), strict=False)
    shared = sum(1 for _ in takewhile(lambda parts: len(set(parts)) == 1, scopes))
    names = {}
    for node in nodes:
        parts = node.name.split("/")[shared:]
        if len(parts) > 1 and parts[-1] == node.op and node.op in _OPS_NAMED_BY_SCOPE:
            parts.pop()
        names[node.name] = INPUT_NAME if node.op == "Placeholder" else "/".join(parts)
        if list(names.values()).count(names[node.name]) > 1:
            raise ModelError(f"node {node.name!r} would make a second layer {names[node.name]!r}")
    return names


def _input(node: NodeDef, name: str, _data: tuple[str, ...], _constants: list[Array]) -> Layer:
    sizes = [dim.size for dim in node.attr["shape"].shape.dim]
    if len(sizes) != 4 or min(sizes[1:]) < 1:
        raise _Unsupported(f"needs a shape of batch, rows, columns and channels, not {sizes}")
    _batch, rows, columns, channels = sizes
    return Input(name, (), (1, channels, rows, columns))


def _convolution(node: NodeDef, name: str, data: tuple[str, ...], constants: list[Array]) -> Layer:
    if any(dilation != 1 for dilation in node.attr["dilations"].list.i):
        raise _Unsupported("dilation is not supported")
    (weights,) = _floats(constants, 1)
    return Convolution(
        name,
        data,
        weights=np.ascontiguousarray(weights.transpose(3, 2, 0, 1)),
        bias=None,
        stride=_spatial(node, "strides"),
        padding=_padding(node),
    )


def _pooling(node: NodeDef, name: str, data: tuple[str, ...], _constants: list[Array]) -> Layer:
    method: Literal["max", "average"] = "max" if node.op == "MaxPool" else "average"
    return Pooling(
        name,
        data,
        method=method,
        kernel=_spatial(node, "ksize"),
        stride=_spatial(node, "strides"),
        padding=_padding(node),
    )


def _matrix_product(
    node: NodeDef, name: str, data: tuple[str, ...], constants: list[Array]
) -> Layer:
    if node.attr["transpose_a"].b or node.attr["transpose_b"].b:
        raise _Unsupported("a transposed product is not supported")
    (weights,) = _floats(constants, 1)
    return Dense(name, data, weights=weights, bias=None)


def _bias(node: NodeDef, name: str, data: tuple[str, ...], constants: list[Array]) -> Layer:
    _require_channels_last(node)
    (values,) = _floats(constants, 1)
    return Bias(name, data, values=values)


def _batch_norm(node: NodeDef, name: str, data: tuple[str, ...], constants: list[Array]) -> Layer:
    _require_channels_last(node)
    if node.attr["is_training"].b:
        raise _Unsupported("it is in training mode")
    gamma, beta, mean, variance = _floats(constants, 4)
    return BatchNorm(
        name,
        data,
        gamma=gamma,
        beta=beta,
        mean=mean,
        variance=variance,
        epsilon=node.attr["epsilon"].f,
    )


def _scale(_node: NodeDef, name: str, data: tuple[str, ...], constants: list[Array]) -> Layer:
    if len(data) != 1 or len(constants) != 1 or constants[0].size != 1:
        raise _Unsupported("only a product with one constant number is supported")
    return Scale(name, data, factor=float(constants[0].reshape(())))


def _sum(_node: NodeDef, name: str, data: tuple[str, ...], constants: list[Array]) -> Layer:
    if len(data) != 2 or constants:
        raise _Unsupported("only a sum of two blobs is supported")
    return Sum(name, data)


def _concat(_node: NodeDef, name: str, data: tuple[str, ...], constants: list[Array]) -> Layer:
    if len(constants) != 1 or int(constants[0].reshape(())) not in (3, -1):
        raise _Unsupported("only joining along the channels is supported")
    return Concat(name, data)


def _relu(_node: NodeDef, name: str, data: tuple[str, ...], _constants: list[Array]) -> Layer:
    return Relu(name, data)


def _reshape(_node: NodeDef, name: str, data: tuple[str, ...], constants: list[Array]) -> Layer:
    sizes = constants[0].tolist() if len(constants) == 1 else []
    longer = [size for size in sizes[1:] if size != 1]
    if not sizes or sizes[0] not in (1, -1) or len(longer) > 1:
        raise _Unsupported(f"only a reshape to one row of values is supported, not to {sizes}")
    size = longer[0] if longer else 1
    return Flatten(name, data, size=None if size == -1 else size)


def _floats(constants: list[Array], count: int) -> list[Floats]:
    if len(constants) != count:
        raise _Unsupported(f"needs {count} constant inputs, not {len(constants)}")
    return [np.asarray(array, np.float32) for array in constants]


def _spatial(node: NodeDef, attribute: str) -> tuple[int, int]:
    _require_channels_last(node)
    values = list(node.attr[attribute].list.i)
    if len(values) != 4 or values[0] != 1 or values[3] != 1:
        raise _Unsupported(f"{attribute} {values} is not supported")
    return values[1], values[2]


def _padding(node: NodeDef) -> Padding:
    padding = node.attr["padding"].s.decode()
    if padding == "SAME":
        return "SAME"
    if padding == "VALID":
        return "VALID"
    raise _Unsupported(f"padding {padding!r} is not supported")


def _require_channels_last(node: NodeDef) -> None:
    if node.attr["data_format"].s not in (b"", b"NHWC"):
        raise _Unsupported("only the data format NHWC is supported")


_Translator = Callable[[NodeDef, str, tuple[str, ...], list[Array]], Layer]

_TRANSLATORS: dict[str, _Translator] = {
    "Placeholder": _input,
    "Conv2D": _convolution,
    "BiasAdd": _bias,
    "FusedBatchNorm": _batch_norm,
    "Relu": _relu,
    "MaxPool": _pooling,
    "AvgPool": _pooling,
    "ConcatV2": _concat,
    "Mul": _scale,
    "Add": _sum,
    "AddV2": _sum,
    "Reshape": _reshape,
    "MatMul": _matrix_product,
}
