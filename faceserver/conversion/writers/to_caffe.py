"""Writes a list of layers as a Caffe network that computes the same."""

from dataclasses import replace
from functools import singledispatchmethod
from math import prod

import numpy as np

from faceserver.conversion.caffe.caffe_pb2 import (
    EltwiseParameter,
    LayerParameter,
    NetParameter,
    PoolingParameter,
)
from faceserver.conversion.caffe.shapes import Pair, Shape, output_shape
from faceserver.conversion.graph.layers import (
    Affine,
    BatchNorm,
    Concat,
    Convolution,
    Dense,
    Flatten,
    GlobalAverage,
    Input,
    Layer,
    Pad,
    Pooling,
    PRelu,
    Relu,
    Softmax,
    Sum,
    Upsample,
    consumers,
)
from faceserver.conversion.writers.windows import convolution_pads, evened, pooling_pad, set_window
from faceserver.errors import ModelError
from faceserver.types import Floats


def to_caffe(
    layers: list[Layer], name: str, *, dense_as_convolution: bool = False
) -> tuple[NetParameter, dict[str, list[Floats]]]:
    """Write simplified layers as a Caffe network.

    Args:
        layers: without Bias and Scale, each after those it reads.
        name: the network's name.
        dense_as_convolution: whether a matrix product becomes a convolution whose window is its
            whole input, where that is a blob with rows and columns.

    Returns:
        The network without weights, and each layer's weights.

    Raises:
        ModelError: Caffe cannot compute a layer as it is meant; the message names it.
    """
    writer = _Writer(layers, name, dense_as_convolution)
    for layer in layers:
        writer.write(layer)
    return writer.net, writer.weights


class _Writer:
    def __init__(self, layers: list[Layer], name: str, dense_as_convolution: bool) -> None:
        self.net = NetParameter(name=name)
        self._dense_as_convolution = dense_as_convolution
        self.weights: dict[str, list[Floats]] = {}
        self._readers = consumers(layers)
        self._blobs: dict[str, str] = {}  # the blob that holds what a layer of the list makes
        self._shapes: dict[str, Shape] = {}  # of each blob
        self._flat: set[str] = set()  # the Flatten layers, which Caffe does not need
        self._pads: dict[str, tuple[Pair, Pair]] = {}  # by the Pad layers, which it has not

    @singledispatchmethod
    def write(self, layer: Layer) -> None:
        """Append what computes the layer in Caffe."""
        raise ModelError(f"{layer.name!r} is a {type(layer).__name__}, which Caffe cannot compute")

    @write.register
    def _(self, layer: Input) -> None:
        caffe = self._begin(layer, "Input")
        caffe.input_param.shape.add(dim=layer.shape)
        self._end(layer, caffe)

    @write.register
    def _(self, layer: Convolution) -> None:
        inputs, *kernel = layer.weights.shape[1:]
        channels, *sizes = self._shape(layer)
        if inputs * layer.groups != channels:
            needed = inputs * layer.groups
            raise ModelError(f"{layer.name!r} needs {needed} channels, its input has {channels}")
        given = self._pads.get(layer.bottoms[0], ((0, 0), (0, 0)))
        pads = [
            convolution_pads(layer.padding, *axis)
            for axis in zip(given, sizes, kernel, layer.stride, strict=True)
        ]
        weights = evened(layer.weights, pads)
        rows, columns = (max(pair) for pair in pads)
        window = (layer.stride, (rows, columns))
        self._write_convolution(layer, weights, layer.bias, *window, groups=layer.groups)

    def _write_convolution(
        self,
        layer: Layer,
        weights: Floats,
        bias: Floats | None,
        stride: Pair,
        pad: Pair,
        *,
        groups: int = 1,
    ) -> None:
        caffe = self._begin(layer, "Convolution")
        param = caffe.convolution_param
        param.num_output = len(weights)
        if groups != 1:
            param.group = groups
        set_window(param, (weights.shape[2], weights.shape[3]), stride, pad)
        if bias is None:
            param.bias_term = False
        self._end(layer, caffe, weights, bias)

    @write.register
    def _(self, layer: Pad) -> None:
        if not all(isinstance(reader, Convolution) for reader in self._readers[layer.name]):
            raise ModelError(f"{layer.name!r} may be read by convolutions only")
        self._blobs[layer.name] = self._blobs[layer.bottoms[0]]
        self._pads[layer.name] = (layer.rows, layer.columns)

    @write.register
    def _(self, layer: GlobalAverage) -> None:
        caffe = self._begin(layer, "Pooling")
        caffe.pooling_param.pool = PoolingParameter.AVE
        caffe.pooling_param.global_pooling = True
        self._end(layer, caffe)

    @write.register
    def _(self, layer: BatchNorm) -> None:
        normalized = replace(layer, name=f"{layer.name}/normalized")
        caffe = self._begin(normalized, "BatchNorm")
        caffe.batch_norm_param.use_global_stats = True
        caffe.batch_norm_param.eps = layer.epsilon
        one = np.ones(1, np.float32)  # what mean and variance are divided by
        self._end(normalized, caffe, layer.mean, layer.variance, one)
        self._write_scale(Layer(layer.name, (normalized.name,)), layer.gamma, layer.beta)

    @write.register
    def _(self, layer: Affine) -> None:
        self._write_scale(layer, layer.scale, layer.offset)

    def _write_scale(self, layer: Layer, scale: Floats, offset: Floats) -> None:
        channels = self._shape(layer)[0]
        if {scale.size, offset.size} - {1, channels}:
            raise ModelError(f"{layer.name!r} scales another number of channels than {channels}")
        caffe = self._begin(layer, "Scale")
        caffe.scale_param.bias_term = True
        blobs = [np.broadcast_to(values, channels) for values in (scale, offset)]
        self._end(layer, caffe, *blobs)

    @write.register
    def _(self, layer: Pooling) -> None:
        _channels, *sizes = self._shape(layer)
        axes = [
            pooling_pad(layer, *axis)
            for axis in zip(sizes, layer.kernel, layer.stride, strict=True)
        ]
        (row_pad, extra_rows), (column_pad, extra_columns) = axes
        needs_crop = bool(extra_rows or extra_columns)
        pooled = replace(layer, name=f"{layer.name}/uncropped") if needs_crop else layer
        caffe = self._begin(pooled, "Pooling")
        param = caffe.pooling_param
        param.pool = PoolingParameter.MAX if layer.method == "max" else PoolingParameter.AVE
        set_window(param, layer.kernel, layer.stride, (row_pad, column_pad))
        self._end(pooled, caffe)
        if needs_crop:
            self._crop(Layer(layer.name, (pooled.name,)), (extra_rows, extra_columns))

    @write.register
    def _(self, layer: Flatten) -> None:
        (bottom,) = layer.bottoms
        readers = self._readers[layer.name]
        one_position = prod(self._shape(layer)[1:]) == 1
        if not one_position and not (readers and all(isinstance(each, Dense) for each in readers)):
            raise ModelError(f"{layer.name!r} may be read by matrix products only")
        if not readers:
            self._end(layer, self._begin(layer, "Flatten"))
            return
        self._blobs[layer.name] = self._blobs[bottom]
        self._flat.add(layer.name)

    @write.register
    def _(self, layer: Dense) -> None:
        inputs, outputs = layer.weights.shape
        shape = self._shape(layer)
        is_row = layer.bottoms[0] in self._flat or prod(shape[1:]) == 1
        if inputs != prod(shape) or not is_row:
            raise ModelError(f"{layer.name!r} needs a row of {inputs} values, not {shape}")
        if len(shape) == 3:  # the rows of the matrix follow TensorFlow's order
            channels, rows, columns = shape
            by_position = layer.weights.reshape(rows, columns, channels, outputs)
            windows = np.ascontiguousarray(by_position.transpose(3, 2, 0, 1))
            if self._dense_as_convolution:
                self._write_convolution(layer, windows, layer.bias, (1, 1), (0, 0))
                return
            weights = windows.reshape(outputs, inputs)
        else:
            weights = layer.weights.T
        caffe = self._begin(layer, "InnerProduct")
        caffe.inner_product_param.num_output = outputs
        if layer.bias is None:
            caffe.inner_product_param.bias_term = False
        self._end(layer, caffe, weights, layer.bias)

    @write.register
    def _(self, layer: Sum) -> None:
        caffe = self._begin(layer, "Eltwise")
        caffe.eltwise_param.operation = EltwiseParameter.SUM
        if layer.coefficients != (1.0, 1.0):
            caffe.eltwise_param.coeff.extend(layer.coefficients)
        self._end(layer, caffe)

    @write.register
    def _(self, layer: Upsample) -> None:
        """Write a deconvolution that copies each value into a square of its own."""
        channels, factor = self._shape(layer)[0], layer.factor
        caffe = self._begin(layer, "Deconvolution")
        param = caffe.convolution_param
        param.num_output = param.group = channels
        param.bias_term = False
        set_window(param, (factor, factor), (factor, factor), (0, 0))
        self._end(layer, caffe, np.ones((channels, 1, factor, factor), np.float32))

    @write.register
    def _(self, layer: Concat) -> None:
        self._end(layer, self._begin(layer, "Concat"))

    @write.register
    def _(self, layer: Softmax) -> None:
        self._end(layer, self._begin(layer, "Softmax"))

    @write.register
    def _(self, layer: Relu) -> None:
        self._end(layer, self._begin(layer, "ReLU", in_place=True))

    @write.register
    def _(self, layer: PRelu) -> None:
        caffe = self._begin(layer, "PReLU", in_place=True)
        self._end(layer, caffe, layer.slopes)

    def _crop(self, layer: Layer, extra: Pair) -> None:
        """Drop the last rows and columns, which Caffe's pooling makes by rounding up.

        Each channel goes through a convolution that copies its window's first value: unlike
        Caffe's Crop, it needs no other blob to take the size from, and every runtime has it.
        """
        channels = self._shape(layer)[0]
        kernel = (extra[0] + 1, extra[1] + 1)
        weights = np.zeros((channels, 1, *kernel), np.float32)
        weights[:, :, 0, 0] = 1
        caffe = self._begin(layer, "Convolution")
        param = caffe.convolution_param
        param.num_output = param.group = channels
        param.bias_term = False
        set_window(param, kernel, (1, 1), (0, 0))
        self._end(layer, caffe, weights)

    def _shape(self, layer: Layer) -> Shape:
        return self._shapes[self._blobs[layer.bottoms[0]]][1:]

    def _begin(self, layer: Layer, kind: str, *, in_place: bool = False) -> LayerParameter:
        if layer.name in self._blobs:
            raise ModelError(f"two layers are named {layer.name!r}")
        bottoms = [self._blobs[bottom] for bottom in layer.bottoms]
        top = layer.name
        # An output keeps its own blob, so that it has the layer's name.
        if in_place and self._readers[layer.name] and len(self._readers[layer.bottoms[0]]) == 1:
            (top,) = bottoms
        return LayerParameter(name=layer.name, type=kind, bottom=bottoms, top=[top])

    def _end(self, layer: Layer, caffe: LayerParameter, *weights: Floats | None) -> None:
        shape = output_shape(caffe, [self._shapes[bottom] for bottom in caffe.bottom])
        self._blobs[layer.name] = caffe.top[0]
        self._shapes[caffe.top[0]] = shape
        self.net.layer.append(caffe)
        if weights:
            self.weights[layer.name] = [array for array in weights if array is not None]
