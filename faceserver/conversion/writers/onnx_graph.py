"""Collects the nodes and constants of an ONNX graph that is made from a Caffe network."""

from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import GraphProto, NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

from faceserver.conversion.caffe.caffe_pb2 import LayerParameter, NetParameter
from faceserver.conversion.caffe.caffemodel import Weights
from faceserver.conversion.caffe.shapes import infer_shapes
from faceserver.conversion.caffe.windows import Shape
from faceserver.errors import ModelError
from faceserver.types import Floats


class OnnxGraph:
    """A graph that grows layer by layer, in the order of the network.

    Attributes:
        any_size: whether rows and columns are open.
    """

    def __init__(self, net: NetParameter, weights: Weights, *, any_size: bool) -> None:
        self.any_size = any_size
        self._name = net.name or "net"
        self._weights = weights
        self._shapes = infer_shapes(net)
        self._nodes: list[NodeProto] = []
        self._constants: list[TensorProto] = []
        self._input_names = [
            top for layer in net.layer if layer.type == "Input" for top in layer.top
        ]
        # Layers that work in place make a blob again, but each tensor is made only once: the one
        # that is made last has the blob's name, if no input has it.
        self._last_makers = {top: layer.name for layer in net.layer for top in layer.top}
        self._tensors = {name: name for name in self._input_names}
        # A network may itself have a blob or layer that is called as a step inside another.
        self._taken = {name for layer in net.layer for name in (layer.name, *layer.top)}
        self._unread: dict[str, None] = {}  # blobs, in the order in which they were made

    def finish(self) -> GraphProto:
        """Return the graph; its outputs are the blobs that no layer has read."""
        inputs = [self._value(blob, blob, self._open_sizes(blob)) for blob in self._input_names]
        outputs = [self._value(blob, self._tensors[blob], (None, None)) for blob in self._unread]
        return helper.make_graph(self._nodes, self._name, inputs, outputs, self._constants)

    def advance(self, layer: LayerParameter) -> None:
        """Note that a layer has been written: it has read its bottoms and made its tops."""
        for bottom in layer.bottom:
            self._unread.pop(bottom, None)
        self._unread.update(dict.fromkeys(layer.top))

    def shape(self, blob: str) -> Shape:
        """Return a blob's shape for the input sizes that the network gives."""
        return self._shapes[blob]

    def bottoms(self, layer: LayerParameter) -> list[str]:
        """Return the tensors that a layer reads."""
        return [self._tensors[bottom] for bottom in layer.bottom]

    def make(
        self,
        layer: LayerParameter,
        op: str,
        inputs: list[str],
        *,
        index: int = 0,
        **attributes: Any,
    ) -> None:
        """Append the node that makes a layer's top, the first unless another index is given."""
        blob = layer.top[index]
        last = self._last_makers[blob] == layer.name and blob not in self._input_names
        tensor = blob if last else f"{blob}:{layer.name}"
        name = f"{layer.name}:{index}" if index else layer.name
        self._nodes.append(helper.make_node(op, inputs, [tensor], name=name, **attributes))
        self._tensors[blob] = tensor

    def step(
        self, layer: LayerParameter, part: str, op: str, inputs: list[str], **attributes: Any
    ) -> str:
        """Append a node inside a layer; return the tensor that it makes."""
        name = self._inner(layer, part)
        self._nodes.append(helper.make_node(op, inputs, [name], name=name, **attributes))
        return name

    def step_of(
        self,
        layer: LayerParameter,
        parts: tuple[str, ...],
        op: str,
        inputs: list[str],
        **attributes: Any,
    ) -> list[str]:
        """Append a node inside a layer that makes several tensors; return them."""
        names = [self._inner(layer, part) for part in parts]
        self._nodes.append(helper.make_node(op, inputs, names, name=names[0], **attributes))
        return names

    def constant(
        self, layer: LayerParameter, part: str, values: NDArray[np.float32] | NDArray[np.int64]
    ) -> str:
        """Add a constant that belongs to a layer; return its name."""
        name = self._inner(layer, part)
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def weights(self, layer: LayerParameter, *shapes: Shape) -> list[Floats]:
        """Return a layer's blobs; as in Caffe, only their numbers of values must fit.

        Raises:
            ModelError: they do not.
        """
        blobs = self._weights.get(layer.name, ())
        if [blob.size for blob in blobs] != [prod(shape) for shape in shapes]:
            found = [blob.shape for blob in blobs] or "none"
            raise refusal(layer, f"it needs weights of {list(shapes)}, the caffemodel has {found}")
        return [blob.reshape(shape) for blob, shape in zip(blobs, shapes, strict=True)]

    def _inner(self, layer: LayerParameter, part: str) -> str:
        """Name what is inside a layer, as nothing else is named."""
        name = f"{layer.name}:{part}"
        while name in self._taken:
            name += "_"
        return name

    def _open_sizes(self, blob: str) -> tuple[str, str]:
        prefix = "" if len(self._input_names) == 1 else f"{blob}_"
        return f"{prefix}rows", f"{prefix}columns"

    def _value(
        self, blob: str, tensor: str, sizes: tuple[str | None, str | None]
    ) -> ValueInfoProto:
        shape = self._shapes[blob]
        rest = (shape[1], *sizes) if self.any_size else shape[1:]
        return helper.make_tensor_value_info(tensor, TensorProto.FLOAT, ["batch", *rest])


def refusal(layer: LayerParameter, why: str) -> ModelError:
    """Make the error that names a layer which cannot be converted."""
    return ModelError(f"layer {layer.name!r}: {why}")
