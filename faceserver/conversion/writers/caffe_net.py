"""Collects the layers and weights of a Caffe network that is made of neutral layers."""

from collections.abc import Mapping, Sequence

import numpy as np

from faceserver.conversion.caffe.caffe_pb2 import LayerParameter, NetParameter, PoolingParameter
from faceserver.conversion.caffe.shapes import output_shape
from faceserver.conversion.caffe.windows import Pair, Shape
from faceserver.conversion.graph.layers import Layer, Pooling
from faceserver.conversion.graph.shapes import pads
from faceserver.conversion.writers.windows import caffe_pooling, set_window
from faceserver.errors import ModelError
from faceserver.types import Floats


class CaffeNet:
    """A network that grows layer by layer; blobs bear the names of the layers that make them.

    Attributes:
        net: the network without weights.
        weights: each layer's blobs.
        blobs: the blob that holds what a neutral layer makes.
    """

    def __init__(self, name: str, readers: Mapping[str, Sequence[Layer]]) -> None:
        """Begin a network; ``readers`` are the layers that read each neutral layer."""
        self.net = NetParameter(name=name)
        self.weights: dict[str, list[Floats]] = {}
        self.blobs: dict[str, str] = {}
        self._readers = readers
        self._shapes: dict[str, Shape] = {}  # of each blob

    def shape(self, layer: Layer, index: int = 0) -> Shape:
        """Return the shape of what a layer reads, without the batch."""
        return self._shapes[self.blobs[layer.bottoms[index]]][1:]

    def begin(self, layer: Layer, kind: str, *, in_place: bool = False) -> LayerParameter:
        """Make a layer of Caffe, which :meth:`end` appends.

        Raises:
            ModelError: there is a layer of that name.
        """
        if layer.name in self.blobs:
            raise ModelError(f"two layers are named {layer.name!r}")
        bottoms = [self.blobs[bottom] for bottom in layer.bottoms]
        top = layer.name
        # An output keeps its own blob, so that it has the layer's name.
        if in_place and self._readers[layer.name] and len(self._readers[layer.bottoms[0]]) == 1:
            (top,) = bottoms
        return LayerParameter(name=layer.name, type=kind, bottom=bottoms, top=[top])

    def end(self, layer: Layer, caffe: LayerParameter, *weights: Floats | None) -> None:
        """Append a layer of Caffe with its weights."""
        shape = output_shape(caffe, [self._shapes[bottom] for bottom in caffe.bottom])
        self.blobs[layer.name] = caffe.top[0]
        self._shapes[caffe.top[0]] = shape
        self.net.layer.append(caffe)
        if weights:
            self.weights[layer.name] = [array for array in weights if array is not None]

    def convolution(
        self,
        layer: Layer,
        weights: Floats,
        bias: Floats | None,
        stride: Pair = (1, 1),
        pad: Pair = (0, 0),
        *,
        groups: int = 1,
    ) -> None:
        """Append a convolution."""
        caffe = self.begin(layer, "Convolution")
        param = caffe.convolution_param
        param.num_output = len(weights)
        if groups != 1:
            param.group = groups
        set_window(param, (weights.shape[2], weights.shape[3]), stride, pad)
        if bias is None:
            param.bias_term = False
        self.end(layer, caffe, weights, bias)

    def scale(self, layer: Layer, scale: Floats, offset: Floats) -> None:
        """Append factors and offsets of each channel, or one for all.

        Raises:
            ModelError: there are not as many as channels.
        """
        channels = self.shape(layer)[0]
        if {scale.size, offset.size} - {1, channels}:
            raise ModelError(f"{layer.name!r} scales another number of channels than {channels}")
        caffe = self.begin(layer, "Scale")
        caffe.scale_param.bias_term = True
        self.end(layer, caffe, *(np.broadcast_to(values, channels) for values in (scale, offset)))

    def pooling(self, layer: Pooling) -> None:
        """Append a pooling, and what makes Caffe's the one that is meant.

        Raises:
            ModelError: nothing does.
        """
        shape = channels, *sizes = self.shape(layer)
        top, bottom, left, right = pads(layer, (shape[0], shape[1], shape[2]))
        if layer.kernel == (1, 1) and not any((top, bottom, left, right)):
            copies = np.ones((channels, 1, 1, 1), np.float32)
            self.convolution(layer, copies, None, layer.stride, groups=channels)
            return
        ends = ((top, bottom), (left, right))
        rows, columns = (
            caffe_pooling(layer, *axis)
            for axis in zip(sizes, layer.kernel, layer.stride, ends, strict=True)
        )
        cropped, scaled = rows.extra or columns.extra, rows.factors or columns.factors
        complete = f"{layer.name}/unscaled" if scaled else layer.name
        first = Layer(f"{layer.name}/uncropped" if cropped else complete, layer.bottoms)
        caffe = self.begin(first, "Pooling")
        param = caffe.pooling_param
        param.pool = PoolingParameter.MAX if layer.method == "max" else PoolingParameter.AVE
        set_window(param, layer.kernel, layer.stride, (rows.pad, columns.pad))
        self.end(first, caffe)
        if cropped:
            self._crop(Layer(complete, (first.name,)), (rows.extra, columns.extra))
        if scaled:
            self._scale_places(Layer(layer.name, (complete,)), rows.factors, columns.factors)

    def _crop(self, layer: Layer, extra: Pair) -> None:
        """Drop the last rows and columns, which Caffe's pooling makes by rounding up.

        Each channel goes through a convolution that copies its window's first value: unlike
        Caffe's Crop, it needs no other blob to take the size from, and every runtime has it.
        """
        channels = self.shape(layer)[0]
        weights = np.zeros((channels, 1, extra[0] + 1, extra[1] + 1), np.float32)
        weights[:, :, 0, 0] = 1
        self.convolution(layer, weights, None, groups=channels)

    def _scale_places(self, layer: Layer, rows: Sequence[float], columns: Sequence[float]) -> None:
        """Multiply each place by a number of its own: that of its row times that of its column."""
        _channels, *sizes = self.shape(layer)
        row, column = (
            np.asarray(factors or np.ones(size))
            for factors, size in zip((rows, columns), sizes, strict=True)
        )
        caffe = self.begin(layer, "Scale")
        caffe.scale_param.axis, caffe.scale_param.num_axes = 2, 2
        self.end(layer, caffe, np.outer(row, column).astype(np.float32))
