"""Where the windows of Caffe's layers lie, and how many there are."""

from collections.abc import Sequence

from faceserver.conversion.caffe.caffe_pb2 import ConvolutionParameter, PoolingParameter

Shape = tuple[int, ...]
"""A blob's axes: batch, channels, rows, columns; or batch and values."""

Pair = tuple[int, int]
"""One number for rows, one for columns."""


def convolution_window(param: ConvolutionParameter) -> tuple[Pair, Pair, Pair]:
    """Return a convolution's kernel, stride and padding."""
    kernel = _pair(param.kernel_size or [0], param.kernel_h, param.kernel_w)
    stride = _pair(param.stride or [1], param.stride_h, param.stride_w)
    return kernel, stride, _pair(param.pad or [0], param.pad_h, param.pad_w)


def convolution_dilation(param: ConvolutionParameter) -> Pair:
    """Return how far apart the values are that a convolution's kernel reads."""
    return _pair(param.dilation or [1], 0, 0)


def pooling_window(param: PoolingParameter, bottom: Shape) -> tuple[Pair, Pair, Pair]:
    """Return a pooling's kernel, stride and padding over a blob of the given shape."""
    if param.global_pooling:
        return (bottom[2], bottom[3]), (1, 1), (0, 0)
    kernel = _pair([param.kernel_size], param.kernel_h, param.kernel_w)
    stride = _pair([param.stride], param.stride_h, param.stride_w)
    return kernel, stride, _pair([param.pad], param.pad_h, param.pad_w)


def rounds_up(param: PoolingParameter) -> bool:
    """Tell whether a pooling's last window may reach over the edge, as it does in Caffe 1.0."""
    return param.ceil_mode and param.round_mode == PoolingParameter.CEIL


def pooled_size(size: int, kernel: int, stride: int, pad: int, *, up: bool = True) -> int:
    """Compute how many windows Caffe's pooling fits into one axis.

    Source: PoolingLayer::Reshape of Caffe 1.0, which rounds up. With padding, a last window that
    would lie in the padding alone is dropped.
    """
    steps = size + 2 * pad - kernel
    pooled = (-(-steps // stride) if up else steps // stride) + 1
    if pad and (pooled - 1) * stride >= size + pad:
        pooled -= 1
    return pooled


def _pair(values: Sequence[int], rows: int, columns: int) -> Pair:
    if rows or columns:
        return rows, columns
    return values[0], values[-1]
