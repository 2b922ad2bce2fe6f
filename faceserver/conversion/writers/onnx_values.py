"""Writes Caffe's layers that compute each value of its own in ONNX."""

from collections.abc import Callable

import numpy as np

from faceserver.conversion.caffe.caffe_pb2 import LayerParameter
from faceserver.conversion.writers.onnx_graph import OnnxGraph

LayerWriter = Callable[[OnnxGraph, LayerParameter], None]


def relu(graph: OnnxGraph, layer: LayerParameter) -> None:
    """Write max(x, 0), with a slope below 0 where the layer has one."""
    slope = layer.relu_param.negative_slope
    if slope:
        graph.make(layer, "LeakyRelu", graph.bottoms(layer), alpha=slope)
    else:
        graph.make(layer, "Relu", graph.bottoms(layer))


def function(op: str) -> LayerWriter:
    """Make the writer of a function of one value that ONNX has, too."""

    def write(graph: OnnxGraph, layer: LayerParameter) -> None:
        graph.make(layer, op, graph.bottoms(layer))

    return write


def elu(graph: OnnxGraph, layer: LayerParameter) -> None:
    """Write x above 0, alpha * (exp(x) - 1) below."""
    graph.make(layer, "Elu", graph.bottoms(layer), alpha=layer.elu_param.alpha)


def power(graph: OnnxGraph, layer: LayerParameter) -> None:
    """Write (shift + scale * x) ** power, without the steps that change nothing."""
    param = layer.power_param
    steps = [("Mul", param.scale, 1), ("Add", param.shift, 0), ("Pow", param.power, 1)]
    (tensor,) = graph.bottoms(layer)
    for op, number, neutral in steps:
        if number != neutral:
            constant = graph.constant(layer, op.lower(), np.array(number, np.float32))
            tensor = graph.step(layer, f"{op.lower()}ed", op, [tensor, constant])
    graph.make(layer, "Identity", [tensor])


def relu6(graph: OnnxGraph, layer: LayerParameter) -> None:
    """Write min(max(x, 0), 6)."""
    limits = [
        graph.constant(layer, name, np.array(value, np.float32))
        for name, value in (("least", 0), ("most", 6))
    ]
    graph.make(layer, "Clip", [*graph.bottoms(layer), *limits])
