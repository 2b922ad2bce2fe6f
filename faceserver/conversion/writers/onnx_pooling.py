"""Writes Caffe's pooling in ONNX, with its windows at the edge.

Caffe rounds the number of windows up, and cuts the last one off at the padded blob's end. ONNX's
`ceil_mode` says much the same, but runtimes read it in different ways. So the edge is padded here
by as much as the last window reaches over it, and the windows fit exactly.
"""

import numpy as np

from faceserver.conversion.caffe.caffe_pb2 import LayerParameter, PoolingParameter
from faceserver.conversion.caffe.windows import pooled_size, pooling_window, rounds_up
from faceserver.conversion.writers.onnx_graph import OnnxGraph, refusal


def pools_any_size(param: PoolingParameter) -> bool:
    """Tell whether one padding gives Caffe's windows over a blob of any size.

    It does where the last window, reaching up to a step less one over the padding, still holds a
    value of the blob: then Caffe never drops it.
    """
    if param.global_pooling or not rounds_up(param):
        return True
    return all(
        kernel >= stride + pad
        for kernel, stride, pad in zip(*pooling_window(param, ()), strict=True)
    )


def pooling(graph: OnnxGraph, layer: LayerParameter) -> None:
    """Write a Pooling layer.

    Raises:
        ModelError: it is stochastic, or a window of it lies outside of the blob.
    """
    param = layer.pooling_param
    if param.pool == PoolingParameter.STOCHASTIC:
        raise refusal(layer, "stochastic pooling is not supported")
    is_maximum = param.pool == PoolingParameter.MAX
    kind = "MaxPool" if is_maximum else "AveragePool"
    bottoms = graph.bottoms(layer)
    if param.global_pooling:
        graph.make(layer, f"Global{kind}", bottoms)
        return
    kernel, stride, pad = pooling_window(param, ())
    rows, columns = (_end_pad(graph, layer, axis) for axis in (0, 1))
    begin, end = pad, (rows, columns)
    if not is_maximum and any(pad):
        # Caffe's average counts this padding, but not what a window reaches over it.
        amounts = np.array([0, 0, *pad, 0, 0, *pad], np.int64)
        padding = graph.constant(layer, "padding", amounts)
        bottoms = [graph.step(layer, "padded", "Pad", [*bottoms, padding])]
        begin, end = (0, 0), (rows - pad[0], columns - pad[1])
    pads = [*begin, *(max(amount, 0) for amount in end)]
    graph.make(layer, kind, bottoms, kernel_shape=kernel, strides=stride, pads=pads)


def _end_pad(graph: OnnxGraph, layer: LayerParameter, axis: int) -> int:
    """Return how far the last window reaches over the end of a blob's rows (0) or columns (1)."""
    param, shape = layer.pooling_param, graph.shape(layer.bottom[0])
    kernel, stride, pad = (pair[axis] for pair in pooling_window(param, shape))
    up = rounds_up(param)
    if pad >= kernel:
        raise refusal(layer, "a padding as wide as the window is not supported")
    if graph.any_size:
        return pad + (stride - 1 if up else 0)
    size = shape[2 + axis]
    last = (pooled_size(size, kernel, stride, pad, up=up) - 1) * stride - pad
    if last >= size:
        raise refusal(layer, "its last window lies outside of the blob")
    return last + kernel - size
