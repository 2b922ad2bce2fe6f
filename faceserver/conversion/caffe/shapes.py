"""The shapes of a network's blobs, as Caffe computes them."""

from collections.abc import Callable, Sequence
from math import prod

from faceserver.conversion.caffe.caffe_pb2 import (
    LayerParameter,
    NetParameter,
)
from faceserver.conversion.caffe.moving_shapes import (
    detections,
    interpolated,
    permuted,
    prior_boxes,
    reshaped,
    slice_ranges,
    tiled,
    upsampled,
)
from faceserver.conversion.caffe.windows import (
    Pair,
    Shape,
    convolution_dilation,
    convolution_window,
    pooled_size,
    pooling_window,
    rounds_up,
)
from faceserver.errors import ModelError


def infer_shapes(net: NetParameter) -> dict[str, Shape]:
    """Compute every blob's shape, from the shapes of the Input layers on.

    Raises:
        ModelError: layers' types are not known, which names all of them; or a blob is
            missing, or the shapes of
            its blobs do not fit it.
    """
    unknown = [layer for layer in net.layer if layer.type not in (*_RULES, "Slice")]
    if unknown:
        named = "; ".join(
            f"layer {layer.name!r} has the unknown type {layer.type!r}" for layer in unknown
        )
        raise ModelError(named)
    shapes: dict[str, Shape] = {}
    for layer in net.layer:
        missing = [name for name in layer.bottom if name not in shapes]
        if missing:
            raise ModelError(f"layer {layer.name!r} reads {missing[0]!r}, which no layer makes")
        bottoms = [shapes[name] for name in layer.bottom]
        if layer.type == "Slice" and bottoms:
            axis, ranges = slice_ranges(layer, bottoms[0])
            for top, (start, end) in zip(layer.top, ranges, strict=True):
                shapes[top] = (*bottoms[0][:axis], end - start, *bottoms[0][axis + 1 :])
            continue
        shapes.update(dict.fromkeys(layer.top, output_shape(layer, bottoms)))
    return shapes


def output_shape(layer: LayerParameter, bottoms: Sequence[Shape]) -> Shape:
    """Compute the shape of what a layer makes from blobs of the given shapes.

    Raises:
        ModelError: the layer's type is not known, or the shapes do not fit it.
    """
    rule = _RULES.get(layer.type)
    if rule is None:
        raise ModelError(f"layer {layer.name!r} has the unknown type {layer.type!r}")
    fewest, most = _BOTTOMS.get(layer.type, (1, 1))
    if not fewest <= len(bottoms) <= most:
        raise ModelError(f"layer {layer.name!r} cannot read {len(bottoms)} blobs")
    shape = rule(layer, bottoms)
    if min(shape, default=1) < 1:
        raise ModelError(f"layer {layer.name!r} cannot make {shape} from {list(bottoms)}")
    return shape


def canonical_axis(layer: LayerParameter, axis: int, shape: Shape) -> int:
    """Count an axis that may be negative from the start.

    Raises:
        ModelError: the blob does not have that axis.
    """
    if not -len(shape) <= axis < len(shape):
        raise ModelError(f"layer {layer.name!r}: {shape} has no axis {axis}")
    return axis % len(shape)


def concat_axis(layer: LayerParameter, bottom: Shape) -> int:
    """Return the axis along which a Concat layer joins blobs of the given shape."""
    param = layer.concat_param
    axis = param.concat_dim if param.HasField("concat_dim") else param.axis
    return canonical_axis(layer, axis, bottom)


def scale_shape(layer: LayerParameter, bottoms: Sequence[Shape]) -> tuple[int, Shape]:
    """Return where the factors of a Scale layer begin in the blob that they scale, and their shape.

    Raises:
        ModelError: they do not fit the blob.
    """
    blob, param = bottoms[0], layer.scale_param
    start = canonical_axis(layer, param.axis, blob)
    count = len(bottoms[1]) if len(bottoms) == 2 else param.num_axes
    end = len(blob) if count == -1 else start + count
    factors = bottoms[1] if len(bottoms) == 2 else blob[start:end]
    if end > len(blob) or factors != blob[start:end]:
        raise ModelError(f"layer {layer.name!r} cannot scale {list(bottoms)} from axis {start} on")
    return start, factors


def crop_offsets(layer: LayerParameter, bottoms: Sequence[Shape]) -> tuple[int, list[int]]:
    """Return the first axis that a Crop layer crops, and where it begins in this one and the next.

    Raises:
        ModelError: they do not fit the blobs.
    """
    blob, size = bottoms
    if len(blob) != len(size):
        raise ModelError(f"layer {layer.name!r} needs blobs of as many axes, not {list(bottoms)}")
    start = canonical_axis(layer, layer.crop_param.axis, blob)
    offsets = list(layer.crop_param.offset) or [0]
    if len(offsets) == 1:
        offsets *= len(blob) - start
    if len(offsets) != len(blob) - start:
        raise ModelError(f"layer {layer.name!r} needs an offset for each axis from {start} on")
    return start, offsets


def _input(layer: LayerParameter, _bottoms: Sequence[Shape]) -> Shape:
    if not layer.input_param.shape:
        raise ModelError(f"layer {layer.name!r} gives no shape")
    return tuple(layer.input_param.shape[0].dim)


def _convolution(layer: LayerParameter, bottoms: Sequence[Shape]) -> Shape:
    param = layer.convolution_param
    batch, channels, *sizes = _four_axes(layer, bottoms)
    if not param.group or channels % param.group or param.num_output % param.group:
        raise ModelError(
            f"layer {layer.name!r} cannot split {channels} channels into {param.group} groups"
        )
    kernel, stride, pad = _checked_window(layer, convolution_window(param))
    dilation = convolution_dilation(param)
    rows, columns = (
        (size + 2 * p - (d * (k - 1) + 1)) // s + 1
        for size, k, s, p, d in zip(sizes, kernel, stride, pad, dilation, strict=True)
    )
    return batch, param.num_output, rows, columns


def _deconvolution(layer: LayerParameter, bottoms: Sequence[Shape]) -> Shape:
    batch, channels, *sizes = _four_axes(layer, bottoms)
    param = layer.convolution_param
    kernel, stride, pad = _checked_window(layer, convolution_window(param))
    if channels % param.group or param.num_output % param.group:
        raise ModelError(f"layer {layer.name!r} cannot make {param.group} groups of {channels}")
    rows, columns = (
        (size - 1) * s + k - 2 * p for size, k, s, p in zip(sizes, kernel, stride, pad, strict=True)
    )
    return batch, param.num_output, rows, columns


def _pooling(layer: LayerParameter, bottoms: Sequence[Shape]) -> Shape:
    bottom = batch, channels, *sizes = _four_axes(layer, bottoms)
    param = layer.pooling_param
    kernel, stride, pad = _checked_window(layer, pooling_window(param, bottom))
    rows, columns = (
        pooled_size(*axis, up=rounds_up(param))
        for axis in zip(sizes, kernel, stride, pad, strict=True)
    )
    return batch, channels, rows, columns


def _checked_window(
    layer: LayerParameter, window: tuple[Pair, Pair, Pair]
) -> tuple[Pair, Pair, Pair]:
    kernel, stride, _pad = window
    if min(*kernel, *stride) < 1:
        raise ModelError(f"layer {layer.name!r} has the kernel {kernel} and the stride {stride}")
    return window


def _inner_product(layer: LayerParameter, bottoms: Sequence[Shape]) -> Shape:
    param = layer.inner_product_param
    return *bottoms[0][: canonical_axis(layer, param.axis, bottoms[0])], param.num_output


def _flatten(layer: LayerParameter, bottoms: Sequence[Shape]) -> Shape:
    (shape,), param = bottoms, layer.flatten_param
    start = canonical_axis(layer, param.axis, shape)
    end = canonical_axis(layer, param.end_axis, shape) + 1
    return *shape[:start], prod(shape[start:end]), *shape[end:]


def _concat(layer: LayerParameter, bottoms: Sequence[Shape]) -> Shape:
    axis = concat_axis(layer, bottoms[0])
    rests = {shape[:axis] + shape[axis + 1 :] for shape in bottoms}
    if len(rests) != 1:
        raise ModelError(f"layer {layer.name!r} cannot join {list(bottoms)}")
    first = bottoms[0]
    return *first[:axis], sum(shape[axis] for shape in bottoms), *first[axis + 1 :]


def _scale(layer: LayerParameter, bottoms: Sequence[Shape]) -> Shape:
    scale_shape(layer, bottoms)
    return bottoms[0]


def _crop(layer: LayerParameter, bottoms: Sequence[Shape]) -> Shape:
    start, offsets = crop_offsets(layer, bottoms)
    blob, size = bottoms
    ends = [offset + length for offset, length in zip(offsets, size[start:], strict=True)]
    if any(end > length for end, length in zip(ends, blob[start:], strict=True)):
        raise ModelError(f"layer {layer.name!r} cannot crop {blob} to {size} from {offsets} on")
    return *blob[:start], *size[start:]


def _same(layer: LayerParameter, bottoms: Sequence[Shape]) -> Shape:
    if len(set(bottoms)) != 1:
        raise ModelError(f"layer {layer.name!r} needs equal shapes, not {list(bottoms)}")
    return bottoms[0]


def _four_axes(layer: LayerParameter, bottoms: Sequence[Shape]) -> Shape:
    if len(bottoms[0]) != 4:
        raise ModelError(f"layer {layer.name!r} needs four axes, not {bottoms[0]}")
    return bottoms[0]


_RULES: dict[str, Callable[[LayerParameter, Sequence[Shape]], Shape]] = {
    "Input": _input,
    "Convolution": _convolution,
    "Deconvolution": _deconvolution,
    "Pooling": _pooling,
    "InnerProduct": _inner_product,
    "Flatten": _flatten,
    "Concat": _concat,
    "Eltwise": _same,
    "ReLU": _same,
    "PReLU": _same,
    "Sigmoid": _same,
    "TanH": _same,
    "AbsVal": _same,
    "BNLL": _same,
    "ELU": _same,
    "Softmax": _same,
    "Dropout": _same,
    "BatchNorm": _same,
    "Scale": _scale,
    "Crop": _crop,
    "Power": _same,
    "Normalize": _same,
    "Split": _same,
    "ReLU6": _same,
    "Reshape": reshaped,
    "Permute": permuted,
    "Tile": tiled,
    "Interp": interpolated,
    "Upsample": upsampled,
    "PriorBox": prior_boxes,
    "DetectionOutput": detections,
}

_MANY = 1000
_BOTTOMS = {
    "Input": (0, 0),
    "Concat": (1, _MANY),
    "Eltwise": (2, _MANY),
    "Scale": (1, 2),
    "Crop": (2, 2),
    "PriorBox": (2, 2),
    "DetectionOutput": (3, 3),
}
"""How many blobs a layer reads at least and at most, where it is not one."""
