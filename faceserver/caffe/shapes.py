"""The shapes of a network's blobs, as Caffe computes them."""

from collections.abc import Callable, Sequence
from math import prod

from faceserver.caffe.caffe_pb2 import (
    ConvolutionParameter,
    LayerParameter,
    NetParameter,
    PoolingParameter,
)
from faceserver.errors import ModelError

Shape = tuple[int, ...]
"""A blob's axes: batch, channels, rows, columns; or batch and values."""

Pair = tuple[int, int]
"""One number for rows, one for columns."""


def infer_shapes(net: NetParameter) -> dict[str, Shape]:
    """Compute every blob's shape, from the shapes of the Input layers on.

    Raises:
        ModelError: a layer's type is not known, a blob that it reads is missing, or the shapes of
            its blobs do not fit it.
    """
    shapes: dict[str, Shape] = {}
    for layer in net.layer:
        missing = [name for name in layer.bottom if name not in shapes]
        if missing:
            raise ModelError(f"layer {layer.name!r} reads {missing[0]!r}, which no layer makes")
        shape = output_shape(layer, [shapes[name] for name in layer.bottom])
        shapes.update(dict.fromkeys(layer.top, shape))
    return shapes


def output_shape(layer: LayerParameter, bottoms: Sequence[Shape]) -> Shape:
    """Compute the shape of what a layer makes from blobs of the given shapes.

    Raises:
        ModelError: the layer's type is not known, or the shapes do not fit it.
    """
    rule = _RULES.get(layer.type)
    if rule is None:
        raise ModelError(f"layer {layer.name!r} has the unknown type {layer.type!r}")
    shape = rule(layer, bottoms)
    if min(shape) < 1:
        raise ModelError(f"layer {layer.name!r} cannot make {shape} from {list(bottoms)}")
    return shape


def convolution_window(param: ConvolutionParameter) -> tuple[Pair, Pair, Pair]:
    """Return a convolution's kernel, stride and padding."""
    kernel = _pair(param.kernel_size, param.kernel_h, param.kernel_w)
    stride = _pair(param.stride or [1], param.stride_h, param.stride_w)
    return kernel, stride, _pair(param.pad or [0], param.pad_h, param.pad_w)


def pooling_window(param: PoolingParameter, bottom: Shape) -> tuple[Pair, Pair, Pair]:
    """Return a pooling's kernel, stride and padding over a blob of the given shape."""
    if param.global_pooling:
        return (bottom[2], bottom[3]), (1, 1), (0, 0)
    kernel = _pair([param.kernel_size], param.kernel_h, param.kernel_w)
    stride = _pair([param.stride], param.stride_h, param.stride_w)
    return kernel, stride, _pair([param.pad], param.pad_h, param.pad_w)


def pooled_size(size: int, kernel: int, stride: int, pad: int) -> int:
    """Compute how many windows Caffe's pooling fits into one axis: it rounds up.

    Source: PoolingLayer::Reshape of Caffe 1.0. With padding, a last window that would lie in the
    padding alone is dropped.
    """
    pooled = -(-(size + 2 * pad - kernel) // stride) + 1
    if pad and (pooled - 1) * stride >= size + pad:
        pooled -= 1
    return pooled


def _pair(values: Sequence[int], rows: int, columns: int) -> Pair:
    if rows or columns:
        return rows, columns
    return values[0], values[-1]


def _input(layer: LayerParameter, _bottoms: Sequence[Shape]) -> Shape:
    if not layer.input_param.shape:
        raise ModelError(f"layer {layer.name!r} gives no shape")
    return tuple(layer.input_param.shape[0].dim)


def _convolution(layer: LayerParameter, bottoms: Sequence[Shape]) -> Shape:
    param = layer.convolution_param
    batch, channels, *sizes = _four_axes(layer, bottoms)
    if channels % param.group or param.num_output % param.group:
        raise ModelError(
            f"layer {layer.name!r} cannot split {channels} channels into {param.group} groups"
        )
    if any(step != 1 for step in param.dilation):
        raise ModelError(f"layer {layer.name!r}: dilation is not supported")
    kernel, stride, pad = convolution_window(param)
    rows, columns = (
        (size + 2 * p - k) // s + 1
        for size, k, s, p in zip(sizes, kernel, stride, pad, strict=True)
    )
    return batch, param.num_output, rows, columns


def _pooling(layer: LayerParameter, bottoms: Sequence[Shape]) -> Shape:
    bottom = batch, channels, *sizes = _four_axes(layer, bottoms)
    kernel, stride, pad = pooling_window(layer.pooling_param, bottom)
    rows, columns = map(pooled_size, sizes, kernel, stride, pad)
    return batch, channels, rows, columns


def _inner_product(layer: LayerParameter, bottoms: Sequence[Shape]) -> Shape:
    return bottoms[0][0], layer.inner_product_param.num_output


def _flatten(_layer: LayerParameter, bottoms: Sequence[Shape]) -> Shape:
    return bottoms[0][0], prod(bottoms[0][1:])


def _concat(layer: LayerParameter, bottoms: Sequence[Shape]) -> Shape:
    axis = layer.concat_param.axis
    rests = {shape[:axis] + shape[axis + 1 :] for shape in bottoms}
    if len(rests) != 1:
        raise ModelError(f"layer {layer.name!r} cannot join {list(bottoms)}")
    first = bottoms[0]
    return *first[:axis], sum(shape[axis] for shape in bottoms), *first[axis + 1 :]


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
    "Pooling": _pooling,
    "InnerProduct": _inner_product,
    "Flatten": _flatten,
    "Concat": _concat,
    "Eltwise": _same,
    "ReLU": _same,
    "PReLU": _same,
    "Softmax": _same,
    "Dropout": _same,
    "BatchNorm": _same,
    "Scale": _same,
}
