"""Writes an embedding network as an older CoreML neural network (.mlmodel), iOS 11 and later."""

from functools import singledispatchmethod
from typing import Any

import numpy as np

from faceserver.conversion.coreml.library import load
from faceserver.conversion.coreml.network import INPUT, OUTPUT, Embedder, PixelScaling
from faceserver.conversion.graph.layers import (
    Activation,
    Concat,
    Convolution,
    Layer,
    Pad,
    Pooling,
    Product,
    Relu,
    Slice,
    Softmax,
    Sum,
    Upsample,
)
from faceserver.conversion.graph.shapes import pads
from faceserver.conversion.graph.unsupported import write_each
from faceserver.errors import ModelError

_VERSION_WITH_HALVES = 2  # of the format: iOS 11.2


def to_neural_network(network: Embedder, pixels: PixelScaling, *, half: bool) -> Any:
    """Build the network with coremltools.

    Args:
        network: the layers.
        pixels: the normalization, which becomes part of the network.
        half: store the weights in 16 bits.

    Returns:
        A ``coremltools.models.MLModel`` with the picture ``image`` and the vector ``embedding``,
        float32 of shape (dims,).

    Raises:
        ModelError: a weight does not fit in 16 bits.
    """
    ct = load("coremltools")
    spec = _NetworkWriter(network).write_all(pixels)
    ct.utils.convert_double_to_float_multiarray_type(spec)
    if half:
        _halve(spec)
    return ct.models.MLModel(spec, skip_model_load=True)


def _halve(spec: Any) -> None:
    spec.specificationVersion = max(spec.specificationVersion, _VERSION_WITH_HALVES)
    for layer in spec.neuralNetwork.layers:
        if layer.WhichOneof("layer") != "convolution":
            continue
        for values in (layer.convolution.weights, layer.convolution.bias):
            halves = np.asarray(values.floatValue, np.float32).astype(np.float16)
            values.float16Value = halves.tobytes()
            values.ClearField("floatValue")


class _NetworkWriter:
    """Blobs bear the names of the layers that make them."""

    def __init__(self, network: Embedder) -> None:
        types = load("coremltools.models.datatypes")
        builder = load("coremltools.models.neural_network").NeuralNetworkBuilder
        self._network = network
        ends = {name: network.shapes[layer] for layer, name in network.outputs.items()}
        made: dict[str, tuple[int, ...]] = {**ends} or {OUTPUT: (network.dims,)}
        self._builder = builder(
            [(INPUT, types.Array(*network.input_shape))],
            [(name, types.Array(*shape)) for name, shape in made.items()],
        )
        self._blobs: dict[str, str] = {}

    def write_all(self, pixels: PixelScaling) -> Any:
        """Append all steps; return the model's message."""
        first, *layers = self._network.layers
        self._blobs[first.name] = self._normalized(pixels)
        self._blobs |= {layer.name: layer.name for layer in layers}
        write_each(layers, self._write)
        for layer_name, name in self._network.outputs.items():
            self._builder.add_activation(f"{name}_out", "LINEAR", layer_name, name, params=[1, 0])
        if not self._network.outputs:
            self._builder.add_l2_normalize(OUTPUT, layers[-1].name, OUTPUT, epsilon=1e-10)
        by_channel = np.ndim(pixels.scale) > 0
        bias = 0.0 if by_channel else pixels.bias
        self._builder.set_pre_processing_parameters(
            image_input_names=[INPUT],
            is_bgr=pixels.bgr,
            image_scale=1.0 if by_channel else pixels.scale,
            red_bias=bias,
            green_bias=bias,
            blue_bias=bias,
        )
        return self._builder.spec

    def _normalized(self, pixels: PixelScaling) -> str:
        """Append what the format's own preprocessing cannot do; return the pixels' blob."""
        if np.ndim(pixels.scale):
            scale, bias = (np.asarray(each, np.float32) for each in (pixels.scale, pixels.bias))
            shape = [3]
            self._builder.add_scale(
                "pixels", scale, bias, True, INPUT, "pixels", shape_scale=shape, shape_bias=shape
            )
            return "pixels"
        return INPUT if pixels.floor is None else self._whitened(pixels.floor)

    def _whitened(self, floor: float) -> str:
        """Append (x - mean) / max(deviation, floor) over all values; return its blob."""
        add = self._builder
        add.add_reduce("whiten_mean", INPUT, "whiten_mean", axis="CHW", mode="avg")
        _combine(add, "whiten_minus_mean", ["whiten_mean"], "MULTIPLY", alpha=-1.0)
        _combine(add, "whiten_centred", [INPUT, "whiten_minus_mean"], "ADD")
        _combine(add, "whiten_square", ["whiten_centred", "whiten_centred"], "MULTIPLY")
        add.add_reduce("whiten_variance", "whiten_square", "whiten_variance", "CHW", "avg")
        # A power has no epsilon, which the square root's inverse would have.
        add.add_unary("whiten_deviation", "whiten_variance", "whiten_deviation", "power", alpha=0.5)
        add.add_load_constant("whiten_floor", "whiten_floor", np.array([floor]), [1, 1, 1])
        _combine(add, "whiten_divisor", ["whiten_deviation", "whiten_floor"], "MAX")
        add.add_unary("whiten_factor", "whiten_divisor", "whiten_factor", "power", alpha=-1.0)
        return _combine(add, "whiten_pixels", ["whiten_centred", "whiten_factor"], "MULTIPLY")

    @singledispatchmethod
    def _write(self, layer: Layer) -> None:
        raise ModelError(f"{layer.name!r} is a {type(layer).__name__}, which is not supported")

    @_write.register
    def _(self, layer: Convolution) -> None:
        outputs, inputs, *kernel = layer.weights.shape
        self._builder.add_convolution(
            layer.name,
            inputs,
            outputs,
            *kernel,
            *layer.stride,
            "valid",
            layer.groups,
            W=layer.weights.transpose(2, 3, 1, 0),
            b=layer.bias,
            has_bias=layer.bias is not None,
            input_name=self._blobs[layer.bottoms[0]],
            output_name=layer.name,
            **self._padding(layer),
        )

    @_write.register
    def _(self, layer: Pooling) -> None:
        self._builder.add_pooling(
            layer.name,
            *layer.kernel,
            *layer.stride,
            "MAX" if layer.method == "max" else "AVERAGE",
            "VALID",
            self._blobs[layer.bottoms[0]],
            layer.name,
            exclude_pad_area=not layer.counts_padding,
            **self._padding(layer),
        )

    @_write.register
    def _(self, layer: Pad) -> None:
        (top, bottom), (left, right) = layer.rows, layer.columns
        blob = self._blobs[layer.bottoms[0]]
        self._builder.add_padding(layer.name, left, right, top, bottom, 0.0, blob, layer.name)

    @_write.register
    def _(self, layer: Sum) -> None:
        terms = []
        for position, factor in enumerate(layer.coefficients):
            blob = self._blobs[layer.bottoms[position]]
            if factor != 1:
                name = f"{layer.name}_term_{position}"
                blob = _combine(self._builder, name, [blob], "MULTIPLY", alpha=factor)
            terms.append(blob)
        _combine(self._builder, layer.name, terms, "ADD")

    @_write.register
    def _(self, layer: Concat) -> None:
        blobs = [self._blobs[bottom] for bottom in layer.bottoms]
        _combine(self._builder, layer.name, blobs, "CONCAT")

    @_write.register
    def _(self, layer: Relu) -> None:
        self._builder.add_activation(layer.name, "RELU", self._blobs[layer.bottoms[0]], layer.name)

    @_write.register
    def _(self, layer: Softmax) -> None:
        self._builder.add_softmax(layer.name, self._blobs[layer.bottoms[0]], layer.name)

    @_write.register
    def _(self, layer: Product) -> None:
        blobs = [self._blobs[bottom] for bottom in layer.bottoms]
        _combine(self._builder, layer.name, blobs, "MULTIPLY")

    @_write.register
    def _(self, layer: Upsample) -> None:
        blob, factor = self._blobs[layer.bottoms[0]], layer.factor
        self._builder.add_upsample(layer.name, factor, factor, blob, layer.name, mode="NN")

    @_write.register
    def _(self, layer: Slice) -> None:
        blob = self._blobs[layer.bottoms[0]]
        self._builder.add_slice(layer.name, blob, layer.name, "channel", layer.start, layer.end)

    @_write.register
    def _(self, layer: Activation) -> None:
        if layer.kind not in _KINDS:
            raise ModelError(
                f"{layer.name!r} is {layer.kind}, which only a program can: leave out "
                "--neural-network"
            )
        kind, params = _KINDS[layer.kind]
        blob = self._blobs[layer.bottoms[0]]
        self._builder.add_activation(layer.name, kind, blob, layer.name, params=params)

    def _padding(self, layer: Convolution | Pooling) -> dict[str, int]:
        sides = ("padding_top", "padding_bottom", "padding_left", "padding_right")
        amounts = pads(layer, self._network.shapes[layer.bottoms[0]])
        return dict(zip(sides, amounts, strict=True))


_KINDS: dict[str, tuple[str, Any]] = {
    "elu": ("ELU", 1.0),
    "hard_sigmoid": ("SIGMOID_HARD", [1 / 6, 0.5]),
    "sigmoid": ("SIGMOID", None),
    "tanh": ("TANH", None),
}


def _combine(
    builder: Any, name: str, blobs: list[str], mode: str, alpha: float | None = None
) -> str:
    """Append a step that combines blobs element by element, or joins them; return its blob."""
    builder.add_elementwise(name, blobs, name, mode, alpha=alpha)
    return name
