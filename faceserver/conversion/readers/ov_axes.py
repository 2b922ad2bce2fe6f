"""Turns ops of OpenVINO's models that move, join or take apart axes into layers."""

from math import prod
from typing import Any

import numpy as np

from faceserver.conversion.graph.layers import Concat, Dense, Flatten, Slice
from faceserver.conversion.graph.unsupported import Unsupported
from faceserver.conversion.readers.ov_blobs import Blob, Reader


def concat_channels(reader: Reader, node: Any) -> None:
    """Translate blobs one after the other along the channels."""
    blobs = [reader.blob(node, index) for index in range(node.get_input_size())]
    axis = int(node.get_attributes()["axis"])
    if {each.axes for each in blobs} != {blobs[0].axes} or blobs[0].axes[axis] != "c":
        raise Unsupported("only joining along the channels is supported")
    layer = Concat(reader.name(node), tuple(each.layer for each in blobs))
    reader.set(node.output(0), reader.make(layer, blobs[0].axes))


def split_channels(reader: Reader, node: Any) -> None:
    """Translate channels that are dealt out."""
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


def slice_channels(reader: Reader, node: Any) -> None:
    """Translate some of the channels."""
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


def transpose(reader: Reader, node: Any) -> None:
    """Note that axes are in another order from here on; nothing is computed."""
    blob = reader.blob(node)
    order = reader.constant(node, 1).reshape(-1).tolist() or range(len(blob.axes))[::-1]
    axes = "".join(blob.axes[int(place)] for place in order)
    if axes[:1] != "n":
        raise Unsupported("the batch must stay the first axis")
    reader.set(node.output(0), Blob(blob.layer, axes, blob.order))


def reshape(reader: Reader, node: Any) -> None:
    """Translate what makes one row of values, or keeps the values where they are."""
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


def matrix_product(reader: Reader, node: Any) -> None:
    """Translate a product of a row of values with a matrix."""
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


def channels_first(reader: Reader, node: Any) -> Blob:
    """Return the blob that an op reads, whose channels come before rows and columns."""
    blob = reader.blob(node)
    if len(blob.axes) != 4 or blob.axes[:2] != "nc":
        raise Unsupported("its input has the channels on an axis that is not supported")
    return blob
