"""An embedding network as CoreML's writers take it: convolutions, with all shapes known."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import sqrt
from typing import Any

import numpy as np

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
    Padding,
    Pooling,
    Relu,
    Sum,
)
from faceserver.conversion.graph.simplify import simplify
from faceserver.conversion.readers.from_graphdef import layers_from_graph
from faceserver.conversion.readers.tf_source import TfSource
from faceserver.errors import ModelError
from faceserver.models.spec import Normalization, WhiteningNormalization

INPUT = "image"
OUTPUT = "embedding"

OWN_PREFIXES = ("pixels", "whiten_", "unit_")
"""How the names of the steps begin that are added before and after the network."""

Shape = tuple[int, int, int]
"""Channels, rows and columns."""

Pads = tuple[int, int, int, int]
"""What is added at the top, the bottom, the left and the right."""


@dataclass(frozen=True)
class Embedder:
    """A network that makes one vector of one picture.

    Attributes:
        layers: Input, Convolution, Pooling, Pad, Relu, Sum and Concat, each after those it reads;
            their names are letters, digits and underscores.
        shapes: of what each layer makes.
    """

    layers: list[Layer]
    shapes: dict[str, Shape]

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
        scale: factor of each value.
        bias: what is added then.
        floor: the smallest deviation that the centred values are divided by; None: no whitening.
    """

    scale: float
    bias: float
    floor: float | None


def read_embedder(source: TfSource, input_size: int | None = None) -> Embedder:
    """Read the network of a source.

    Args:
        source: a frozen graph, checkpoint or SavedModel.
        input_size: rows and columns, for a graph that leaves them open.

    Raises:
        ModelError: it is no network that makes an embedding of a picture.
    """
    return embedder(simplify(layers_from_graph(source.graph, input_size)))


def embedder(layers: Sequence[Layer]) -> Embedder:
    """Prepare simplified layers: all that has weights becomes a convolution, shapes are computed.

    Raises:
        ModelError: the layers do not make one vector of one RGB picture, or one of them is of a
            kind that no FaceNet has; the message names it.
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
        shapes[name] = _output_shape(layer, bottom_shapes)
    found = Embedder(list(prepared.values()), shapes)
    _require_facenet(found)
    return found


def pads(layer: Convolution | Pooling, bottom: Shape) -> Pads:
    """Compute what TensorFlow adds around a blob of the shape ``bottom``."""
    top, below = _axis_pads(layer.padding, bottom[1], _kernel(layer)[0], layer.stride[0])
    left, right = _axis_pads(layer.padding, bottom[2], _kernel(layer)[1], layer.stride[1])
    return top, below, left, right


def pixel_scaling(normalization: Normalization, shape: Shape) -> PixelScaling:
    """Translate a normalization for pictures of a shape.

    Whitening takes out any scale and bias that came before, so the values are first brought to -1
    to 1, where 16-bit numbers hold their squares and sums; the floor 1/sqrt(n) shrinks alike.
    """
    if isinstance(normalization, WhiteningNormalization):
        factor, middle = 1 / 128, 127.5
        return PixelScaling(factor, -middle * factor, factor / sqrt(np.prod(shape)))
    if isinstance(normalization.mean, tuple) or isinstance(normalization.scale, tuple):
        raise ModelError("CoreML takes one mean and one scale for all channels")
    return PixelScaling(normalization.scale, -normalization.mean * normalization.scale, None)


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
    """Write a scale and an offset of each channel as a 1x1 convolution.

    It stands only where nothing could take it in: before the first convolution, or after a sum.
    """
    channels = bottom[0]
    weights = np.diag(np.broadcast_to(scale, channels)).astype(np.float32)[:, :, None, None]
    bias = np.broadcast_to(offset, channels).astype(np.float32)
    return Convolution(layer.name, layer.bottoms, weights, bias, (1, 1), "VALID")


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


def _output_shape(layer: Layer, bottoms: list[Shape]) -> Shape:
    match layer:
        case Input():
            return layer.shape[1:]
        case Convolution():
            if layer.weights.shape[1] != bottoms[0][0]:
                raise ModelError(
                    f"{layer.name!r} needs {layer.weights.shape[1]} channels, its input has "
                    f"{bottoms[0][0]}"
                )
            return (layer.weights.shape[0], *_windows(layer, bottoms[0]))
        case Pooling():
            return (bottoms[0][0], *_windows(layer, bottoms[0]))
        case Pad():
            channels, rows, columns = bottoms[0]
            return channels, rows + sum(layer.rows), columns + sum(layer.columns)
        case Concat() if len({shape[1:] for shape in bottoms}) == 1:
            return (sum(shape[0] for shape in bottoms), *bottoms[0][1:])
        case Relu() | Sum() if len(set(bottoms)) == 1:
            return bottoms[0]
        case Concat() | Sum():
            raise ModelError(f"{layer.name!r} joins blobs of different shapes {bottoms}")
    raise ModelError(f"{layer.name!r} is a {type(layer).__name__}, which no FaceNet has")


def _windows(layer: Convolution | Pooling, bottom: Shape) -> tuple[int, int]:
    top, below, left, right = pads(layer, bottom)
    kernel, stride = _kernel(layer), layer.stride
    rows = (bottom[1] + top + below - kernel[0]) // stride[0] + 1
    columns = (bottom[2] + left + right - kernel[1]) // stride[1] + 1
    if rows < 1 or columns < 1:
        raise ModelError(f"{layer.name!r} has a window larger than its input, which is {bottom}")
    return rows, columns


def _kernel(layer: Convolution | Pooling) -> tuple[int, int]:
    if isinstance(layer, Pooling):
        return layer.kernel
    _outputs, _inputs, rows, columns = layer.weights.shape
    return rows, columns


def _axis_pads(padding: Padding, size: int, kernel: int, stride: int) -> tuple[int, int]:
    """SAME lets ceil(size / stride) windows fit, and puts an odd pixel at the end."""
    if padding == "VALID":
        return 0, 0
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def _require_facenet(found: Embedder) -> None:
    if not found.layers or [isinstance(layer, Input) for layer in found.layers].count(True) != 1:
        raise ModelError("the graph is no FaceNet: it must have one input")
    if not isinstance(found.layers[0], Input) or found.input_shape[0] != 3:
        raise ModelError("the graph is no FaceNet: its input must be a picture of 3 channels")
    channels, *size = found.shapes[found.layers[-1].name]
    if size != [1, 1] or channels < 2 or not found.convolutions:
        raise ModelError(
            f"the graph is no FaceNet: it must end in one vector, not in {(channels, *size)}"
        )
