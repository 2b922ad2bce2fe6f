"""Turns single TensorFlow ops (channels last) into layers (channels first)."""

from collections.abc import Callable
from typing import Literal

import numpy as np

from faceserver.conversion.graph.layers import (
    Affine,
    BatchNorm,
    Bias,
    Concat,
    Convolution,
    Dense,
    Flatten,
    GlobalAverage,
    Layer,
    Pad,
    Padding,
    Pooling,
    Relu,
    Scale,
    Sum,
)
from faceserver.conversion.graph.unsupported import Unsupported
from faceserver.conversion.readers.graphdef import Array
from faceserver.conversion.readers.graphdef_pb2 import NodeDef
from faceserver.types import Floats

Translator = Callable[[NodeDef, str, tuple[str, ...], list[Array]], Layer]
"""From a node, the layer's name, the blobs that it reads and its constant inputs."""


def _convolution(node: NodeDef, name: str, data: tuple[str, ...], constants: list[Array]) -> Layer:
    if any(dilation != 1 for dilation in node.attr["dilations"].list.i):
        raise Unsupported("dilation is not supported")
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
    if node.attr["transpose_a"].b:
        raise Unsupported("a product with a transposed blob is not supported")
    (weights,) = _floats(constants, 1)
    return Dense(
        name, data, weights=weights.T if node.attr["transpose_b"].b else weights, bias=None
    )


def _bias(node: NodeDef, name: str, data: tuple[str, ...], constants: list[Array]) -> Layer:
    _require_channels_last(node)
    (values,) = _floats(constants, 1)
    return Bias(name, data, values=values)


def _batch_norm(node: NodeDef, name: str, data: tuple[str, ...], constants: list[Array]) -> Layer:
    _require_channels_last(node)
    if node.attr["is_training"].b:
        raise Unsupported("it is in training mode")
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


def _scale(node: NodeDef, name: str, data: tuple[str, ...], constants: list[Array]) -> Layer:
    if len(data) != 1 or len(constants) != 1:
        raise Unsupported("only a product with a constant is supported")
    factor = 1 / constants[0] if node.op == "RealDiv" else constants[0]
    if factor.size == 1:
        return Scale(name, data, factor=float(factor.reshape(())))
    return Affine(name, data, scale=_along_channels(factor), offset=np.zeros(1, np.float32))


def _sum(_node: NodeDef, name: str, data: tuple[str, ...], constants: list[Array]) -> Layer:
    if len(data) == 2 and not constants:
        return Sum(name, data)
    if len(data) != 1 or len(constants) != 1:
        raise Unsupported("only a sum of two blobs, or of one and a constant, is supported")
    one = np.ones(1, np.float32)
    return Affine(name, data, scale=one, offset=_along_channels(constants[0]))


def _less(_node: NodeDef, name: str, data: tuple[str, ...], constants: list[Array]) -> Layer:
    if len(data) != 1 or len(constants) != 1:
        raise Unsupported("only a difference to a constant is supported")
    one = np.ones(1, np.float32)
    return Affine(name, data, scale=one, offset=_along_channels(-constants[0]))


def _concat(_node: NodeDef, name: str, data: tuple[str, ...], constants: list[Array]) -> Layer:
    if len(constants) != 1 or int(constants[0].reshape(())) not in (3, -1):
        raise Unsupported("only joining along the channels is supported")
    return Concat(name, data)


def _relu(_node: NodeDef, name: str, data: tuple[str, ...], _constants: list[Array]) -> Layer:
    return Relu(name, data)


def _reshape(_node: NodeDef, name: str, data: tuple[str, ...], constants: list[Array]) -> Layer:
    sizes = constants[0].tolist() if len(constants) == 1 else []
    longer = [size for size in sizes[1:] if size != 1]
    if not sizes or sizes[0] not in (1, -1) or len(longer) > 1:
        raise Unsupported(f"only a reshape to one row of values is supported, not to {sizes}")
    size = longer[0] if longer else 1
    return Flatten(name, data, size=None if size == -1 else size)


def _squeeze(node: NodeDef, name: str, data: tuple[str, ...], _constants: list[Array]) -> Layer:
    axes = sorted(node.attr["squeeze_dims"].list.i)
    if axes != [1, 2]:
        raise Unsupported(f"only rows and columns may be squeezed, not the axes {axes}")
    return Flatten(name, data, size=None)


def _mean(node: NodeDef, name: str, data: tuple[str, ...], constants: list[Array]) -> Layer:
    axes = sorted(axis % 4 for axis in constants[0].reshape(-1).tolist()) if constants else []
    if axes != [1, 2]:
        raise Unsupported(f"only a mean over rows and columns is supported, not over {axes}")
    return GlobalAverage(name, data, keeps_axes=node.attr["keep_dims"].b)


def _pad(_node: NodeDef, name: str, data: tuple[str, ...], constants: list[Array]) -> Layer:
    pads = constants[0].tolist() if constants else []
    if len(pads) != 4 or any(pads[0] + pads[3]) or any(map(np.any, constants[1:])):
        raise Unsupported("only zeros around rows and columns are supported")
    return Pad(name, data, rows=tuple(pads[1]), columns=tuple(pads[2]))


def _along_channels(array: Array) -> Floats:
    """Return one value for each channel, or one for all."""
    if array.ndim > 1 and any(size != 1 for size in array.shape[:-1]):
        raise Unsupported(f"a constant of the shape {list(array.shape)} is not supported")
    return np.asarray(array.reshape(-1), np.float32)


def _floats(constants: list[Array], count: int) -> list[Floats]:
    if len(constants) != count:
        raise Unsupported(f"needs {count} constant inputs, not {len(constants)}")
    return [np.asarray(array, np.float32) for array in constants]


def _spatial(node: NodeDef, attribute: str) -> tuple[int, int]:
    _require_channels_last(node)
    values = list(node.attr[attribute].list.i)
    if len(values) != 4 or values[0] != 1 or values[3] != 1:
        raise Unsupported(f"{attribute} {values} is not supported")
    return values[1], values[2]


def _padding(node: NodeDef) -> Padding:
    padding = node.attr["padding"].s.decode()
    if padding == "SAME":
        return "SAME"
    if padding == "VALID":
        return "VALID"
    raise Unsupported(f"padding {padding!r} is not supported")


def _require_channels_last(node: NodeDef) -> None:
    if node.attr["data_format"].s not in (b"", b"NHWC"):
        raise Unsupported("only the data format NHWC is supported")


TRANSLATORS: dict[str, Translator] = {
    "Conv2D": _convolution,
    "BiasAdd": _bias,
    "FusedBatchNorm": _batch_norm,
    "FusedBatchNormV2": _batch_norm,
    "FusedBatchNormV3": _batch_norm,
    "Relu": _relu,
    "MaxPool": _pooling,
    "AvgPool": _pooling,
    "ConcatV2": _concat,
    "Concat": _concat,
    "Mul": _scale,
    "RealDiv": _scale,
    "Sub": _less,
    "Mean": _mean,
    "Pad": _pad,
    "PadV2": _pad,
    "Squeeze": _squeeze,
    "AddN": _sum,
    "Add": _sum,
    "AddV2": _sum,
    "Reshape": _reshape,
    "MatMul": _matrix_product,
}
