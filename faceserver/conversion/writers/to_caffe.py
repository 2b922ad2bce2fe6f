"""Writes a list of layers as a Caffe network that computes the same."""

from dataclasses import replace
from functools import singledispatchmethod
from math import prod

import numpy as np

from faceserver.conversion.caffe.caffe_pb2 import EltwiseParameter, NetParameter, PoolingParameter
from faceserver.conversion.caffe.windows import Pair
from faceserver.conversion.graph.layers import (
    Activation,
    ActivationKind,
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
    Product,
    Relu,
    Slice,
    Softmax,
    Sum,
    Upsample,
    consumers,
)
from faceserver.conversion.graph.shapes import pads
from faceserver.conversion.graph.unsupported import write_each
from faceserver.conversion.writers.caffe_net import CaffeNet
from faceserver.conversion.writers.windows import evened, set_window
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
        ModelError: Caffe cannot compute layers as they are meant; the message names all of them.
    """
    writer = _Writer(layers, name, dense_as_convolution)
    write_each(layers, writer.write)
    return writer.caffe.net, writer.caffe.weights


class _Writer:
    def __init__(self, layers: list[Layer], name: str, dense_as_convolution: bool) -> None:
        self._dense_as_convolution = dense_as_convolution
        self._readers = consumers(layers)
        self._flat: set[str] = set()  # the Flatten layers, which Caffe does not need
        self._pads: dict[str, tuple[Pair, Pair]] = {}  # by the Pad layers, which it has not
        self.caffe = CaffeNet(name, self._readers)

    @singledispatchmethod
    def write(self, layer: Layer) -> None:
        """Append what computes the layer in Caffe."""
        raise ModelError(f"{layer.name!r} is a {type(layer).__name__}, which Caffe cannot compute")

    @write.register
    def _(self, layer: Input) -> None:
        caffe = self.caffe.begin(layer, "Input")
        caffe.input_param.shape.add(dim=layer.shape)
        self.caffe.end(layer, caffe)

    @write.register
    def _(self, layer: Convolution) -> None:
        inputs = layer.weights.shape[1] * layer.groups
        channels, rows, columns = self.caffe.shape(layer)
        if inputs != channels:
            raise ModelError(f"{layer.name!r} needs {inputs} channels, its input has {channels}")
        (above, below), (before, behind) = self._pads.get(layer.bottoms[0], ((0, 0), (0, 0)))
        padded = (channels, rows + above + below, columns + before + behind)
        top, bottom, left, right = pads(layer, padded)
        amounts = ((above + top, below + bottom), (before + left, behind + right))
        pad = (max(amounts[0]), max(amounts[1]))
        weights = evened(layer.weights, amounts)
        self.caffe.convolution(layer, weights, layer.bias, layer.stride, pad, groups=layer.groups)

    @write.register
    def _(self, layer: Pad) -> None:
        if not all(isinstance(reader, Convolution) for reader in self._readers[layer.name]):
            raise ModelError(f"{layer.name!r} may be read by convolutions only")
        self.caffe.blobs[layer.name] = self.caffe.blobs[layer.bottoms[0]]
        self._pads[layer.name] = (layer.rows, layer.columns)

    @write.register
    def _(self, layer: GlobalAverage) -> None:
        caffe = self.caffe.begin(layer, "Pooling")
        caffe.pooling_param.pool = PoolingParameter.AVE
        caffe.pooling_param.global_pooling = True
        self.caffe.end(layer, caffe)

    @write.register
    def _(self, layer: BatchNorm) -> None:
        normalized = replace(layer, name=f"{layer.name}/normalized")
        caffe = self.caffe.begin(normalized, "BatchNorm")
        caffe.batch_norm_param.use_global_stats = True
        caffe.batch_norm_param.eps = layer.epsilon
        one = np.ones(1, np.float32)  # what mean and variance are divided by
        self.caffe.end(normalized, caffe, layer.mean, layer.variance, one)
        self.caffe.scale(Layer(layer.name, (normalized.name,)), layer.gamma, layer.beta)

    @write.register
    def _(self, layer: Affine) -> None:
        self.caffe.scale(layer, layer.scale, layer.offset)

    @write.register
    def _(self, layer: Pooling) -> None:
        self.caffe.pooling(layer)

    @write.register
    def _(self, layer: Flatten) -> None:
        (bottom,) = layer.bottoms
        readers = self._readers[layer.name]
        one_position = prod(self.caffe.shape(layer)[1:]) == 1
        if not one_position and not (readers and all(isinstance(each, Dense) for each in readers)):
            raise ModelError(f"{layer.name!r} may be read by matrix products only")
        if not readers:
            self.caffe.end(layer, self.caffe.begin(layer, "Flatten"))
            return
        self.caffe.blobs[layer.name] = self.caffe.blobs[bottom]
        self._flat.add(layer.name)

    @write.register
    def _(self, layer: Dense) -> None:
        inputs, outputs = layer.weights.shape
        shape = self.caffe.shape(layer)
        is_row = layer.bottoms[0] in self._flat or prod(shape[1:]) == 1
        if inputs != prod(shape) or not is_row:
            raise ModelError(f"{layer.name!r} needs a row of {inputs} values, not {shape}")
        if len(shape) == 3:  # the rows of the matrix follow TensorFlow's order
            channels, rows, columns = shape
            by_position = layer.weights.reshape(rows, columns, channels, outputs)
            windows = np.ascontiguousarray(by_position.transpose(3, 2, 0, 1))
            if self._dense_as_convolution:
                self.caffe.convolution(layer, windows, layer.bias)
                return
            weights = windows.reshape(outputs, inputs)
        else:
            weights = layer.weights.T
        caffe = self.caffe.begin(layer, "InnerProduct")
        caffe.inner_product_param.num_output = outputs
        if layer.bias is None:
            caffe.inner_product_param.bias_term = False
        self.caffe.end(layer, caffe, weights, layer.bias)

    @write.register
    def _(self, layer: Sum) -> None:
        caffe = self.caffe.begin(layer, "Eltwise")
        caffe.eltwise_param.operation = EltwiseParameter.SUM
        if layer.coefficients != (1.0, 1.0):
            caffe.eltwise_param.coeff.extend(layer.coefficients)
        self.caffe.end(layer, caffe)

    @write.register
    def _(self, layer: Product) -> None:
        if prod(self.caffe.shape(layer)[1:]) == prod(self.caffe.shape(layer, 1)[1:]):
            caffe = self.caffe.begin(layer, "Eltwise")
            caffe.eltwise_param.operation = EltwiseParameter.PROD
            self.caffe.end(layer, caffe)
            return
        blob, factors = layer.bottoms
        if len(self.caffe.shape(layer, 1)) > 1:
            row = Layer(f"{layer.name}/factors", (factors,))
            self.caffe.end(row, self.caffe.begin(row, "Flatten"))
            factors = row.name
        scaled = replace(layer, bottoms=(blob, factors))
        caffe = self.caffe.begin(scaled, "Scale")
        caffe.scale_param.axis = 0
        self.caffe.end(scaled, caffe)

    @write.register
    def _(self, layer: Slice) -> None:
        """Write a 1x1 convolution that copies the channels that are wanted."""
        chosen = np.eye(self.caffe.shape(layer)[0], dtype=np.float32)[layer.start : layer.end]
        self.caffe.convolution(layer, chosen[:, :, None, None], None)

    @write.register
    def _(self, layer: Upsample) -> None:
        """Write a deconvolution that copies each value into a square of its own."""
        channels, factor = self.caffe.shape(layer)[0], layer.factor
        caffe = self.caffe.begin(layer, "Deconvolution")
        param = caffe.convolution_param
        param.num_output = param.group = channels
        param.bias_term = False
        set_window(param, (factor, factor), (factor, factor), (0, 0))
        self.caffe.end(layer, caffe, np.ones((channels, 1, factor, factor), np.float32))

    @write.register
    def _(self, layer: Concat) -> None:
        self.caffe.end(layer, self.caffe.begin(layer, "Concat"))

    @write.register
    def _(self, layer: Softmax) -> None:
        self.caffe.end(layer, self.caffe.begin(layer, "Softmax"))

    @write.register
    def _(self, layer: Relu) -> None:
        self.caffe.end(layer, self.caffe.begin(layer, "ReLU", in_place=True))

    @write.register
    def _(self, layer: PRelu) -> None:
        caffe = self.caffe.begin(layer, "PReLU", in_place=True)
        self.caffe.end(layer, caffe, layer.slopes)

    @write.register
    def _(self, layer: Activation) -> None:
        if layer.kind in _TYPES:
            self.caffe.end(layer, self.caffe.begin(layer, _TYPES[layer.kind]))
        elif layer.kind in ("swish", "hard_swish"):
            gate = replace(layer, name=f"{layer.name}/gate", kind=_GATES[layer.kind])
            self.write(gate)
            self.write(Product(layer.name, (layer.bottoms[0], gate.name)))
        elif layer.kind == "hard_sigmoid":  # relu6(x + 3) / 6
            moved = self._scaled(layer, "moved", layer.bottoms[0], 1, 3)
            self._relu6(f"{layer.name}/relu6", moved)
            self.caffe.scale(Layer(layer.name, (f"{layer.name}/relu6",)), *_pair(1 / 6, 0))
        else:
            self._relu6(layer.name, layer.bottoms[0])

    def _relu6(self, name: str, bottom: str) -> None:
        """Write min(max(x, 0), 6) as 6 - max(6 - max(x, 0), 0)."""
        for part, bottom_of in (("positive", bottom), ("below", f"{name}/turned")):
            relu = Layer(f"{name}/{part}", (bottom_of,))
            self.caffe.end(relu, self.caffe.begin(relu, "ReLU"))
            last = part == "below"
            turned = Layer(name if last else f"{name}/turned", (relu.name,))
            self.caffe.scale(turned, *_pair(-1, 6))

    def _scaled(self, layer: Layer, part: str, bottom: str, factor: float, offset: float) -> str:
        name = f"{layer.name}/{part}"
        self.caffe.scale(Layer(name, (bottom,)), *_pair(factor, offset))
        return name


def _pair(factor: float, offset: float) -> tuple[Floats, Floats]:
    return np.full(1, factor, np.float32), np.full(1, offset, np.float32)


_TYPES = {
    "abs": "AbsVal",
    "elu": "ELU",
    "sigmoid": "Sigmoid",
    "softplus": "BNLL",
    "tanh": "TanH",
}
_GATES: dict[str, ActivationKind] = {"swish": "sigmoid", "hard_swish": "hard_sigmoid"}
