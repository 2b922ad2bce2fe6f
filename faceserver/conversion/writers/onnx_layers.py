"""Writes each type of Caffe layer in ONNX."""

from math import prod

import numpy as np

from faceserver.conversion.caffe.caffe_pb2 import EltwiseParameter, LayerParameter
from faceserver.conversion.caffe.shapes import (
    canonical_axis,
    concat_axis,
    crop_offsets,
    scale_shape,
)
from faceserver.conversion.caffe.windows import Shape, convolution_dilation, convolution_window
from faceserver.conversion.writers.onnx_graph import OnnxGraph, refusal
from faceserver.conversion.writers.onnx_moving import (
    interp,
    permute,
    reshape,
    slices,
    tile,
    upsample,
)
from faceserver.conversion.writers.onnx_pooling import pooling
from faceserver.conversion.writers.onnx_ssd import detection_output, prior_box
from faceserver.conversion.writers.onnx_values import (
    LayerWriter,
    elu,
    function,
    power,
    relu,
    relu6,
)
from faceserver.types import Floats


def write_layer(graph: OnnxGraph, layer: LayerParameter) -> None:
    """Append the nodes that compute a layer whose type is known.

    Raises:
        ModelError: it is used in a way that is not supported, or its weights do not fit.
    """
    if len(layer.top) != 1 and layer.type not in ("Split", "Slice"):
        raise refusal(layer, f"it should make one blob, not {len(layer.top)}")
    _WRITERS[layer.type](graph, layer)
    graph.advance(layer)


def _input(_graph: OnnxGraph, _layer: LayerParameter) -> None:
    """An input is no node."""


def _convolution(graph: OnnxGraph, layer: LayerParameter) -> None:
    param = layer.convolution_param
    if param.axis != 1:
        raise refusal(layer, "a convolution along another axis is not supported")
    kernel, stride, pad = convolution_window(param)
    channels = graph.shape(layer.bottom[0])[1]
    constants = _weights_and_bias(
        graph, layer, (param.num_output, channels // param.group, *kernel), bias=param.bias_term
    )
    graph.make(
        layer,
        "Conv",
        graph.bottoms(layer) + constants,
        kernel_shape=kernel,
        strides=stride,
        pads=pad * 2,
        dilations=convolution_dilation(param),
        group=param.group,
    )


def _deconvolution(graph: OnnxGraph, layer: LayerParameter) -> None:
    param = layer.convolution_param
    if param.axis != 1 or convolution_dilation(param) != (1, 1):
        raise refusal(layer, "a deconvolution along another axis or with dilation is not supported")
    kernel, stride, pad = convolution_window(param)
    channels = graph.shape(layer.bottom[0])[1]
    shapes: list[Shape] = [(channels, param.num_output // param.group, *kernel)]
    if param.bias_term:
        shapes.append((param.num_output,))
    constants = _constants(graph, layer, graph.weights(layer, *shapes))
    graph.make(
        layer,
        "ConvTranspose",
        graph.bottoms(layer) + constants,
        kernel_shape=kernel,
        strides=stride,
        pads=pad * 2,
        group=param.group,
    )


def _inner_product(graph: OnnxGraph, layer: LayerParameter) -> None:
    param, shape = layer.inner_product_param, graph.shape(layer.bottom[0])
    axis = canonical_axis(layer, param.axis, shape)
    if axis != 1:
        raise refusal(layer, "a product along another axis is not supported")
    count = prod(shape[1:])
    sizes = (count, param.num_output) if param.transpose else (param.num_output, count)
    blobs = graph.weights(layer, sizes, *([(param.num_output,)] if param.bias_term else []))
    constants = _constants(graph, layer, blobs)
    bottoms = graph.bottoms(layer)
    if len(shape) > 2:
        bottoms = [graph.step(layer, "flat", "Flatten", bottoms, axis=1)]
    graph.make(layer, "Gemm", bottoms + constants, transB=int(not param.transpose))


def _batch_norm(graph: OnnxGraph, layer: LayerParameter) -> None:
    """Write (x - mean) / sqrt(variance + eps); both are stored as sums, with what divides them."""
    param, shape = layer.batch_norm_param, graph.shape(layer.bottom[0])
    if param.HasField("use_global_stats") and not param.use_global_stats:
        raise refusal(layer, "a norm by the batch's own mean is not supported")
    blobs = graph.weights(layer, (shape[1],), (shape[1],), (1,))
    mean, variance, count = (blob.astype(np.float64) for blob in blobs)
    total = count[0] if count[0] else np.inf  # as in Caffe: no batch seen, all zeros
    factor = 1 / np.sqrt(variance / total + param.eps)
    bias = -mean / total * factor
    _affine(graph, layer, 1, factor.astype(np.float32), bias.astype(np.float32))


def _scale(graph: OnnxGraph, layer: LayerParameter) -> None:
    bottoms = [graph.shape(bottom) for bottom in layer.bottom]
    start, shape = scale_shape(layer, bottoms)
    bias_shapes = [shape] if layer.scale_param.bias_term else []
    if len(bottoms) == 1:
        if start == 0 and shape:
            raise refusal(layer, "factors along the batch are not supported")
        factor, *bias = graph.weights(layer, shape, *bias_shapes)
        _affine(graph, layer, start, factor, *bias)
        return
    blob, factors = graph.bottoms(layer)
    missing = len(bottoms[0]) - start - len(shape)
    if start or missing:
        axes = [*range(start), *range(start + len(shape), len(bottoms[0]))]
        where = graph.constant(layer, "axes", np.array(axes, np.int64))
        factors = graph.step(layer, "factors", "Unsqueeze", [factors, where])
    if not bias_shapes:
        graph.make(layer, "Mul", [blob, factors])
        return
    (bias_values,) = graph.weights(layer, *bias_shapes)
    scaled = graph.step(layer, "scaled", "Mul", [blob, factors])
    graph.make(layer, "Add", [scaled, _spread(graph, layer, "bias", start, bias_values)])


def _affine(
    graph: OnnxGraph, layer: LayerParameter, start: int, factor: Floats, bias: Floats | None = None
) -> None:
    """Multiply a blob by factors that begin at one of its axes, and add as many values."""
    inputs = [*graph.bottoms(layer), _spread(graph, layer, "factor", start, factor)]
    if bias is None:
        graph.make(layer, "Mul", inputs)
        return
    scaled = graph.step(layer, "scaled", "Mul", inputs)
    graph.make(layer, "Add", [scaled, _spread(graph, layer, "bias", start, bias)])


def _spread(graph: OnnxGraph, layer: LayerParameter, part: str, start: int, values: Floats) -> str:
    """Add a constant whose axes stand from `start` on in the blob that the layer reads."""
    if values.ndim:
        after = len(graph.shape(layer.bottom[0])) - start - values.ndim
        values = values.reshape((1,) * start + values.shape + (1,) * after)
    return graph.constant(layer, part, values)


def _eltwise(graph: OnnxGraph, layer: LayerParameter) -> None:
    param, tensors = layer.eltwise_param, graph.bottoms(layer)
    if param.coeff and len(param.coeff) != len(tensors):
        raise refusal(layer, f"{len(param.coeff)} coefficients for {len(tensors)} blobs")
    if param.coeff and param.operation != EltwiseParameter.SUM:
        raise refusal(layer, "only a sum has coefficients")
    for index, coefficient in enumerate(param.coeff):
        if coefficient != 1:
            factor = graph.constant(layer, f"coeff{index}", np.array(coefficient, np.float32))
            tensors[index] = graph.step(layer, f"scaled{index}", "Mul", [tensors[index], factor])
    op = _ELTWISE[param.operation]
    first, *others, last = tensors
    for index, other in enumerate(others, start=1):
        first = graph.step(layer, f"up_to_{index}", op, [first, other])
    graph.make(layer, op, [first, last])


def _prelu(graph: OnnxGraph, layer: LayerParameter) -> None:
    channels = graph.shape(layer.bottom[0])[1]
    (slopes,) = graph.weights(layer, (1 if layer.prelu_param.channel_shared else channels,))
    graph.make(layer, "PRelu", [*graph.bottoms(layer), _spread(graph, layer, "slopes", 1, slopes)])


def _softmax(graph: OnnxGraph, layer: LayerParameter) -> None:
    axis = canonical_axis(layer, layer.softmax_param.axis, graph.shape(layer.bottom[0]))
    graph.make(layer, "Softmax", graph.bottoms(layer), axis=axis)


def _concat(graph: OnnxGraph, layer: LayerParameter) -> None:
    axis = concat_axis(layer, graph.shape(layer.bottom[0]))
    if axis == 0:
        raise refusal(layer, "joining along the batch is not supported")
    graph.make(layer, "Concat", graph.bottoms(layer), axis=axis)


def _flatten(graph: OnnxGraph, layer: LayerParameter) -> None:
    param, shape = layer.flatten_param, graph.shape(layer.bottom[0])
    start = canonical_axis(layer, param.axis, shape)
    end = canonical_axis(layer, param.end_axis, shape) + 1
    if start == 0:
        raise refusal(layer, "flattening the batch is not supported")
    # 0 copies an axis, -1 takes what is left: the batch stays open.
    sizes = graph.constant(layer, "sizes", np.array([0] * start + [-1, *shape[end:]], np.int64))
    graph.make(layer, "Reshape", [*graph.bottoms(layer), sizes])


def _crop(graph: OnnxGraph, layer: LayerParameter) -> None:
    """Cut the second blob's size out of the first."""
    start, offsets = crop_offsets(layer, [graph.shape(bottom) for bottom in layer.bottom])
    blob, reference = graph.bottoms(layer)
    begins = graph.constant(layer, "begins", np.array(offsets, np.int64))
    axes = graph.constant(layer, "axes", np.arange(start, start + len(offsets), dtype=np.int64))
    sizes = graph.step(layer, "sizes", "Shape", [reference], start=start)
    ends = graph.step(layer, "ends", "Add", [sizes, begins])
    graph.make(layer, "Slice", [blob, begins, ends, axes])


def _normalize(graph: OnnxGraph, layer: LayerParameter) -> None:
    """Divide by the root of the sum of squares plus eps, of an item or of a position's channels."""
    param, shape = layer.norm_param, graph.shape(layer.bottom[0])
    (factors,) = graph.weights(layer, () if param.channel_shared else (shape[1],))
    axes = list(range(1, len(shape))) if param.across_spatial else [1]
    bottoms = graph.bottoms(layer)
    squares = graph.step(layer, "squares", "ReduceSumSquare", bottoms, axes=axes, keepdims=1)
    eps = graph.constant(layer, "eps", np.array(param.eps, np.float32))
    total = graph.step(layer, "total", "Add", [squares, eps])
    norm = graph.step(layer, "norm", "Sqrt", [total])
    unit = graph.step(layer, "unit", "Div", [*bottoms, norm])
    graph.make(layer, "Mul", [unit, _spread(graph, layer, "factors", 1, factors)])


def _pass_on(graph: OnnxGraph, layer: LayerParameter) -> None:
    """Pass the blob on: only training drops anything, and only training splits gradients."""
    for index in range(len(layer.top)):
        graph.make(layer, "Identity", graph.bottoms(layer), index=index)


def _weights_and_bias(
    graph: OnnxGraph, layer: LayerParameter, shape: Shape, *, bias: bool
) -> list[str]:
    return _constants(graph, layer, graph.weights(layer, shape, *([(shape[0],)] if bias else [])))


def _constants(graph: OnnxGraph, layer: LayerParameter, blobs: list[Floats]) -> list[str]:
    return [
        graph.constant(layer, name, blob)
        for name, blob in zip(("weights", "bias"), blobs, strict=False)
    ]


_ELTWISE = {
    EltwiseParameter.SUM: "Add",
    EltwiseParameter.PROD: "Mul",
    EltwiseParameter.MAX: "Max",
}

_WRITERS: dict[str, LayerWriter] = {
    "Input": _input,
    "Convolution": _convolution,
    "Deconvolution": _deconvolution,
    "InnerProduct": _inner_product,
    "BatchNorm": _batch_norm,
    "Scale": _scale,
    "Pooling": pooling,
    "Eltwise": _eltwise,
    "ReLU": relu,
    "PReLU": _prelu,
    "Sigmoid": function("Sigmoid"),
    "TanH": function("Tanh"),
    "AbsVal": function("Abs"),
    "BNLL": function("Softplus"),
    "ELU": elu,
    "Softmax": _softmax,
    "Concat": _concat,
    "Flatten": _flatten,
    "Crop": _crop,
    "Power": power,
    "Normalize": _normalize,
    "Dropout": _pass_on,
    "Split": _pass_on,
    "ReLU6": relu6,
    "Slice": slices,
    "Reshape": reshape,
    "Permute": permute,
    "Tile": tile,
    "Interp": interp,
    "Upsample": upsample,
    "PriorBox": prior_box,
    "DetectionOutput": detection_output,
}
