"""Windows of convolutions and poolings, as Caffe pads them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from faceserver.conversion.caffe.caffe_pb2 import ConvolutionParameter, PoolingParameter
from faceserver.conversion.caffe.windows import Pair, pooled_size
from faceserver.conversion.graph.layers import Pooling
from faceserver.errors import ModelError
from faceserver.types import Floats


def evened(weights: Floats, pads: Sequence[Pair]) -> Floats:
    """Widen kernels with zeros where the padding is uneven, for Caffe pads both sides alike.

    With the longer padding on both sides, every window begins that much earlier (or ends that much
    later); the zeros meet what it should not see.
    """
    widening = [(max(after - before, 0), max(before - after, 0)) for before, after in pads]
    return np.pad(weights, [(0, 0), (0, 0), *widening])


@dataclass(frozen=True)
class CaffePooling:
    """How Caffe's pooling makes what a pooling of other rules makes, along one axis.

    Attributes:
        pad: on both sides.
        extra: how many windows it makes beyond those that are wanted.
        factors: what each wanted window's average must be multiplied by, for Caffe divides by
            another number of values; empty where it never does.
    """

    pad: int
    extra: int
    factors: tuple[float, ...]


def caffe_pooling(layer: Pooling, size: int, kernel: int, stride: int, pads: Pair) -> CaffePooling:
    """Find Caffe's padding for a pooling along one axis.

    Source: PoolingLayer::Forward_cpu of Caffe 1.0. A window begins ``pad`` before the blob and is
    cut off ``pad`` behind it; an average is divided by the values that are left then, of which
    those in the padding are zeros.

    Raises:
        ModelError: Caffe makes too few windows, or narrower ones than their step.
    """
    before, after = pads
    wanted = (size + before + after - kernel) // stride + 1
    extra = pooled_size(size, kernel, stride, before) - wanted
    if extra < 0 or kernel < stride:
        raise ModelError(
            f"{layer.name!r} pools {size} values by {kernel} in steps of {stride} with padding of "
            f"{before} before and {after} after, which Caffe's pooling cannot"
        )
    if layer.method == "max":
        return CaffePooling(before, extra, ())
    factors = []
    for window in range(wanted):
        start = window * stride - before
        divided_by = min(start + kernel, size + before) - start
        inside = min(start + kernel, size) - max(start, 0)
        factors.append(divided_by / (kernel if layer.counts_padding else inside))
    return CaffePooling(before, extra, tuple(factors) if set(factors) != {1.0} else ())


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
