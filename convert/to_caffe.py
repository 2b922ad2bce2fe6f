"""Writes a list of layers as a Caffe network that computes the same."""

from dataclasses import replace
from functools import singledispatchmethod

import numpy as np

from convert.layers import (
    Concat,
    Convolution,
    Dense,
    Flatten,
    Input,
    Layer,
    Padding,
    Pooling,
    PRelu,
    Relu,
    Softmax,
    Sum,
    consumers,
)
from faceserver.caffe.caffe_pb2 import (
    ConvolutionParameter,
    EltwiseParameter,
    LayerParameter,
    NetParameter,
    PoolingParameter,
)
from faceserver.caffe.shapes import Pair, Shape, output_shape, pooled_size
from faceserver.errors import ModelError
from faceserver.types import Floats


def to_caffe(layers: list[Layer], name: str) -> tuple[NetParameter, dict[str, list[Floats]]]:
    """Write simplified layers as a Caffe network.

    Args:
        layers: without Bias, BatchNorm and Scale, each after those it reads.
        name: the network's name.

    Returns:
        The network without weights, and each layer's weights.

    Raises:
        ModelError: Caffe cannot compute a layer as it is meant; the message names it.
    """
    writer = _Writer(layers, name)
    for layer in layers:
        writer.write(layer)
    return writer.net, writer.weights


class _Writer:
    def __init__(self, layers: list[Layer], name: str) -> None:
        self.net = NetParameter(name=name)
        self.weights: dict[str, list[Floats]] = {}
        self._readers = consumers(layers)
        self._blobs: dict[str, str] = {}  # the blob that holds what a layer of the list makes
        self._shapes: dict[str, Shape] = {}  # of each blob
        self._flat: set[str] = set()  # the Flatten layers, which Caffe does not need

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
        outputs, inputs, *kernel = layer.weights.shape
        channels, *sizes = self._shape(layer)
        if inputs != channels:
            raise ModelError(f"{layer.name!r} needs {inputs} channels, its input has {channels}")
        rows, columns = (
            _convolution_pad(layer.name, layer.padding, *axis)
            for axis in zip(sizes, kernel, layer.stride, strict=True)
        )
        caffe = self._begin(layer, "Convolution")
        param = caffe.convolution_param
        param.num_output = outputs
        _set_window(param, (kernel[0], kernel[1]), layer.stride, (rows, columns))
        if layer.bias is None:
            param.bias_term = False
        self._end(layer, caffe, layer.weights, layer.bias)

    @write.register
    def _(self, layer: Pooling) -> None:
        _channels, *sizes = self._shape(layer)
        axes = [
            _pooling_pad(layer, *axis)
            for axis in zip(sizes, layer.kernel, layer.stride, strict=True)
        ]
        (row_pad, extra_rows), (column_pad, extra_columns) = axes
        needs_crop = bool(extra_rows or extra_columns)
        pooled = replace(layer, name=f"{layer.name}/uncropped") if needs_crop else layer
        caffe = self._begin(pooled, "Pooling")
        param = caffe.pooling_param
        param.pool = PoolingParameter.MAX if layer.method == "max" else PoolingParameter.AVE
        _set_window(param, layer.kernel, layer.stride, (row_pad, column_pad))
        self._end(pooled, caffe)
        if needs_crop:
            self._crop(Layer(layer.name, (pooled.name,)), (extra_rows, extra_columns))

    @write.register
    def _(self, layer: Flatten) -> None:
        (bottom,) = layer.bottoms
        if not all(isinstance(reader, Dense) for reader in self._readers[layer.name]):
            raise ModelError(f"{layer.name!r} may be read by matrix products only")
        self._blobs[layer.name] = self._blobs[bottom]
        self._flat.add(layer.name)

    @write.register
    def _(self, layer: Dense) -> None:
        inputs, outputs = layer.weights.shape
        shape = self._shape(layer)
        if inputs != np.prod(shape) or (len(shape) > 1 and layer.bottoms[0] not in self._flat):
            raise ModelError(f"{layer.name!r} needs a row of {inputs} values, not {shape}")
        weights = layer.weights
        if len(shape) == 3:  # the rows of the matrix follow TensorFlow's order
            channels, rows, columns = shape
            by_position = weights.reshape(rows, columns, channels, outputs)
            weights = by_position.transpose(2, 0, 1, 3).reshape(inputs, outputs)
        caffe = self._begin(layer, "InnerProduct")
        caffe.inner_product_param.num_output = outputs
        if layer.bias is None:
            caffe.inner_product_param.bias_term = False
        self._end(layer, caffe, weights.T, layer.bias)

    @write.register
    def _(self, layer: Sum) -> None:
        caffe = self._begin(layer, "Eltwise")
        caffe.eltwise_param.operation = EltwiseParameter.SUM
        if layer.coefficients != (1.0, 1.0):
            caffe.eltwise_param.coeff.extend(layer.coefficients)
        self._end(layer, caffe)

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
        _set_window(param, kernel, (1, 1), (0, 0))
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


def _convolution_pad(name: str, padding: Padding, size: int, kernel: int, stride: int) -> int:
    before, after = _tensorflow_pads(padding, size, kernel, stride)
    if before != after:
        raise ModelError(
            f"{name!r} pads {before} before and {after} after {size} values, which Caffe's "
            "convolution cannot"
        )
    return before


def _pooling_pad(layer: Pooling, size: int, kernel: int, stride: int) -> tuple[int, int]:
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


def _set_window(
    param: ConvolutionParameter | PoolingParameter, kernel: Pair, stride: Pair, pad: Pair
) -> None:
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
