"""Writes a Caffe network and its weights as an ONNX model."""

from collections import Counter

from onnx import ModelProto, checker, helper

from faceserver.conversion.caffe.caffe_pb2 import LayerParameter, NetParameter
from faceserver.conversion.caffe.caffemodel import Weights
from faceserver.conversion.graph.unsupported import refusal as all_refused
from faceserver.conversion.writers.onnx_graph import OnnxGraph
from faceserver.conversion.writers.onnx_layers import write_layer
from faceserver.conversion.writers.onnx_pooling import pools_any_size
from faceserver.errors import ModelError

_OPSET = 17
_IR_VERSION = 8


def to_onnx(net: NetParameter, weights: Weights, version: str) -> ModelProto:
    """Write a Caffe network as ONNX; the batch is open, and so is the size where it can be.

    Args:
        net: the layers.
        weights: each layer's blobs; as in Caffe, only their number of values must fit.
        version: what the model gives as its producer's version.

    Returns:
        A checked model, whose inputs and outputs are named as the network's blobs are.

    Raises:
        ModelError: layers' types or uses are not supported, or their weights do not fit; the
            message
            names all of these layers.
    """
    for name, count in Counter(layer.name for layer in net.layer).items():
        if count > 1:
            raise ModelError(f"{count} layers are named {name!r}")
    graph = OnnxGraph(net, weights, any_size=takes_any_size(net))
    troubles: list[str] = []
    lost: set[str] = set()  # blobs that cannot be made
    for layer in net.layer:
        if lost.isdisjoint(layer.bottom):
            try:
                write_layer(graph, layer)
                continue
            except ModelError as error:
                troubles.append(str(error))
        lost.update(layer.top)
    if troubles:
        raise all_refused(troubles)
    model = helper.make_model(
        graph.finish(),
        ir_version=_IR_VERSION,
        opset_imports=[helper.make_opsetid("", _OPSET)],
        producer_name="faceserver",
        producer_version=version,
    )
    checker.check_model(model)
    return model


def takes_any_size(net: NetParameter) -> bool:
    """Tell whether a network's layers leave the rows and columns of its input open in ONNX.

    They do where each value depends on what surrounds it alone, or on all of a channel.
    """
    return all(_takes_any_size(layer) for layer in net.layer)


def _takes_any_size(layer: LayerParameter) -> bool:
    if layer.type == "Input":
        return all(len(shape.dim) == 4 for shape in layer.input_param.shape)
    if layer.type == "Pooling":
        return pools_any_size(layer.pooling_param)
    if layer.type == "Scale" and len(layer.bottom) == 1:
        param = layer.scale_param
        return param.num_axes == 0 or (param.axis, param.num_axes) in ((1, 1), (-3, 1))
    return layer.type not in ("InnerProduct", "Flatten", "Reshape", "PriorBox", "Interp")
