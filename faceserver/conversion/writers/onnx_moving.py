"""Writes in ONNX the layers of Caffe that cut blobs up, move their axes or make more of them."""

import numpy as np

from faceserver.conversion.caffe.caffe_pb2 import LayerParameter
from faceserver.conversion.caffe.moving_shapes import permute_order, reshape_dims, slice_ranges
from faceserver.conversion.caffe.shapes import output_shape
from faceserver.conversion.writers.onnx_graph import OnnxGraph, refusal


def slices(graph: OnnxGraph, layer: LayerParameter) -> None:
    """Write each part of a blob."""
    axis, ranges = slice_ranges(layer, graph.shape(layer.bottom[0]))
    if axis == 0:
        raise refusal(layer, "cutting the batch is not supported")
    (blob,) = graph.bottoms(layer)
    where = graph.constant(layer, "axis", np.array([axis], np.int64))
    for index, (start, end) in enumerate(ranges):
        bounds = [
            graph.constant(layer, f"{name}{index}", np.array([value], np.int64))
            for name, value in (("start", start), ("end", end))
        ]
        graph.make(layer, "Slice", [blob, *bounds, where], index=index)


def reshape(graph: OnnxGraph, layer: LayerParameter) -> None:
    """Write a new shape; the batch stays open."""
    bottom = graph.shape(layer.bottom[0])
    dims = reshape_dims(layer, bottom)
    if dims[0] not in (0, -1, bottom[0]):
        raise refusal(layer, "a new shape of the batch is not supported")
    if dims[0] != -1:
        dims[0] = 0
    sizes = graph.constant(layer, "sizes", np.array(dims, np.int64))
    graph.make(layer, "Reshape", [*graph.bottoms(layer), sizes])


def permute(graph: OnnxGraph, layer: LayerParameter) -> None:
    """Write another order of the axes."""
    order = permute_order(layer, len(graph.shape(layer.bottom[0])))
    graph.make(layer, "Transpose", graph.bottoms(layer), perm=order)


def tile(graph: OnnxGraph, layer: LayerParameter) -> None:
    """Write a blob several times one after the other."""
    count = len(graph.shape(layer.bottom[0]))
    repeats = np.ones(count, np.int64)
    repeats[layer.tile_param.axis % count] = layer.tile_param.tiles
    if repeats[0] != 1:
        raise refusal(layer, "repeating the batch is not supported")
    times = graph.constant(layer, "times", repeats)
    graph.make(layer, "Tile", [*graph.bottoms(layer), times])


def interp(graph: OnnxGraph, layer: LayerParameter) -> None:
    """Write a bilinear interpolation in which the corners keep their values."""
    param = layer.interp_param
    if param.pad_beg or param.pad_end:
        raise refusal(layer, "padding is not supported")
    shape = graph.shape(layer.bottom[0])
    *_, rows, columns = output_shape(layer, [shape])
    batch = graph.step(layer, "batch", "Shape", graph.bottoms(layer), start=0, end=2)
    size = graph.constant(layer, "size", np.array([rows, columns], np.int64))
    sizes = graph.step(layer, "sizes", "Concat", [batch, size], axis=0)
    graph.make(
        layer,
        "Resize",
        [*graph.bottoms(layer), "", "", sizes],
        mode="linear",
        coordinate_transformation_mode="align_corners",
    )


def upsample(graph: OnnxGraph, layer: LayerParameter) -> None:
    """Write each value several times in rows and columns."""
    if len(layer.bottom) != 1:
        raise refusal(layer, "undoing a pooling is not supported")
    scale = layer.upsample_param.scale
    scales = graph.constant(layer, "scales", np.array([1, 1, scale, scale], np.float32))
    graph.make(
        layer,
        "Resize",
        [*graph.bottoms(layer), "", scales],
        mode="nearest",
        coordinate_transformation_mode="asymmetric",
        nearest_mode="floor",
    )
