"""The shapes of a network's blobs, and the one rule of how windows are padded."""

from collections.abc import Sequence

from faceserver.conversion.graph.layers import (
    Activation,
    Affine,
    BatchNorm,
    Bias,
    Concat,
    Convolution,
    Dense,
    Flatten,
    GlobalAverage,
    Input,
    Layer,
    Pad,
    Padding,
    Pads,
    Pooling,
    PRelu,
    Product,
    Relu,
    Scale,
    Shape,
    Slice,
    Softmax,
    Sum,
    Upsample,
)
from faceserver.errors import ModelError

_KEEP = (Activation, Affine, BatchNorm, Bias, Flatten, PRelu, Relu, Scale, Softmax)


def shapes(layers: Sequence[Layer]) -> dict[str, Shape]:
    """Compute the shape of what each layer makes: channels, rows and columns.

    A row of values is that many channels of one position; a Flatten that a matrix product reads
    leaves its blob as it is.

    Raises:
        ModelError: a layer does not fit what it reads; the message names it.
    """
    found: dict[str, Shape] = {}
    for layer in layers:
        found[layer.name] = output_shape(layer, [found[bottom] for bottom in layer.bottoms])
    return found


def output_shape(layer: Layer, bottoms: Sequence[Shape]) -> Shape:  # noqa: C901, PLR0911 - a case for each kind of layer
    """Compute the shape of what a layer makes of blobs of the given shapes.

    Raises:
        ModelError: the layer does not fit them.
    """
    match layer:
        case Input():
            return layer.shape[1:]
        case Convolution():
            _require_channels(layer, layer.weights.shape[1] * layer.groups, bottoms[0])
            return (layer.weights.shape[0], *_windows(layer, bottoms[0]))
        case Pooling():
            return (bottoms[0][0], *_windows(layer, bottoms[0]))
        case Dense():
            inputs, outputs = layer.weights.shape
            channels, rows, columns = bottoms[0]
            if inputs != channels * rows * columns:
                raise ModelError(
                    f"{layer.name!r} needs {inputs} values, its input has {bottoms[0]}"
                )
            return outputs, 1, 1
        case GlobalAverage():
            return bottoms[0][0], 1, 1
        case Pad():
            channels, rows, columns = bottoms[0]
            return channels, rows + sum(layer.rows), columns + sum(layer.columns)
        case Slice():
            return (layer.end - layer.start, *bottoms[0][1:])
        case Upsample():
            channels, rows, columns = bottoms[0]
            return channels, rows * layer.factor, columns * layer.factor
        case Concat() | Sum() | Product():
            return _joined(layer, bottoms)
    if isinstance(layer, _KEEP):
        return bottoms[0]
    raise ModelError(f"{layer.name!r} is a {type(layer).__name__}, whose shape is not known")


def pads(layer: Convolution | Pooling, bottom: Shape) -> Pads:
    """Compute what is added around a blob of the shape ``bottom``."""
    if isinstance(layer.padding, tuple):
        return layer.padding
    (rows, columns), stride = kernel(layer), layer.stride
    top, below = axis_pads(layer.padding, bottom[1], rows, stride[0])
    left, right = axis_pads(layer.padding, bottom[2], columns, stride[1])
    return top, below, left, right


def axis_pads(padding: Padding, size: int, window: int, stride: int) -> tuple[int, int]:
    """Compute what TensorFlow adds before and after one axis.

    VALID is nothing. SAME lets ceil(size / stride) windows fit, and puts an odd value at the end.
    """
    if padding != "SAME":
        return 0, 0
    total = max((-(-size // stride) - 1) * stride + window - size, 0)
    return total // 2, total - total // 2


def kernel(layer: Convolution | Pooling) -> tuple[int, int]:
    """Return the rows and columns of a layer's window."""
    if isinstance(layer, Pooling):
        return layer.kernel
    _outputs, _inputs, rows, columns = layer.weights.shape
    return rows, columns


def _windows(layer: Convolution | Pooling, bottom: Shape) -> tuple[int, int]:
    top, below, left, right = pads(layer, bottom)
    window, stride = kernel(layer), layer.stride
    rows = (bottom[1] + top + below - window[0]) // stride[0] + 1
    columns = (bottom[2] + left + right - window[1]) // stride[1] + 1
    if rows < 1 or columns < 1:
        raise ModelError(f"{layer.name!r} has a window larger than its input, which is {bottom}")
    return rows, columns


def _joined(layer: Layer, bottoms: Sequence[Shape]) -> Shape:
    first = bottoms[0]
    if isinstance(layer, Concat) and len({shape[1:] for shape in bottoms}) == 1:
        return (sum(shape[0] for shape in bottoms), *first[1:])
    if isinstance(layer, Product) and bottoms[1] == (first[0], 1, 1):
        return first
    if not isinstance(layer, Concat) and len(set(bottoms)) == 1:
        return first
    raise ModelError(f"{layer.name!r} joins blobs of different shapes {list(bottoms)}")


def _require_channels(layer: Layer, channels: int, bottom: Shape) -> None:
    if channels != bottom[0]:
        raise ModelError(f"{layer.name!r} needs {channels} channels, its input has {bottom[0]}")
