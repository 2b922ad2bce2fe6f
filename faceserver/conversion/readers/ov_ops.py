"""Turns single ops of OpenVINO's models into layers."""

from collections.abc import Callable
from typing import Any

import numpy as np

from faceserver.conversion.graph.layers import (
    Activation,
    ActivationKind,
    Affine,
    BatchNorm,
    PRelu,
    Relu,
    Scale,
    Softmax,
)
from faceserver.conversion.graph.unsupported import Unsupported
from faceserver.conversion.readers.ov_arithmetic import (
    add,
    along_channels,
    divide,
    maximum,
    minimum,
    multiply,
    negative,
    subtract,
)
from faceserver.conversion.readers.ov_axes import (
    concat_channels,
    matrix_product,
    reshape,
    slice_channels,
    split_channels,
    transpose,
)
from faceserver.conversion.readers.ov_blobs import Reader
from faceserver.conversion.readers.ov_windows import (
    average,
    convolution,
    deconvolution,
    interpolate,
    pad,
    pooling,
)

Translator = Callable[[Reader, Any], None]


def before_unit_length(output: Any) -> Any:
    """Skip what scales a network's output to unit length, in whatever ops it is written."""
    node = output.get_node()
    while node.get_type_name() in ("Broadcast", "Convert") and _keeps_shape(node):
        node = node.input_value(0).get_node()
    if node.get_type_name() == "NormalizeL2":
        return node.input_value(0)
    if node.get_type_name() not in ("Divide", "Multiply"):
        return output
    sides = node.input_values()
    for vector, length in (sides, sides[::-1]):
        if _is_length_of(vector, length):
            return vector
    return output


def _is_length_of(vector: Any, length: Any) -> bool:
    """Tell whether one number for each picture is computed of a vector and constants alone."""
    start = vector.get_node().get_instance_id()
    stack, sums = [length.get_node()], False
    while stack:
        node = stack.pop()
        kind = node.get_type_name()
        if node.get_instance_id() == start or kind == "Constant":
            continue
        if kind not in _OF_A_LENGTH:
            return False
        sums = sums or kind.startswith("Reduce")
        stack += [value.get_node() for value in node.input_values()]
    return sums


_OF_A_LENGTH = {
    "Abs", "Add", "Broadcast", "Clamp", "Concat", "Convert", "Divide", "Maximum", "Minimum",
    "Multiply",
    "Power", "ReduceL2", "ReduceSum", "Reshape", "ShapeOf", "Sqrt", "Squeeze", "Tile", "Unsqueeze",
}  # fmt: skip


def _batch_norm(reader: Reader, node: Any) -> None:
    blob = reader.blob(node, 2 if not reader.is_blob(node, 0) else 0)
    places = (0, 1, 3, 4) if not reader.is_blob(node, 0) else (1, 2, 3, 4)
    gamma, beta, mean, variance = (reader.constant(node, place) for place in places)
    if blob.axes[1:2] != "c":
        raise Unsupported("its channels are not on the second axis")
    epsilon = float(node.get_attributes()["epsilon"])
    name = reader.name(node)
    layer = BatchNorm(name, (blob.layer,), gamma, beta, mean, variance, epsilon)
    reader.set(node.output(0), reader.make(layer, blob.axes))


def _relu(reader: Reader, node: Any) -> None:
    blob = reader.blob(node)
    layer = Relu(reader.name(node), (blob.layer,))
    reader.set(node.output(0), reader.make(layer, blob.axes, blob.order))


def _prelu(reader: Reader, node: Any) -> None:
    blob, slopes = reader.blob(node), reader.constant(node, 1)
    channels = reader.shape(blob)[0]
    # As in ONNX and PyTorch, a row of slopes is one for each channel, wherever that axis is.
    values = slopes.reshape(-1) if slopes.size in (1, channels) else along_channels(blob, slopes)
    full = np.broadcast_to(values, channels).astype(np.float32)
    layer = PRelu(reader.name(node), (blob.layer,), slopes=full)
    reader.set(node.output(0), reader.make(layer, blob.axes))


def _condition(reader: Reader, node: Any) -> None:
    """Note x > 0, of which :func:`_choice` makes an activation."""
    if np.any(reader.constant(node, 1)):
        raise Unsupported("only a comparison with 0 is supported")
    reader.set(node.output(0), reader.blob(node))


def _choice(reader: Reader, node: Any) -> None:
    """Translate x where x > 0 and k * x elsewhere, which is how torch.export writes PReLU."""
    condition, kept, scaled = (reader.blob(node, index) for index in (0, 1, 2))
    layer = next(each for each in reader.layers if each.name == scaled.layer)
    is_greater = node.input_value(0).get_node().get_type_name() == "Greater"
    if not is_greater or condition != kept or layer.bottoms != (kept.layer,):
        raise Unsupported("only what makes a PReLU is supported")
    if isinstance(layer, Scale):
        slopes = np.full(1, layer.factor, np.float32)
    elif isinstance(layer, Affine) and not np.any(layer.offset):
        slopes = layer.scale
    else:
        raise Unsupported("only what makes a PReLU is supported")
    reader.layers.remove(layer)
    full = np.broadcast_to(slopes, reader.shape(kept)[0]).astype(np.float32)
    made = PRelu(reader.name(node), (kept.layer,), slopes=full)
    reader.set(node.output(0), reader.make(made, kept.axes))


def _activation(kind: ActivationKind) -> Translator:
    def translate(reader: Reader, node: Any) -> None:
        blob = reader.blob(node)
        if kind == "elu" and node.get_attributes().get("alpha", 1.0) != 1.0:
            raise Unsupported("only alpha = 1 is supported")
        if kind == "swish" and node.get_input_size() > 1 and reader.constant(node, 1) != 1:
            raise Unsupported("only beta = 1 is supported")
        layer = Activation(reader.name(node), (blob.layer,), kind=kind)
        reader.set(node.output(0), reader.make(layer, blob.axes, blob.order))

    return translate


def _clamp(reader: Reader, node: Any) -> None:
    limits = node.get_attributes()
    if (limits["min"], limits["max"]) != (0, 6):
        raise Unsupported("only limits of 0 and 6 are supported")
    _activation("relu6")(reader, node)


def _softmax(reader: Reader, node: Any) -> None:
    blob = reader.blob(node)
    if blob.axes[int(node.get_attributes()["axis"])] != "c":
        raise Unsupported("only along the channels is it supported")
    reader.set(node.output(0), reader.make(Softmax(reader.name(node), (blob.layer,)), blob.axes))


def _pass_on(reader: Reader, node: Any) -> None:
    if not _keeps_shape(node):
        raise Unsupported("only what keeps the shape is supported")
    reader.set(node.output(0), reader.blob(node))


def _keeps_shape(node: Any) -> bool:
    return tuple(node.input_value(0).shape) == tuple(node.output(0).shape)


TRANSLATORS: dict[str, Translator] = {
    "Add": add,
    "Subtract": subtract,
    "Multiply": multiply,
    "Negative": negative,
    "Divide": divide,
    "Maximum": maximum,
    "Minimum": minimum,
    "Convolution": convolution,
    "GroupConvolution": convolution,
    "GroupConvolutionBackpropData": deconvolution,
    "MaxPool": pooling,
    "AvgPool": pooling,
    "ReduceMean": average,
    "BatchNormInference": _batch_norm,
    "Relu": _relu,
    "PRelu": _prelu,
    "Greater": _condition,
    "Select": _choice,
    "Clamp": _clamp,
    "Sigmoid": _activation("sigmoid"),
    "Tanh": _activation("tanh"),
    "Abs": _activation("abs"),
    "Elu": _activation("elu"),
    "SoftPlus": _activation("softplus"),
    "Swish": _activation("swish"),
    "HSwish": _activation("hard_swish"),
    "HSigmoid": _activation("hard_sigmoid"),
    "Softmax": _softmax,
    "Concat": concat_channels,
    "Split": split_channels,
    "VariadicSplit": split_channels,
    "Slice": slice_channels,
    "StridedSlice": slice_channels,
    "Pad": pad,
    "Transpose": transpose,
    "Reshape": reshape,
    "Squeeze": reshape,
    "Unsqueeze": reshape,
    "MatMul": matrix_product,
    "Interpolate": interpolate,
    "Broadcast": _pass_on,
    "Convert": _pass_on,
    "Result": _pass_on,
}
