"""A network as a plain list of layers: what every reader makes and every writer takes.

A layer's name is also the name of the blob that it makes. Blobs are described as Caffe keeps them,
(batch, channels, rows, columns); only :class:`Flatten` speaks of an order, TensorFlow's, because
there the channels come last.
"""

from dataclasses import dataclass, field
from typing import Literal, TypeVar

from faceserver.types import Floats

Pads = tuple[int, int, int, int]
"""What is added at the top, the bottom, the left and the right."""

Padding = Literal["SAME", "VALID"] | Pads
"""How a window is padded: VALID not at all, SAME as TensorFlow does it, or by given amounts."""

Shape = tuple[int, int, int]
"""Channels, rows and columns of a blob; a row of values has one row and one column."""

ActivationKind = Literal[
    "abs", "elu", "hard_sigmoid", "hard_swish", "relu6", "sigmoid", "softplus", "swish", "tanh"
]
"""Functions of one value; each is what TensorFlow, Keras and PyTorch call by that name."""


@dataclass(frozen=True, eq=False)
class Layer:
    """One step: it reads the blobs ``bottoms`` and makes the blob ``name``.

    ``origin`` is what the source calls the same values, where the reader says so.
    """

    name: str
    bottoms: tuple[str, ...]
    origin: str = field(default="", kw_only=True)


@dataclass(frozen=True, eq=False)
class Input(Layer):
    """A blob that is fed in, shape (batch, channels, rows, columns)."""

    shape: tuple[int, int, int, int]


@dataclass(frozen=True, eq=False)
class Convolution(Layer):
    """A convolution with weights (out, in / groups, rows, columns) and a bias (out,) or none."""

    weights: Floats
    bias: Floats | None
    stride: tuple[int, int]
    padding: Padding
    groups: int = 1


@dataclass(frozen=True, eq=False)
class Pooling(Layer):
    """A pooling; unless it ``counts_padding``, its average is of what lies inside the blob."""

    method: Literal["max", "average"]
    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: Padding
    counts_padding: bool = False


@dataclass(frozen=True, eq=False)
class GlobalAverage(Layer):
    """The mean of each channel; without ``keeps_axes`` it is a row of values."""

    keeps_axes: bool


@dataclass(frozen=True, eq=False)
class Pad(Layer):
    """Zeros before and after the rows and the columns."""

    rows: tuple[int, int]
    columns: tuple[int, int]


@dataclass(frozen=True, eq=False)
class Flatten(Layer):
    """The blob as one row of values, channels varying fastest; ``size`` values if that is known."""

    size: int | None


@dataclass(frozen=True, eq=False)
class Dense(Layer):
    """A matrix product with weights (in, out) and a bias (out,) or none."""

    weights: Floats
    bias: Floats | None


@dataclass(frozen=True, eq=False)
class Bias(Layer):
    """One value (channels,) added to each channel."""

    values: Floats


@dataclass(frozen=True, eq=False)
class BatchNorm(Layer):
    """gamma * (x - mean) / sqrt(variance + epsilon) + beta, each of shape (channels,)."""

    gamma: Floats
    beta: Floats
    mean: Floats
    variance: Floats
    epsilon: float


@dataclass(frozen=True, eq=False)
class Affine(Layer):
    """x * scale + offset, each with one value for each channel or one for all."""

    scale: Floats
    offset: Floats


@dataclass(frozen=True, eq=False)
class Scale(Layer):
    """The blob times one number."""

    factor: float


@dataclass(frozen=True, eq=False)
class Sum(Layer):
    """The sum of two blobs of one shape, each times its coefficient."""

    coefficients: tuple[float, float] = (1.0, 1.0)


@dataclass(frozen=True, eq=False)
class Product(Layer):
    """The product of two blobs; the second may have one row and column, for a factor a channel."""


@dataclass(frozen=True, eq=False)
class Slice(Layer):
    """Some of a blob's channels, from ``start`` up to before ``end``."""

    start: int
    end: int


@dataclass(frozen=True, eq=False)
class Upsample(Layer):
    """Each value ``factor`` times in rows and columns."""

    factor: int


@dataclass(frozen=True, eq=False)
class Concat(Layer):
    """Several blobs, one after the other along the channels."""


@dataclass(frozen=True, eq=False)
class Relu(Layer):
    """max(x, 0)."""


@dataclass(frozen=True, eq=False)
class Activation(Layer):
    """A function of each value by itself."""

    kind: ActivationKind


@dataclass(frozen=True, eq=False)
class PRelu(Layer):
    """max(x, 0) + slope * min(x, 0), with slopes of shape (channels,)."""

    slopes: Floats


@dataclass(frozen=True, eq=False)
class Softmax(Layer):
    """exp(x) over its sum along the channels."""


AnyLayer = TypeVar("AnyLayer", bound=Layer)


def consumers(layers: list[Layer]) -> dict[str, list[Layer]]:
    """Return the layers that read each blob; none for an output."""
    readers: dict[str, list[Layer]] = {layer.name: [] for layer in layers}
    for layer in layers:
        for bottom in layer.bottoms:
            readers[bottom].append(layer)
    return readers
