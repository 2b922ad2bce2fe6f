"""Windows of convolutions and poolings, from how TensorFlow pads to how Caffe does."""

from collections.abc import Sequence

import numpy as np

from faceserver.conversion.caffe.caffe_pb2 import ConvolutionParameter, PoolingParameter
from faceserver.conversion.caffe.shapes import Pair, pooled_size
from faceserver.conversion.graph.layers import Padding, Pooling
from faceserver.errors import ModelError
from faceserver.types import Floats


def convolution_pads(padding: Padding, given: Pair, size: int, kernel: int, stride: int) -> Pair:
    """Compute the padding before and after one axis, on top of what is given already."""
    before, after = _tensorflow_pads(padding, size + sum(given), kernel, stride)
    return given[0] + before, given[1] + after


def evened(weights: Floats, pads: Sequence[Pair]) -> Floats:
    """Widen kernels with zeros where the padding is uneven, for Caffe pads both sides alike.

    With the longer padding on both sides, every window begins that much earlier (or ends that much
    later); the zeros meet what it should not see.
    """
    widening = [(max(after - before, 0), max(before - after, 0)) for before, after in pads]
    return np.pad(weights, [(0, 0), (0, 0), *widening])


def pooling_pad(layer: Pooling, size: int, kernel: int, stride: int) -> tuple[int, int]:
    """Return the padding, and how many windows Caffe makes beyond those that are wanted."""
    before, after = _tensorflow_pads(layer.padding, size, kernel, stride)
    wanted = (size + before + after - kernel) // stride + 1
    extra = pooled_size(size, kernel, stride, before) - wanted
    # Windows that reach over the end are cut off there in both, but Caffe's average counts the
    # padding before the blob, and a window narrower than its step can lie outside altogether.
    if extra < 0 or kernel < stride or (before and layer.method == "average"):
        raise ModelError(
            f"{layer.name!r} pools {size} values by {kernel} in steps of {stride} with padding "
            f"{layer.padding}, which Caffe's pooling cannot"
        )
    return before, extra


def _tensorflow_pads(padding: Padding, size: int, kernel: int, stride: int) -> Pair:
    """Compute what TensorFlow adds before and after one axis; SAME puts the odd one after."""
    if padding == "VALID":
        return 0, 0
    windows = -(-size // stride)
    total = max((windows - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def set_window(
    param: ConvolutionParameter | PoolingParameter, kernel: Pair, stride: Pair, pad: Pair
) -> None:
    """Write a window's size, step and padding, as briefly as the format allows."""
    _set_pair(param, "kernel", "kernel_size", kernel)
    if stride != (1, 1):
        _set_pair(param, "stride", "stride", stride)
    if pad != (0, 0):
        _set_pair(param, "pad", "pad", pad)


def _set_pair(
    param: ConvolutionParameter | PoolingParameter, axis_name: str, name: str, pair: Pair
) -> None:
    rows, columns = pair
    if rows != columns:
        setattr(param, f"{axis_name}_h", rows)
        setattr(param, f"{axis_name}_w", columns)
    elif isinstance(param, ConvolutionParameter):
        getattr(param, name).append(rows)
    else:
        setattr(param, name, rows)
