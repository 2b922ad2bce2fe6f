"""Writes a Caffe network and its weights as an ONNX model."""

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto, checker, helper, numpy_helper

from faceserver.caffe.caffe_pb2 import (
    EltwiseParameter,
    LayerParameter,
    NetParameter,
    PoolingParameter,
)
from faceserver.caffe.caffemodel import Weights
from faceserver.caffe.shapes import (
    Shape,
    convolution_window,
    infer_shapes,
    pooled_size,
    pooling_window,
)
from faceserver.errors import ModelError
from faceserver.types import Floats

_OPSET = 17
_IR_VERSION = 8

_FIXED_SIZE_TYPES = ("InnerProduct", "Flatten")


def to_onnx(net: NetParameter, weights: Weights, version: str) -> ModelProto:
    """Write a Caffe network as ONNX; the batch is open, and so is the size where it can be.

    Args:
        net: the layers.
        weights: each layer's blobs; as in Caffe, only their number of values must fit.
        version: what the model gives as its producer's version.

    Returns:
        A checked model, whose inputs and outputs are named as the network's blobs are.

    Raises:
        ModelError: a layer's type or use is not supported, or its weights do not fit; the message
            names the layer.
    """
    writer = _Writer(net, weights)
    for layer in net.layer:
        writer.write(layer)
    graph = helper.make_graph(
        writer.nodes, net.name or "net", writer.inputs, writer.outputs(), writer.constants
    )
    model = helper.make_model(
        graph,
        ir_version=_IR_VERSION,
        opset_imports=[helper.make_opsetid("", _OPSET)],
        producer_name="faceserver",
        producer_version=version,
    )
    checker.check_model(model)
    return model


def takes_any_size(net: NetParameter) -> bool:
    """Tell whether a network's layers leave the rows and columns of its input open in ONNX.

    They do not where the windows at a blob's edge depend on its size in a way that ONNX cannot say.
    """
    return all(
        _is_plain_maximum(layer.pooling_param)
        if layer.type == "Pooling"
        else layer.type not in _FIXED_SIZE_TYPES
        for layer in net.layer
    )


def _is_plain_maximum(param: PoolingParameter) -> bool:
    padded = param.pad or param.pad_h or param.pad_w
    return param.pool == PoolingParameter.MAX and not padded


class _Writer:
    def __init__(self, net: NetParameter, weights: Weights) -> None:
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []
        self.inputs: list[ValueInfoProto] = []
        self._weights = weights
        self._shapes = infer_shapes(net)
        self._any_size = takes_any_size(net)
        # Layers that work in place make a blob again, but each tensor is made only once: the one
        # that is made last has the blob's name.
        self._last_makers = {top: layer.name for layer in net.layer for top in layer.top}
        self._tensors: dict[str, str] = {}  # the tensor that holds a blob at this moment
        self._unread: dict[str, None] = {}  # blobs, in the order in which they were made

    def write(self, layer: LayerParameter) -> None:
        """Append the nodes that compute a layer."""
        if layer.type not in _WRITERS:
            raise _refusal(layer, f"the type {layer.type!r} is not supported")
        for bottom in layer.bottom:
            self._unread.pop(bottom, None)
        _WRITERS[layer.type](self, layer)
        self._unread.update(dict.fromkeys(layer.top))

    def outputs(self) -> list[ValueInfoProto]:
        """Return the blobs that no layer has read."""
        return [self._value(blob, (None, None)) for blob in self._unread]

    def input(self, layer: LayerParameter) -> None:
        (blob,) = layer.top
        self._tensors[blob] = blob
        self.inputs.append(self._value(blob, ("rows", "columns")))

    def convolution(self, layer: LayerParameter) -> None:
        param = layer.convolution_param
        kernel, stride, pad = convolution_window(param)
        channels = self._bottom_shape(layer)[1]
        constants = self._weighted(
            layer, (param.num_output, channels // param.group, *kernel), bias=param.bias_term
        )
        self._node(
            layer,
            "Conv",
            constants,
            kernel_shape=kernel,
            strides=stride,
            pads=pad * 2,
            group=param.group,
        )

    def inner_product(self, layer: LayerParameter) -> None:
        param = layer.inner_product_param
        if param.axis != 1 or param.transpose:
            raise _refusal(layer, "another axis and a transposed product are not supported")
        shape = self._bottom_shape(layer)
        bottom = self._tensors[layer.bottom[0]]
        if len(shape) > 2:
            flat = f"{layer.name}:flat"
            self.nodes.append(helper.make_node("Flatten", [bottom], [flat], name=flat, axis=1))
            bottom = flat
        constants = self._weighted(layer, (param.num_output, prod(shape[1:])), bias=param.bias_term)
        self._node(layer, "Gemm", constants, bottoms=[bottom], transB=1)

    def pooling(self, layer: LayerParameter) -> None:
        param = layer.pooling_param
        if param.pool == PoolingParameter.STOCHASTIC:
            raise _refusal(layer, "stochastic pooling is not supported")
        kind = "MaxPool" if param.pool == PoolingParameter.MAX else "AveragePool"
        if param.global_pooling:
            self._node(layer, f"Global{kind}")
            return
        shape = self._bottom_shape(layer)
        kernel, stride, pad = pooling_window(param, shape)
        if kernel[0] < stride[0] or kernel[1] < stride[1]:
            raise _refusal(layer, "a window that is narrower than its step is not supported")
        window: dict[str, Any] = {"kernel_shape": kernel, "strides": stride}
        if self._any_size:
            self._node(layer, kind, ceil_mode=1, **window)
            return
        ends = [_end_pad(*axis) for axis in zip(shape[2:], kernel, stride, pad, strict=True)]
        if kind == "AveragePool" and any((*pad, *ends)):
            raise _refusal(layer, "an average over more than the blob is not supported")
        self._node(layer, kind, pads=[*pad, *ends], **window)

    def eltwise(self, layer: LayerParameter) -> None:
        param = layer.eltwise_param
        if param.operation != EltwiseParameter.SUM or len(layer.bottom) != 2:
            raise _refusal(layer, "only the sum of two blobs is supported")
        tensors = [self._tensors[bottom] for bottom in layer.bottom]
        for index, coefficient in enumerate(param.coeff):
            if coefficient != 1:
                tensors[index] = self._scaled(layer, index, tensors[index], coefficient)
        self._node(layer, "Add", bottoms=tensors)

    def _scaled(self, layer: LayerParameter, index: int, tensor: str, factor: float) -> str:
        scaled = f"{layer.name}:scaled{index}"
        constant = self._constant(f"{scaled}:factor", np.array(factor, np.float32))
        self.nodes.append(helper.make_node("Mul", [tensor, constant], [scaled], name=scaled))
        return scaled

    def relu(self, layer: LayerParameter) -> None:
        if layer.relu_param.negative_slope:
            raise _refusal(layer, "a negative slope is not supported")
        self._node(layer, "Relu")

    def prelu(self, layer: LayerParameter) -> None:
        _batch, channels, *sizes = self._bottom_shape(layer)
        count = 1 if layer.prelu_param.channel_shared else channels
        (slopes,) = self._blobs(layer, [(count,)])
        slopes = slopes.reshape(count, *(1 for _ in sizes))
        self._node(layer, "PRelu", [self._constant(f"{layer.name}:slopes", slopes)])

    def softmax(self, layer: LayerParameter) -> None:
        self._node(layer, "Softmax", axis=layer.softmax_param.axis)

    def concat(self, layer: LayerParameter) -> None:
        self._node(layer, "Concat", axis=layer.concat_param.axis)

    def dropout(self, layer: LayerParameter) -> None:
        """Pass the blob on: only training drops anything."""
        self._node(layer, "Identity")

    def _node(
        self,
        layer: LayerParameter,
        op: str,
        constants: list[str] | None = None,
        bottoms: list[str] | None = None,
        **attributes: Any,
    ) -> None:
        (blob,) = layer.top
        inputs = bottoms or [self._tensors[bottom] for bottom in layer.bottom]
        tensor = blob if self._last_makers[blob] == layer.name else f"{blob}:{layer.name}"
        self.nodes.append(
            helper.make_node(
                op, [*inputs, *(constants or [])], [tensor], name=layer.name, **attributes
            )
        )
        self._tensors[blob] = tensor

    def _weighted(self, layer: LayerParameter, shape: Shape, *, bias: bool) -> list[str]:
        shapes = [shape, (shape[0],)] if bias else [shape]
        blobs = self._blobs(layer, shapes)
        names = (f"{layer.name}:weights", f"{layer.name}:bias")
        return [self._constant(*named) for named in zip(names, blobs, strict=False)]

    def _blobs(self, layer: LayerParameter, shapes: list[Shape]) -> list[Floats]:
        blobs = self._weights.get(layer.name, ())
        if [blob.size for blob in blobs] != [prod(shape) for shape in shapes]:
            found = [blob.shape for blob in blobs] or "none"
            raise _refusal(layer, f"it needs weights of {shapes}, the caffemodel has {found}")
        return [blob.reshape(shape) for blob, shape in zip(blobs, shapes, strict=True)]

    def _constant(self, name: str, values: Floats) -> str:
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def _bottom_shape(self, layer: LayerParameter) -> Shape:
        return self._shapes[layer.bottom[0]]

    def _value(self, blob: str, sizes: tuple[str | None, str | None]) -> ValueInfoProto:
        shape = self._shapes[blob]
        rest = (shape[1], *sizes) if self._any_size else shape[1:]
        return helper.make_tensor_value_info(blob, TensorProto.FLOAT, ["batch", *rest])


def _end_pad(size: int, kernel: int, stride: int, pad: int) -> int:
    """Return how far the last window of Caffe's pooling reaches over the end of an axis."""
    reach = (pooled_size(size, kernel, stride, pad) - 1) * stride + kernel
    return max(reach - pad - size, 0)


def _refusal(layer: LayerParameter, why: str) -> ModelError:
    return ModelError(f"layer {layer.name!r}: {why}")


_WRITERS: dict[str, Callable[[_Writer, LayerParameter], None]] = {
    "Input": _Writer.input,
    "Convolution": _Writer.convolution,
    "InnerProduct": _Writer.inner_product,
    "Pooling": _Writer.pooling,
    "Eltwise": _Writer.eltwise,
    "ReLU": _Writer.relu,
    "PReLU": _Writer.prelu,
    "Softmax": _Writer.softmax,
    "Concat": _Writer.concat,
    "Dropout": _Writer.dropout,
}
