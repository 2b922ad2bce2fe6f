"""Writes a network as a TFLite file: pixels in, a unit vector or other values out."""

from collections.abc import Callable
from functools import singledispatchmethod
from typing import Any

import numpy as np

from faceserver.conversion.coreml.network import INPUT, OUTPUT, Embedder, PixelScaling
from faceserver.conversion.graph.layers import (
    Activation,
    Concat,
    Convolution,
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
)
from faceserver.conversion.graph.shapes import output_shape, pads
from faceserver.conversion.graph.unsupported import write_each
from faceserver.conversion.readers.tensorflow_library import tensorflow
from faceserver.errors import ModelError

_LEAST_SQUARE = 1e-10  # FaceNet's epsilon
_LOWEST = float(np.finfo(np.float32).min)  # what a maximum ignores


def to_tflite(network: Embedder, pixels: PixelScaling, *, weights: str = "float32") -> bytes:
    """Build the file with TensorFlow.

    Args:
        network: the layers.
        pixels: the normalization, which becomes part of the file.
        weights: float32, float16 or int8; the last two are widened when they are used.

    Returns:
        A file with the input ``image``, float32 of shape (1, rows, columns, 3) with RGB values from
        0 to 255, and the output ``embedding``, float32 of shape (1, dims); of a network that makes
        other values its outputs, channels last.

    Raises:
        SetupError: TensorFlow is not installed.
        ModelError: TensorFlow cannot write a layer.
    """
    library = tensorflow("to write TFLite")
    _channels, rows, columns = network.input_shape
    spec = library.TensorSpec([1, rows, columns, 3], library.float32, name=INPUT)
    writer = _Writer(library, network)
    call = library.function(
        lambda image: writer.write_all(image, pixels), input_signature=[spec], autograph=False
    )
    module = library.Module()
    converter = library.lite.TFLiteConverter.from_concrete_functions(
        [call.get_concrete_function()], module
    )
    if weights != "float32":
        converter.optimizations = [library.lite.Optimize.DEFAULT]
    if weights == "float16":
        converter.target_spec.supported_types = [library.float16]
    try:
        content: bytes = converter.convert()
    except Exception as error:  # the converter lets through whatever its compiler raises
        raise ModelError(f"TensorFlow cannot write TFLite: {error}") from error
    return content


class _Writer:
    """Computes layers in TensorFlow, channels last."""

    def __init__(self, library: Any, network: Embedder) -> None:
        self._tf = library
        self._network = network
        self._made: dict[str, Any] = {}

    def write_all(self, image: Any, pixels: PixelScaling) -> dict[str, Any]:
        """Compute the outputs of a picture by their names."""
        tf, (first, *layers) = self._tf, self._network.layers
        self._made[first.name] = self._normalized(image, pixels)
        write_each(layers, self._keep)
        if self._network.outputs:
            ends = self._network.outputs.items()
            return {name: tf.identity(self._made[layer], name=name) for layer, name in ends}
        row = tf.reshape(self._made[layers[-1].name], [1, self._network.dims])
        square = tf.reduce_sum(row * row, axis=1, keepdims=True)
        return {OUTPUT: row / tf.sqrt(tf.maximum(square, _LEAST_SQUARE))}

    def _keep(self, layer: Layer) -> None:
        self._made[layer.name] = self._write(layer)

    def _normalized(self, image: Any, pixels: PixelScaling) -> Any:
        tf = self._tf
        ordered = tf.reverse(image, [3]) if pixels.bgr else image
        values = ordered * np.float32(pixels.scale) + np.float32(pixels.bias)
        if pixels.floor is None:
            return values
        centred = values - tf.reduce_mean(values, keepdims=True)
        deviation = tf.sqrt(tf.reduce_mean(centred * centred, keepdims=True))
        return centred / tf.maximum(deviation, np.float32(pixels.floor))

    @singledispatchmethod
    def _write(self, layer: Layer) -> Any:
        raise ModelError(f"{layer.name!r} is a {type(layer).__name__}, which is not supported")

    @_write.register
    def _(self, layer: Convolution) -> Any:
        tf = self._tf
        x = self._padded(self._bottom(layer), layer, 0.0)
        weights = layer.weights.transpose(2, 3, 1, 0)  # rows, columns, in, out
        channels = self._network.shapes[layer.bottoms[0]][0]
        if layer.groups == channels > 1 and len(layer.weights) == channels:
            strides = [1, *layer.stride, 1]
            if layer.stride[0] != layer.stride[1]:
                raise ModelError(f"{layer.name!r} has unequal steps, which TFLite cannot")
            made = tf.nn.depthwise_conv2d(x, weights.transpose(0, 1, 3, 2), strides, "VALID")
        elif layer.groups > 1:
            parts = zip(
                tf.split(x, layer.groups, 3), np.split(weights, layer.groups, 3), strict=True
            )
            made = tf.concat([tf.nn.conv2d(a, b, layer.stride, "VALID") for a, b in parts], 3)
        else:
            made = tf.nn.conv2d(x, weights, layer.stride, "VALID")
        return made if layer.bias is None else tf.nn.bias_add(made, layer.bias)

    @_write.register
    def _(self, layer: Pooling) -> Any:
        tf, x = self._tf, self._bottom(layer)
        if layer.method == "max":
            padded = self._padded(x, layer, _LOWEST)
            return tf.nn.max_pool2d(padded, layer.kernel, layer.stride, "VALID")
        made = tf.nn.avg_pool2d(self._padded(x, layer, 0.0), layer.kernel, layer.stride, "VALID")
        factors = self._shares(layer)
        return made if layer.counts_padding or np.all(factors == 1) else made * factors

    def _shares(self, layer: Pooling) -> Any:
        """By how much the values inside the blob are fewer than a window has, for each place."""
        bottom = self._network.shapes[layer.bottoms[0]]
        top, _below, left, _right = pads(layer, bottom)
        _channels, *made = output_shape(layer, [bottom])
        axes = []
        for axis, before in enumerate((top, left)):
            starts = np.arange(made[axis]) * layer.stride[axis] - before
            ends = np.minimum(starts + layer.kernel[axis], bottom[axis + 1])
            axes.append(layer.kernel[axis] / (ends - np.maximum(starts, 0)))
        return np.outer(*axes).astype(np.float32)[None, :, :, None]

    @_write.register
    def _(self, layer: Pad) -> Any:
        amounts = [[0, 0], [*layer.rows], [*layer.columns], [0, 0]]
        return self._tf.pad(self._bottom(layer), amounts)

    @_write.register
    def _(self, layer: Sum) -> Any:
        first, second = (
            self._made[bottom] * np.float32(factor) if factor != 1 else self._made[bottom]
            for bottom, factor in zip(layer.bottoms, layer.coefficients, strict=True)
        )
        return first + second

    @_write.register
    def _(self, layer: Product) -> Any:
        first, second = (self._made[bottom] for bottom in layer.bottoms)
        return first * second

    @_write.register
    def _(self, layer: Concat) -> Any:
        return self._tf.concat([self._made[bottom] for bottom in layer.bottoms], 3)

    @_write.register
    def _(self, layer: Slice) -> Any:
        return self._bottom(layer)[..., layer.start : layer.end]

    @_write.register
    def _(self, layer: Relu) -> Any:
        return self._tf.nn.relu(self._bottom(layer))

    @_write.register
    def _(self, layer: PRelu) -> Any:
        tf, x = self._tf, self._bottom(layer)
        return tf.nn.relu(x) - layer.slopes * tf.nn.relu(-x)

    @_write.register
    def _(self, layer: Softmax) -> Any:
        return self._tf.nn.softmax(self._bottom(layer), axis=3)

    @_write.register
    def _(self, layer: Upsample) -> Any:
        x, factor = self._bottom(layer), layer.factor
        size = [each * factor for each in self._network.shapes[layer.bottoms[0]][1:]]
        return self._tf.image.resize(x, size, method="nearest")

    @_write.register
    def _(self, layer: Activation) -> Any:
        tf, x = self._tf, self._bottom(layer)
        functions: dict[str, Callable[[Any], Any]] = {
            "abs": tf.abs,
            "elu": tf.nn.elu,
            "hard_sigmoid": lambda v: tf.nn.relu6(v + 3) / 6,
            "hard_swish": lambda v: v * tf.nn.relu6(v + 3) / 6,
            "relu6": tf.nn.relu6,
            "sigmoid": tf.sigmoid,
            "softplus": tf.math.softplus,
            "swish": lambda v: v * tf.sigmoid(v),
            "tanh": tf.tanh,
        }
        return functions[layer.kind](x)

    def _bottom(self, layer: Layer) -> Any:
        return self._made[layer.bottoms[0]]

    def _padded(self, x: Any, layer: Convolution | Pooling, value: float) -> Any:
        top, below, left, right = pads(layer, self._network.shapes[layer.bottoms[0]])
        if not any((top, below, left, right)):
            return x
        amounts = [[0, 0], [top, below], [left, right], [0, 0]]
        return self._tf.pad(x, amounts, constant_values=value)
