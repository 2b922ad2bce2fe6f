"""A network as CoreML's and TFLite's writers take it: convolutions, with all shapes known."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import sqrt
from typing import Any

import numpy as np

from faceserver.conversion.graph.layers import (
    Affine,
    BatchNorm,
    Convolution,
    Dense,
    Flatten,
    GlobalAverage,
    Input,
    Layer,
    Pooling,
    Shape,
)
from faceserver.conversion.graph.shapes import output_shape
from faceserver.conversion.network import Network
from faceserver.errors import ModelError
from faceserver.models.spec import Normalization, WhiteningNormalization
from faceserver.types import Floats

INPUT = "image"
OUTPUT = "embedding"

OWN_PREFIXES = ("pixels", "whiten_", "unit_")
"""How the names of the steps begin that are added before and after the network."""


@dataclass(frozen=True)
class Embedder:
    """A network that makes one vector, or other values, of one picture.

    Attributes:
        layers: each after those it reads; all that has weights is a convolution, and names are
            letters, digits and underscores.
        shapes: of what each layer makes.
        outputs: by the layers that make them, the outputs' names; of a network that makes one
            vector none, for its last layer is what is scaled to unit length.
    """

    layers: list[Layer]
    shapes: dict[str, Shape]
    outputs: Mapping[str, str]

    @property
    def input_shape(self) -> Shape:
        """Channels, rows and columns of the picture."""
        return self.shapes[self.layers[0].name]

    @property
    def dims(self) -> int:
        """Length of the embedding."""
        return self.shapes[self.layers[-1].name][0]

    @property
    def convolutions(self) -> list[Convolution]:
        """The layers that have weights."""
        return [layer for layer in self.layers if isinstance(layer, Convolution)]


@dataclass(frozen=True)
class PixelScaling:
    """What happens to the values 0 to 255: x * scale + bias, then whitening where it has a floor.

    Attributes:
        scale: factor of each value, or of each channel.
        bias: what is added then, likewise.
        floor: the smallest deviation that the centred values are divided by; None: no whitening.
        bgr: whether the network takes blue first.
    """

    scale: float | Floats
    bias: float | Floats
    floor: float | None
    bgr: bool = False


def coreml_network(network: Network) -> Embedder:
    """Prepare a network that was read.

    Raises:
        ModelError: a layer does not fit; the message names the source's file.
    """
    try:
        names = None if network.dims else network.outputs
        return embedder(network.layers, names)
    except ModelError as error:
        raise ModelError(f"{network.source.path}: {error}") from error


def embedder(layers: Sequence[Layer], outputs: Mapping[str, str] | None = None) -> Embedder:
    """Prepare simplified layers: all that has weights becomes a convolution, shapes are computed.

    Args:
        layers: each after those it reads.
        outputs: the layers whose values are wanted; None where it is one vector.

    Raises:
        ModelError: the layers do not make one vector of one RGB picture, or do not fit together;
            the message names them.
    """
    prepared: dict[str, Layer] = {}  # by the names in the source
    shapes: dict[str, Shape] = {}
    names: dict[str, str] = {}
    for given in layers:
        bottom_shapes = [shapes[names[bottom]] for bottom in given.bottoms]
        if isinstance(given, Flatten):  # what reads it takes the blob as it is
            names[given.name] = names[given.bottoms[0]]
            continue
        layer = _lowered(given, bottom_shapes)
        names[given.name] = name = _free_name(given.name, prepared)
        prepared[name] = replace(
            layer, name=name, bottoms=tuple(names[bottom] for bottom in layer.bottoms)
        )
        shapes[name] = output_shape(layer, bottom_shapes)
    if outputs is None:
        found = Embedder(list(prepared.values()), shapes, {})
        _require_facenet(found)
        return found
    ends = {names[end]: re.sub(r"\W", "_", end, flags=re.ASCII) for end in outputs}
    return Embedder(list(prepared.values()), shapes, ends)


def pixel_scaling(
    normalization: Normalization, shape: Shape, channels: str = "rgb"
) -> PixelScaling:
    """Translate a normalization for pictures of a shape.

    Whitening takes out any scale and bias that came before, so the values are first brought to -1
    to 1, where 16-bit numbers hold their squares and sums; the floor 1/sqrt(n) shrinks alike.
    """
    if isinstance(normalization, WhiteningNormalization):
        factor, middle = 1 / 128, 127.5
        floor = factor / sqrt(np.prod(shape))
        return PixelScaling(factor, -middle * factor, floor, channels == "bgr")
    mean, scale = normalization.mean, normalization.scale
    if isinstance(mean, tuple) or isinstance(scale, tuple):
        factors = np.broadcast_to(np.asarray(scale, np.float32), 3)
        means = np.broadcast_to(np.asarray(mean, np.float32), 3)
        return PixelScaling(factors, -means * factors, None, channels == "bgr")
    return PixelScaling(scale, -mean * scale, None, channels == "bgr")


def _lowered(layer: Layer, bottoms: list[Shape]) -> Layer:
    """Write a layer by one of those that an :class:`Embedder` has."""
    match layer:
        case Dense():
            return _as_convolution(layer, bottoms[0])
        case Affine():
            return _diagonal(layer, layer.scale, layer.offset, bottoms[0])
        case BatchNorm():
            # In float64, so that this adds no error.
            scale = layer.gamma / np.sqrt(layer.variance.astype(np.float64) + layer.epsilon)
            return _diagonal(layer, scale, layer.beta - layer.mean * scale, bottoms[0])
        case GlobalAverage():
            kernel = bottoms[0][1:]
            return Pooling(layer.name, layer.bottoms, "average", kernel, (1, 1), "VALID")
    return layer


def _diagonal(layer: Layer, scale: Any, offset: Any, bottom: Shape) -> Convolution:
    """Write a scale and an offset of each channel as a 1x1 convolution of each with itself.

    It stands only where nothing could take it in: before the first convolution, or after a sum.
    """
    channels = bottom[0]
    weights = np.broadcast_to(scale, channels).astype(np.float32).reshape(channels, 1, 1, 1)
    bias = np.broadcast_to(offset, channels).astype(np.float32)
    return Convolution(layer.name, layer.bottoms, weights, bias, (1, 1), "VALID", groups=channels)


def _as_convolution(layer: Dense, bottom: Shape) -> Convolution:
    """Write a matrix product as a convolution whose window is the whole blob.

    Over a blob of one row and column that is the 1x1 convolution which CoreML runs best.
    """
    inputs, outputs = layer.weights.shape
    channels, rows, columns = bottom
    if inputs != channels * rows * columns:
        raise ModelError(f"{layer.name!r} needs {inputs} values, its input has {bottom}")
    by_position = layer.weights.reshape(rows, columns, channels, outputs)  # TensorFlow's order
    weights = np.ascontiguousarray(by_position.transpose(3, 2, 0, 1))
    return Convolution(layer.name, layer.bottoms, weights, layer.bias, (1, 1), "VALID")


def _free_name(name: str, taken: dict[str, Layer]) -> str:
    """Make a name that CoreML's programs can bear, and that is not used yet."""
    free = re.sub(r"\W", "_", name, flags=re.ASCII)
    if free in (INPUT, OUTPUT) or free.startswith(OWN_PREFIXES) or free[:1].isdigit():
        free = f"net_{free}"
    while free in taken:
        free += "_"
    return free


def _require_facenet(found: Embedder) -> None:
    if not found.layers or [isinstance(layer, Input) for layer in found.layers].count(True) != 1:
        raise ModelError("the graph is not a FaceNet: it must have one input")
    if not isinstance(found.layers[0], Input) or found.input_shape[0] != 3:
        raise ModelError("the graph is not a FaceNet: its input must be a picture of 3 channels")
    channels, *size = found.shapes[found.layers[-1].name]
    if size != [1, 1] or channels < 2 or not found.convolutions:
        raise ModelError(
            f"the graph is not a FaceNet: it must end in one vector, not in {(channels, *size)}"
        )
