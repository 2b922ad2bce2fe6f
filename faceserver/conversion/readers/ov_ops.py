"""Turns single ops of OpenVINO's models into layers."""

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np

from faceserver.conversion.graph.layers import (
    Activation,
    ActivationKind,
    Affine,
    BatchNorm,
    Concat,
    Convolution,
    Dense,
    Flatten,
    GlobalAverage,
    Pad,
    Pads,
    Pooling,
    PRelu,
    Relu,
    Scale,
    Slice,
    Softmax,
    Upsample,
)
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
from faceserver.conversion.readers.ov_blobs import Blob, Reader
from faceserver.conversion.readers.unsupported import Unsupported

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


def _convolution(reader: Reader, node: Any) -> None:
    weights, groups = reader.constant(node, 1), 1
    if node.get_type_name() == "GroupConvolution":
        groups = len(weights)
        weights = weights.reshape(-1, *weights.shape[2:])
    blob = _channels_first(reader, node)
    attributes = node.get_attributes()
    if set(attributes["dilations"]) != {1} or weights.ndim != 4:
        raise Unsupported("dilation, and other than two axes, are not supported")
    layer = Convolution(
        reader.name(node),
        (blob.layer,),
        weights=weights,
        bias=None,
        stride=_pair(attributes["strides"]),
        padding=_pads(attributes),
        groups=groups,
    )
    reader.set(node.output(0), reader.make(layer, "nchw"))


def _pooling(reader: Reader, node: Any) -> None:
    blob, attributes = _channels_first(reader, node), node.get_attributes()
    is_max = node.get_type_name() == "MaxPool"
    if set(attributes.get("dilations", [1])) != {1}:
        raise Unsupported("dilation is not supported")
    kernel, stride = _pair(attributes["kernel"]), _pair(attributes["strides"])
    _channels, *sizes = reader.shape(blob)
    pads = _pads(attributes)
    *_, rows, columns = node.output(0).shape
    # Where the number of windows is rounded up, the last ones reach beyond the padding.
    top, bottom, left, right = pads
    needed = (
        (rows - 1) * stride[0] + kernel[0] - sizes[0] - top,
        (columns - 1) * stride[1] + kernel[1] - sizes[1] - left,
    )
    counts = not is_max and not attributes["exclude-pad"] and any(pads)
    if counts and (needed[0] > bottom or needed[1] > right):
        raise Unsupported("an average that counts padding cannot round up")
    layer = Pooling(
        reader.name(node),
        (blob.layer,),
        method="max" if is_max else "average",
        kernel=kernel,
        stride=stride,
        padding=(top, max(bottom, needed[0]), left, max(right, needed[1])),
        counts_padding=counts,
    )
    reader.set(node.output(0), reader.make(layer, "nchw"))


def _mean(reader: Reader, node: Any) -> None:
    blob = reader.blob(node)
    axes = [int(axis) % len(blob.axes) for axis in reader.constant(node, 1).reshape(-1)]
    over = {blob.axes[axis] for axis in axes}
    _channels, rows, columns = reader.shape(blob)
    if (
        over & {"n", "c", "v"}
        or ("h" not in over and rows > 1)
        or ("w" not in over and columns > 1)
    ):
        raise Unsupported("only a mean over rows and columns is supported")
    keeps = bool(node.get_attributes()["keep_dims"])
    rest = "".join(
        ("_" if keeps else "") if place in axes else axis for place, axis in enumerate(blob.axes)
    )
    layer = GlobalAverage(reader.name(node), (blob.layer,), keeps_axes=len(rest) == 4)
    reader.set(node.output(0), reader.make(layer, rest))


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


def _concat(reader: Reader, node: Any) -> None:
    blobs = [reader.blob(node, index) for index in range(node.get_input_size())]
    axis = int(node.get_attributes()["axis"])
    if {each.axes for each in blobs} != {blobs[0].axes} or blobs[0].axes[axis] != "c":
        raise Unsupported("only joining along the channels is supported")
    layer = Concat(reader.name(node), tuple(each.layer for each in blobs))
    reader.set(node.output(0), reader.make(layer, blobs[0].axes))


def _split(reader: Reader, node: Any) -> None:
    blob = reader.blob(node)
    if blob.axes[int(reader.constant(node, 1))] != "c":
        raise Unsupported("only splitting the channels is supported")
    start = 0
    for index, output in enumerate(node.outputs()):
        length = output.shape[int(reader.constant(node, 1))]
        name = reader.name(node) + (f"_{index}" if index else "")
        layer = Slice(name, (blob.layer,), start=start, end=start + length)
        reader.set(output, reader.make(layer, blob.axes))
        start += length


def _slice(reader: Reader, node: Any) -> None:
    blob = reader.blob(node)
    if node.get_type_name() == "StridedSlice":
        shrinks = any(node.get_attributes()["shrink_axis_mask"])
        places = list(range(len(blob.axes)))
        steps = reader.constant(node, 3) if node.get_input_size() > 3 else np.ones(1)
        masks = node.get_attributes()["begin_mask"]
        starts = [
            0 if place < len(masks) and masks[place] else int(value)
            for place, value in enumerate(reader.constant(node, 1).reshape(-1))
        ]
    else:
        shrinks, steps = False, reader.constant(node, 3)
        axes = reader.constant(node, 4) if node.get_input_size() > 4 else np.arange(len(blob.axes))
        places = [int(axis) for axis in axes.reshape(-1)]
        starts = [int(value) for value in reader.constant(node, 1).reshape(-1)]
    before, after = node.input_value(0).shape, node.output(0).shape
    cut = [place for place in range(len(before)) if before[place] != after[place]]
    if shrinks or np.any(steps != 1) or [blob.axes[place] for place in cut] != ["c"]:
        raise Unsupported("only some of the channels, one after the other, can be taken")
    start = dict(zip(places, starts, strict=False))[cut[0]] % before[cut[0]]
    layer = Slice(reader.name(node), (blob.layer,), start=start, end=start + after[cut[0]])
    reader.set(node.output(0), reader.make(layer, blob.axes))


def _pad(reader: Reader, node: Any) -> None:
    blob = reader.blob(node)
    begins, ends = (reader.constant(node, index).reshape(-1).tolist() for index in (1, 2))
    value = reader.constant(node, 3) if node.get_input_size() > 3 else np.zeros(1)
    if node.get_attributes()["pad_mode"] != "constant" or np.any(value):
        raise Unsupported("only zeros around rows and columns are supported")
    by_axis = {axis: (begin, end) for axis, begin, end in zip(blob.axes, begins, ends, strict=True)}
    rows, columns = by_axis.pop("h", (0, 0)), by_axis.pop("w", (0, 0))
    if any(map(any, by_axis.values())):
        raise Unsupported("only zeros around rows and columns are supported")
    if not any((*rows, *columns)):
        reader.set(node.output(0), blob)
        return
    layer = Pad(reader.name(node), (blob.layer,), rows=rows, columns=columns)
    reader.set(node.output(0), reader.make(layer, blob.axes))


def _transpose(reader: Reader, node: Any) -> None:
    blob = reader.blob(node)
    order = reader.constant(node, 1).reshape(-1).tolist() or range(len(blob.axes))[::-1]
    axes = "".join(blob.axes[int(place)] for place in order)
    if axes[:1] != "n":
        raise Unsupported("the batch must stay the first axis")
    reader.set(node.output(0), Blob(blob.layer, axes, blob.order))


def _reshape(reader: Reader, node: Any) -> None:
    blob, target = reader.blob(node), tuple(node.output(0).shape)
    if target == tuple(node.input_value(0).shape):
        reader.set(node.output(0), blob)
        return
    channels, rows, columns = shape = reader.shape(blob)
    if rows * columns == 1 and prod(target) == channels:
        axes = ["_"] * len(target)
        axes[0] = "n"
        place = target.index(channels, 1) if channels > 1 else min(1, len(target) - 1)
        axes[place] = "c"
        reader.set(node.output(0), Blob(blob.layer, "".join(axes)))
        return
    if target != (1, prod(shape)) or blob.axes not in ("nchw", "nhwc"):
        raise Unsupported(f"only a reshape to one row of values is supported, not to {target}")
    layer = Flatten(reader.name(node), (blob.layer,), size=None)
    reader.set(node.output(0), reader.make(layer, "nv", blob.axes[1:]))


def _matrix_product(reader: Reader, node: Any) -> None:
    blob, weights, attributes = reader.blob(node), reader.constant(node, 1), node.get_attributes()
    if attributes["transpose_a"] or blob.axes not in ("nc", "nv") or weights.ndim != 2:
        raise Unsupported("only a product of a row of values with one matrix is supported")
    by_input = weights.T if attributes["transpose_b"] else weights
    if blob.order == "chw":  # a Dense layer has the order of TensorFlow, channels last
        channels, rows, columns = reader.shape(blob)
        apart = by_input.reshape(channels, rows, columns, -1).transpose(1, 2, 0, 3)
        by_input = apart.reshape(len(by_input), -1)
    layer = Dense(
        reader.name(node), (blob.layer,), weights=np.ascontiguousarray(by_input), bias=None
    )
    reader.set(node.output(0), reader.make(layer, "nc"))


def _interpolate(reader: Reader, node: Any) -> None:
    blob, attributes = _channels_first(reader, node), node.get_attributes()
    _channels, rows, columns = reader.shape(blob)
    *_, new_rows, new_columns = node.output(0).shape
    factor = new_rows // rows
    simple = attributes["mode"] == "nearest" and (new_rows, new_columns) == (
        factor * rows,
        factor * columns,
    )
    exact = attributes["coordinate_transformation_mode"] in ("asymmetric", "half_pixel")
    if not simple or not exact or factor < 2:
        raise Unsupported("only whole multiples by the nearest value are supported")
    layer = Upsample(reader.name(node), (blob.layer,), factor=factor)
    reader.set(node.output(0), reader.make(layer, "nchw"))


def _pass_on(reader: Reader, node: Any) -> None:
    if not _keeps_shape(node):
        raise Unsupported("only what keeps the shape is supported")
    reader.set(node.output(0), reader.blob(node))


def _keeps_shape(node: Any) -> bool:
    return tuple(node.input_value(0).shape) == tuple(node.output(0).shape)


def _channels_first(reader: Reader, node: Any) -> Blob:
    blob = reader.blob(node)
    if len(blob.axes) != 4 or blob.axes[:2] != "nc":
        raise Unsupported("its input has the channels on an axis that is not supported")
    return blob


def _pads(attributes: dict[str, Any]) -> Pads:
    (top, left), (bottom, right) = attributes["pads_begin"], attributes["pads_end"]
    return top, bottom, left, right


def _pair(values: Sequence[int]) -> tuple[int, int]:
    if len(values) != 2:
        raise Unsupported("other than two axes are not supported")
    rows, columns = values
    return rows, columns


TRANSLATORS: dict[str, Translator] = {
    "Add": add,
    "Subtract": subtract,
    "Multiply": multiply,
    "Negative": negative,
    "Divide": divide,
    "Maximum": maximum,
    "Minimum": minimum,
    "Convolution": _convolution,
    "GroupConvolution": _convolution,
    "MaxPool": _pooling,
    "AvgPool": _pooling,
    "ReduceMean": _mean,
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
    "Concat": _concat,
    "Split": _split,
    "VariadicSplit": _split,
    "Slice": _slice,
    "StridedSlice": _slice,
    "Pad": _pad,
    "Transpose": _transpose,
    "Reshape": _reshape,
    "Squeeze": _reshape,
    "Unsqueeze": _reshape,
    "MatMul": _matrix_product,
    "Interpolate": _interpolate,
    "Broadcast": _pass_on,
    "Convert": _pass_on,
    "Result": _pass_on,
}
