"""Turns sums and products of OpenVINO's models into layers: of blobs, or of one and constants."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceserver.conversion.graph.layers import Activation, Affine, Bias, Product, Relu, Scale, Sum
from faceserver.conversion.graph.unsupported import Unsupported
from faceserver.conversion.readers.ov_blobs import WITHOUT_BIAS, Blob, Reader
from faceserver.types import Floats


def add(reader: Reader, node: Any) -> None:
    """Translate a sum."""
    _sum(reader, node, 1.0)


def subtract(reader: Reader, node: Any) -> None:
    """Translate a difference."""
    _sum(reader, node, -1.0)


def multiply(reader: Reader, node: Any) -> None:
    """Translate a product."""
    if reader.is_blob(node, 0) and reader.is_blob(node, 1):
        _product(reader, node)
        return
    blob, values = _with_constant(reader, node)
    _scaled(reader, node, blob, values)


def negative(reader: Reader, node: Any) -> None:
    """Translate a change of sign."""
    _scaled(reader, node, reader.blob(node), np.full(1, -1))


def divide(reader: Reader, node: Any) -> None:
    """Translate a division by a constant."""
    if not reader.is_blob(node, 0) or reader.is_blob(node, 1):
        raise Unsupported("only a division by a constant is supported")
    blob, values = _with_constant(reader, node)
    _scaled(reader, node, blob, 1 / values.astype(np.float64))


def maximum(reader: Reader, node: Any) -> None:
    """Translate max(x, 0)."""
    blob, values = _with_constant(reader, node)
    if values.size != 1 or values[0] != 0:
        raise Unsupported("only the larger one of x and 0 is supported")
    layer = Relu(reader.name(node), (blob.layer,))
    reader.set(node.output(0), reader.make(layer, blob.axes, blob.order))


def minimum(reader: Reader, node: Any) -> None:
    """Translate min(x, 6), where x is not negative."""
    blob, values = _with_constant(reader, node)
    source = next(each for each in reader.layers if each.name == blob.layer)
    if values.size != 1 or values[0] != 6 or not isinstance(source, Relu):
        raise Unsupported("only the smaller one of 6 and what is not negative is supported")
    layer = Activation(reader.name(node), (blob.layer,), kind="relu6")
    reader.set(node.output(0), reader.make(layer, blob.axes, blob.order))


def along_channels(blob: Blob, values: NDArray[Any]) -> Floats:
    """Return a constant's values for the channels of a blob: one for each, or one for all.

    Raises:
        Unsupported: it has others for other places.
    """
    flat = np.asarray(values, np.float32).reshape(-1)
    if flat.size == 1:
        return flat
    sizes = (1,) * (len(blob.axes) - values.ndim) + values.shape
    places = [place for place, size in enumerate(sizes) if size != 1]
    if len(sizes) != len(blob.axes) or [blob.axes[place] for place in places] != ["c"]:
        raise Unsupported(f"a constant of the shape {list(values.shape)} is not supported")
    return flat


def _sum(reader: Reader, node: Any, sign: float) -> None:
    name = reader.name(node)
    if reader.is_blob(node, 0) and reader.is_blob(node, 1):
        first, second = (reader.blob(node, index) for index in (0, 1))
        if first.axes != second.axes or reader.shape(first) != reader.shape(second):
            raise Unsupported("only a sum of two blobs of one shape is supported")
        total = Sum(name, (first.layer, second.layer), coefficients=(1.0, sign))
        reader.set(node.output(0), reader.make(total, first.axes, first.order))
        return
    if sign < 0 and not reader.is_blob(node, 0):
        raise Unsupported("a constant in the first place is not supported")
    blob, values = _with_constant(reader, node)
    channels = reader.shape(blob)[0]
    if (
        node.input_value(0).get_node().get_friendly_name()
        == f"{node.get_friendly_name()}{WITHOUT_BIAS}"
    ):
        name = f"{name}/bias"
    layer = Bias(name, (blob.layer,), values=np.broadcast_to(sign * values, channels))
    reader.set(node.output(0), reader.make(layer, blob.axes, blob.order))


def _product(reader: Reader, node: Any) -> None:
    blobs = [reader.blob(node, index) for index in (0, 1)]
    # The one with rows and columns comes first; the other may be a factor for each channel.
    first, second = sorted(blobs, key=lambda blob: -np.prod(reader.shape(blob)[1:]))
    places = [blob.axes.find("c") for blob in blobs]
    if len(first.axes) != len(second.axes) or places[0] != places[1]:
        raise Unsupported("only a product of two blobs of one shape, or by channel, is supported")
    layer = Product(reader.name(node), (first.layer, second.layer))
    reader.set(node.output(0), reader.make(layer, first.axes, first.order))


def _scaled(reader: Reader, node: Any, blob: Blob, values: NDArray[Any]) -> None:
    name = reader.name(node)
    layer: Scale | Affine
    if values.size == 1:
        layer = Scale(name, (blob.layer,), factor=float(values.reshape(())))
    else:
        scale = np.asarray(values, np.float32)
        layer = Affine(name, (blob.layer,), scale=scale, offset=np.zeros(1, np.float32))
    reader.set(node.output(0), reader.make(layer, blob.axes, blob.order))


def _with_constant(reader: Reader, node: Any) -> tuple[Blob, Floats]:
    place = 0 if reader.is_blob(node, 0) else 1
    blob = reader.blob(node, place)
    return blob, along_channels(blob, reader.constant(node, 1 - place))
