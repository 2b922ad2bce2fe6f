"""What is known of the tensors of a network while it is read by way of OpenVINO.

Where a tensor's axes lie is noted beside it, for graphs may have the channels last, or move them.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceserver.conversion.graph.layers import Input, Layer, Shape
from faceserver.conversion.graph.shapes import output_shape
from faceserver.conversion.graph.unsupported import Unsupported
from faceserver.errors import ModelError

INPUT_NAME = "data"

WITHOUT_BIAS = "/WithoutBiases"
"""What OpenVINO adds to the name of an ONNX node whose bias becomes a sum of its own."""


@dataclass(frozen=True)
class Blob:
    """What a tensor holds.

    Attributes:
        layer: the layer that makes the values.
        axes: what each axis of the tensor is: n, c, h and w as in ONNX; _ has the length 1; v are
            all values of a blob with rows and columns, in the order ``order``.
        order: chw or hwc.
    """

    layer: str
    axes: str
    order: str = ""


class Reader:
    """Collects layers, and what each tensor holds."""

    def __init__(self, names: Mapping[int, str], places: Mapping[str, int]) -> None:
        """Begin with our names of nodes by number, and the places of tensors in the source."""
        self.layers: list[Layer] = []
        self.shapes: dict[str, Shape] = {}
        self._names = names
        self._places = places
        self._blobs: dict[tuple[int, int], Blob] = {}
        self._taken: Counter[str] = Counter()

    def input(self, node: Any) -> Blob:
        """Make the layer of the network's input."""
        sizes = tuple(node.output(0).shape)
        if len(sizes) != 4 or 3 not in (sizes[1], sizes[3]):
            raise ModelError(f"the network takes {sizes}, not (batch, 3, rows, columns)")
        axes = "nchw" if sizes[1] == 3 else "nhwc"
        rows, columns = (sizes[axes.index(axis)] for axis in "hw")
        return self._add(Input(INPUT_NAME, (), (1, 3, rows, columns)), axes)

    def make(self, layer: Layer, axes: str, order: str = "") -> Blob:
        """Append a layer; its tensor has these axes."""
        return self._add(layer, axes, order)

    def name(self, node: Any) -> str:
        """Return the name of the layer that a node becomes."""
        friendly = str(node.get_friendly_name())
        return self._names.get(node.get_instance_id()) or friendly.removesuffix(WITHOUT_BIAS)

    def blob(self, node: Any, index: int = 0) -> Blob:
        """Return what a node reads as its input of that number.

        Raises:
            Unsupported: it is a constant.
        """
        found = self.held(node.input_value(index))
        if found is None:
            raise Unsupported("a constant in this place is not supported")
        return found

    def held(self, output: Any) -> Blob | None:
        """Return what a tensor holds, None if it does not depend on the picture."""
        return self._blobs.get(_key(output))

    def is_blob(self, node: Any, index: int) -> bool:
        """Tell whether an input depends on the picture."""
        return self.held(node.input_value(index)) is not None

    def constant(self, node: Any, index: int) -> NDArray[Any]:
        """Return a constant that a node reads.

        Raises:
            Unsupported: it is none.
        """
        source = node.input_value(index).get_node()
        while source.get_type_name() == "Convert":
            source = source.input_value(0).get_node()
        if source.get_type_name() != "Constant":
            raise Unsupported(f"its input {index} should be a constant")
        data = np.asarray(source.data)
        return data.astype(np.float32) if data.dtype.kind == "f" else data

    def set(self, output: Any, blob: Blob) -> None:
        """Note what a tensor holds; the source's name for it becomes that of the layer's origin."""
        self._blobs[_key(output)] = blob
        last = self.layers[-1]
        if last.name == blob.layer and not last.origin and (names := output.get_names()):
            self.layers[-1] = replace(last, origin=min(names, key=self._place))

    def shape(self, blob: Blob) -> Shape:
        """Return the channels, rows and columns of what a blob holds."""
        return self.shapes[blob.layer]

    def _place(self, tensor: str) -> tuple[int, str]:
        return self._places.get(tensor, len(self._places)), tensor

    def _add(self, layer: Layer, axes: str, order: str = "") -> Blob:
        self._taken[layer.name] += 1
        if self._taken[layer.name] > 1:
            layer = replace(layer, name=f"{layer.name}_{self._taken[layer.name] - 1}")
        bottoms = [self.shapes[bottom] for bottom in layer.bottoms]
        self.shapes[layer.name] = output_shape(layer, bottoms)
        self.layers.append(layer)
        return Blob(layer.name, axes, order)


def _key(output: Any) -> tuple[int, int]:
    return output.get_node().get_instance_id(), output.get_index()
