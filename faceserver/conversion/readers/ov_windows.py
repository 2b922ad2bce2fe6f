"""Turns ops of OpenVINO's models that look at windows of rows and columns into layers."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from faceserver.conversion.graph.layers import (
    Convolution,
    GlobalAverage,
    Pad,
    Pads,
    Pooling,
    Upsample,
)
from faceserver.conversion.graph.unsupported import Unsupported
from faceserver.conversion.readers.ov_axes import channels_first
from faceserver.conversion.readers.ov_blobs import Reader


def convolution(reader: Reader, node: Any) -> None:
    """Translate a convolution, in groups or not."""
    weights, groups = reader.constant(node, 1), 1
    if node.get_type_name() == "GroupConvolution":
        groups = len(weights)
        weights = weights.reshape(-1, *weights.shape[2:])
    blob = channels_first(reader, node)
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


def pooling(reader: Reader, node: Any) -> None:
    """Translate the largest or the average of windows."""
    blob, attributes = channels_first(reader, node), node.get_attributes()
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


def average(reader: Reader, node: Any) -> None:
    """Translate a mean over rows and columns."""
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


def pad(reader: Reader, node: Any) -> None:
    """Translate zeros around rows and columns."""
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


def interpolate(reader: Reader, node: Any) -> None:
    """Translate rows and columns that are repeated."""
    blob, attributes = channels_first(reader, node), node.get_attributes()
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


def deconvolution(reader: Reader, node: Any) -> None:
    """Translate what repeats rows and columns, as Caffe's nets and ours write it."""
    blob, weights = channels_first(reader, node), reader.constant(node, 1)
    attributes, factor = node.get_attributes(), weights.shape[-1]
    channels, *sizes = reader.shape(blob)
    repeats = weights.shape == (channels, 1, 1, factor, factor) and bool(np.all(weights == 1))
    made = tuple(node.output(0).shape)[2:]
    wanted = tuple(factor * size for size in sizes)
    if not repeats or made != wanted or set(attributes["strides"]) != {factor} or factor < 2:
        raise Unsupported("only one that repeats rows and columns is supported")
    layer = Upsample(reader.name(node), (blob.layer,), factor=factor)
    reader.set(node.output(0), reader.make(layer, "nchw"))


def _pads(attributes: dict[str, Any]) -> Pads:
    (top, left), (bottom, right) = attributes["pads_begin"], attributes["pads_end"]
    return top, bottom, left, right


def _pair(values: Sequence[int]) -> tuple[int, int]:
    if len(values) != 2:
        raise Unsupported("other than two axes are not supported")
    rows, columns = values
    return rows, columns
