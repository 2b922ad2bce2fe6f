"""The shapes of layers that cut blobs up, move their axes or make more of them."""

from collections.abc import Sequence
from itertools import pairwise
from math import prod

from faceserver.conversion.caffe.caffe_pb2 import LayerParameter, PriorBoxParameter
from faceserver.errors import ModelError

Shape = tuple[int, ...]


def slice_ranges(layer: LayerParameter, bottom: Shape) -> tuple[int, list[tuple[int, int]]]:
    """Return the axis that a Slice layer cuts, and where each of its parts begins and ends.

    Raises:
        ModelError: the parts do not fit the blob.
    """
    param = layer.slice_param
    axis = param.slice_dim if param.HasField("slice_dim") else param.axis
    axis = axis % len(bottom)
    count, length = len(layer.top), bottom[axis]
    points = list(param.slice_point)
    if not points and length % count == 0:
        points = [length // count * part for part in range(1, count)]
    edges = [0, *points, length]
    if len(edges) != count + 1 or any(a >= b for a, b in pairwise(edges)):
        raise ModelError(f"layer {layer.name!r} cannot cut {bottom} into {count} parts at {points}")
    return axis, list(pairwise(edges))


def reshape_dims(layer: LayerParameter, bottom: Shape) -> list[int]:
    """Return the new shape of a Reshape layer: 0 copies an axis, -1 takes what is left.

    Raises:
        ModelError: it does not touch the axes from the batch on.
    """
    param = layer.reshape_param
    start, count = param.axis % (len(bottom) + 1), param.num_axes
    end = len(bottom) if count == -1 else start + count
    dims = [0] * start + list(param.shape.dim)
    rest = bottom[end:]
    if rest and start == 0 and len(dims) != end and 0 in dims[end:]:
        raise ModelError(f"layer {layer.name!r} copies axes that it moves")
    return dims + list(rest)


def reshaped(layer: LayerParameter, bottoms: Sequence[Shape]) -> Shape:
    """Compute the shape of a Reshape layer's blob.

    Raises:
        ModelError: it has another number of values.
    """
    bottom = bottoms[0]
    dims = [
        bottom[place] if size == 0 else size
        for place, size in enumerate(reshape_dims(layer, bottom))
    ]
    if dims.count(-1) == 1:
        known = prod(size for size in dims if size != -1)
        dims[dims.index(-1)] = prod(bottom) // max(known, 1)
    if prod(dims) != prod(bottom):
        raise ModelError(f"layer {layer.name!r} cannot make {tuple(dims)} of {bottom}")
    return tuple(dims)


def permuted(layer: LayerParameter, bottoms: Sequence[Shape]) -> Shape:
    """Compute the shape of a Permute layer's blob."""
    order = permute_order(layer, len(bottoms[0]))
    return tuple(bottoms[0][axis] for axis in order)


def permute_order(layer: LayerParameter, count: int) -> list[int]:
    """Return all axes in their new order; those that are not named keep theirs.

    Raises:
        ModelError: an axis is named twice, or the blob lacks it.
    """
    order = [int(axis) for axis in layer.permute_param.order]
    order += [axis for axis in range(count) if axis not in order]
    if sorted(order) != list(range(count)):
        raise ModelError(f"layer {layer.name!r} cannot order {count} axes as {order}")
    return order


def tiled(layer: LayerParameter, bottoms: Sequence[Shape]) -> Shape:
    """Compute the shape of a Tile layer's blob."""
    axis = layer.tile_param.axis % len(bottoms[0])
    shape = list(bottoms[0])
    shape[axis] *= layer.tile_param.tiles
    return tuple(shape)


def interpolated(layer: LayerParameter, bottoms: Sequence[Shape]) -> Shape:
    """Compute the shape of an Interp layer's blob, as the layer of DeepLab and PSPNet does."""
    param = layer.interp_param
    batch, channels, *sizes = bottoms[0]
    if param.height and param.width:
        return batch, channels, param.height, param.width
    padded = [size + param.pad_beg + param.pad_end for size in sizes]
    shrunk = [(size - 1) // param.shrink_factor + 1 for size in padded]
    zoom = param.zoom_factor - 1
    rows, columns = (size + (size - 1) * zoom for size in shrunk)
    return batch, channels, rows, columns


def upsampled(layer: LayerParameter, bottoms: Sequence[Shape]) -> Shape:
    """Compute the shape of an Upsample layer's blob."""
    batch, channels, rows, columns = bottoms[0]
    scale = layer.upsample_param.scale
    return batch, channels, rows * scale, columns * scale


def prior_ratios(param: PriorBoxParameter) -> list[float]:
    """Return the ratios of width to height that a PriorBox layer makes boxes of, 1 first."""
    ratios = [1.0]
    for ratio in param.aspect_ratio:
        if all(abs(ratio - each) > 1e-6 for each in ratios):
            ratios += [ratio, 1 / ratio] if param.flip else [ratio]
    return ratios


def prior_boxes(layer: LayerParameter, bottoms: Sequence[Shape]) -> Shape:
    """Compute the shape of a PriorBox layer's blob: boxes, then their variances."""
    param = layer.prior_box_param
    each = len(param.min_size) * len(prior_ratios(param)) + len(param.max_size)
    rows, columns = bottoms[0][2:]
    return 1, 2, rows * columns * each * 4


def detections(_layer: LayerParameter, _bottoms: Sequence[Shape]) -> Shape:
    """Return the shape of a DetectionOutput layer's blob with one detection in it."""
    return 1, 1, 1, 7
