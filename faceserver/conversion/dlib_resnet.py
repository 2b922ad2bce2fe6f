"""dlib's face recognition network, from the file that dlib writes into ONNX.

The file holds the layers' numbers in the order of the network, each behind its layer's name, among
the state of a training that is over. What the layers are is known: 29 convolutions of a ResNet, as
``anet_type`` in dlib's examples has them, each with an affine layer that took the place of batch
normalization. No code of dlib is needed.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from faceserver.errors import ModelError
from faceserver.types import Floats

SIZE = 150
"""Rows and columns of the network's input."""

DIMS = 128

FILE = "dlib_face_recognition_resnet_model_v1.dat"
"""What the published file is called."""

SHA256 = "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30"
"""Of the published file."""

# The residual blocks in order: the filters of each, and whether it halves its input.
_BLOCKS = (
    *((32, False),) * 3,
    (64, True),
    *((64, False),) * 3,
    (128, True),
    *((128, False),) * 2,
    (256, True),
    *((256, False),) * 2,
    (256, True),
)
_OTHER = "it is not dlib's face recognition network, or it is damaged"
_BEYOND = 1 << 24


class _Reader:
    """Numbers as dlib writes them: a byte that counts the bytes of the integer behind it."""

    def __init__(self, data: bytes, at: int) -> None:
        self._data = data
        self._at = at

    def integer(self) -> int:
        head = self._data[self._at : self._at + 1]
        count = head[0] & 0x0F if head else 0
        value = int.from_bytes(self._data[self._at + 1 : self._at + 1 + count], "little")
        self._at += 1 + count
        return value

    def tensor(self) -> Floats:
        """The values of a tensor, shape (n,)."""
        version, *shape = (self.integer() for _ in range(5))
        count = int(np.prod(shape, dtype=object))
        if version != 2 or not 0 < count < _BEYOND or self._at + 4 * count > len(self._data):
            raise ModelError(_OTHER)
        return np.frombuffer(self._data, "<f4", count, self._at).astype(np.float32)


def read_numbers(path: Path) -> dict[str, list[Floats]]:
    """The numbers of the convolutions, affine layers and the last layer, by kind, in order.

    Raises:
        ModelError: the file cannot be read, or holds another network.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}") from error
    try:
        found = {
            "con_4": [_Reader(data, at).tensor() for at in _places(data, b"con_4")],
            "affine_": [_Reader(data, at).tensor() for at in _places(data, b"affine_")],
            "fc_2": [_last(data, at) for at in _places(data, b"fc_2")],
        }
    except ModelError as error:
        raise ModelError(f"{path.name}: {error}") from error
    convolutions = 1 + 2 * len(_BLOCKS)
    if [len(each) for each in found.values()] != [convolutions, convolutions, 1]:
        raise ModelError(f"{path.name}: {_OTHER}")
    return found


def _places(data: bytes, name: bytes) -> Iterator[int]:
    """Where the numbers behind a layer's name begin; a name stands behind its length."""
    named = bytes([1, len(name)]) + name
    at = data.find(named)
    while at >= 0:
        yield at + len(named)
        at = data.find(named, at + len(named))


def _last(data: bytes, at: int) -> Floats:
    reader = _Reader(data, at)
    reader.integer()  # how many outputs and inputs there are, which the tensor says as well
    reader.integer()
    return reader.tensor()


def to_onnx(path: Path) -> onnx.ModelProto:
    """The network as ONNX: takes (x - mean) / 256, shape (n, 3, 150, 150), gives (n, 128).

    The affine layers are folded into the convolutions.

    Raises:
        ModelError: the file cannot be read, or holds another network.
    """
    found = read_numbers(path)
    try:
        graph = _Network(zip(found["con_4"], found["affine_"], strict=True)).graph(found["fc_2"][0])
    except ValueError as error:  # a layer has another number of numbers
        raise ModelError(f"{path.name}: {_OTHER}") from error
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 8
    onnx.checker.check_model(model)
    return model


class _Network:
    """Builds the graph from the numbers of each convolution and its affine layer."""

    def __init__(self, numbers: Iterator[tuple[Floats, Floats]]) -> None:
        self._numbers = numbers
        self._nodes: list[onnx.NodeProto] = []
        self._weights: list[onnx.TensorProto] = []

    def graph(self, last: Floats) -> onnx.GraphProto:
        """The whole graph, with the weights of its last layer."""
        side, filters = (SIZE - 7) // 2 + 1, 32
        tensor = self._add("Relu", [self._convolution("data", 3, filters, kernel=7, stride=2)])
        tensor = self._add("MaxPool", [tensor], kernel_shape=[3, 3], strides=[2, 2])
        side = (side - 3) // 2 + 1
        for wanted, halves in _BLOCKS:
            tensor, side = self._block(tensor, filters, wanted, side, halves=halves)
            filters = wanted
        mean = self._add("Flatten", [self._add("GlobalAveragePool", [tensor])])
        weights = self._constant(last.reshape(filters, DIMS))
        self._nodes.append(helper.make_node("MatMul", [mean, weights], ["embeddings"]))
        return helper.make_graph(
            self._nodes,
            "dlib_resnet",
            [helper.make_tensor_value_info("data", TensorProto.FLOAT, ["n", 3, SIZE, SIZE])],
            [helper.make_tensor_value_info("embeddings", TensorProto.FLOAT, ["n", DIMS])],
            self._weights,
        )

    def _block(
        self, source: str, filters: int, wanted: int, side: int, *, halves: bool
    ) -> tuple[str, int]:
        """A residual block, and the side of what it gives; what its two parts lack is zero."""
        stride = 2 if halves else 1
        inner = self._convolution(source, filters, wanted, stride=stride)
        outer = self._convolution(self._add("Relu", [inner]), wanted, wanted)
        if not halves:
            return self._add("Relu", [self._add("Add", [source, outer])]), side
        pooled = self._add("AveragePool", [source], kernel_shape=[2, 2], strides=[2, 2])
        convolved, mean = (side - 3) // 2 + 1, (side - 2) // 2 + 1
        largest = max(convolved, mean)
        parts = [
            self._padded(outer, 0, largest - convolved),
            self._padded(pooled, wanted - filters, largest - mean),
        ]
        return self._add("Relu", [self._add("Add", parts)]), largest

    def _convolution(
        self, source: str, filters: int, wanted: int, *, kernel: int = 3, stride: int = 1
    ) -> str:
        numbers, affine = next(self._numbers)
        scale, shift = affine.reshape(2, wanted)
        bias = numbers[-wanted:] * scale + shift
        weights = numbers[:-wanted].reshape(wanted, filters, kernel, kernel)
        pad = 0 if stride > 1 else kernel // 2
        return self._add(
            "Conv",
            [source, self._constant(weights * scale[:, None, None, None]), self._constant(bias)],
            kernel_shape=[kernel, kernel],
            strides=[stride, stride],
            pads=[pad] * 4,
        )

    def _padded(self, source: str, filters: int, pixels: int) -> str:
        """More filters, rows and columns behind those that there are, all zero."""
        if not filters and not pixels:
            return source
        pads = np.array([0, 0, 0, 0, 0, filters, pixels, pixels], np.int64)
        return self._add("Pad", [source, self._constant(pads)], mode="constant")

    def _constant(self, values: np.ndarray[tuple[int, ...], np.dtype[np.generic]]) -> str:
        name = f"weights{len(self._weights)}"
        self._weights.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def _add(self, op: str, inputs: list[str], **attributes: object) -> str:
        name = f"{op.lower()}{len(self._nodes)}"
        self._nodes.append(helper.make_node(op, inputs, [name], name=name, **attributes))
        return name
