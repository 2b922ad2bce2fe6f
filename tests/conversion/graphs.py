"""Frozen TensorFlow graphs made by hand, and Caffe networks run in every way that they can be."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from faceserver.conversion import caffe2onnx, tf2caffe
from faceserver.conversion.checks.judge import run_opencv, run_openvino, run_published
from faceserver.conversion.readers.graphdef_pb2 import (
    AttrValue,
    GraphDef,
    TensorProto,
    TensorShapeProto,
)
from faceserver.types import Floats
from tests.support.pycaffe import HAS_CAFFE, run_caffe

FLOAT, INT32 = 1, 3


class Graph:
    """Collects nodes; each method returns the new node's name."""

    def __init__(self, shape: Sequence[int] = (1, 8, 9, 3)) -> None:
        """Start with a placeholder of (batch, rows, columns, channels)."""
        self.proto = GraphDef()
        self._random = np.random.default_rng(7)
        self.last = self.op("Placeholder", "input", dtype=FLOAT, shape=list(shape))

    def noise(self, *shape: int) -> Floats:
        return self._random.standard_normal(shape, np.float32)

    def const(self, name: str, value: NDArray[np.float32] | NDArray[np.int32] | float) -> str:
        array = np.asarray(value, None if isinstance(value, np.ndarray) else np.float32)
        kind = INT32 if array.dtype == np.int32 else FLOAT
        tensor = TensorProto(dtype=kind, tensor_content=array.tobytes())
        tensor.tensor_shape.CopyFrom(_shape(array.shape))
        node = self.proto.node.add(name=name, op="Const")
        node.attr["value"].tensor.CopyFrom(tensor)
        node.attr["dtype"].type = kind
        return name

    def op(self, op: str, name: str, *inputs: str, **attributes: object) -> str:
        node = self.proto.node.add(name=name, op=op, input=inputs)
        if op != "Placeholder":
            attributes.setdefault("T", FLOAT)
        for key, value in attributes.items():
            node.attr[key].CopyFrom(_attribute(key, value))
        self.last = name
        return name

    def conv(
        self,
        name: str,
        source: str,
        weights: Floats,
        stride: tuple[int, int] = (1, 1),
        padding: str = "SAME",
    ) -> str:
        kernel = self.const(f"{name}/weights", weights)
        return self.op(
            "Conv2D",
            f"{name}/Conv2D",
            source,
            kernel,
            strides=[1, *stride, 1],
            padding=padding,
            data_format="NHWC",
        )

    def biased(self, name: str, source: str, values: Floats) -> str:
        bias = self.const(f"{name}/biases", values)
        return self.op("BiasAdd", f"{name}/BiasAdd", source, bias, data_format="NHWC")

    def pool(
        self,
        op: str,
        source: str,
        kernel: tuple[int, int],
        stride: tuple[int, int],
        padding: str,
    ) -> str:
        return self.op(
            op,
            f"pool/{op}",
            source,
            ksize=[1, *kernel, 1],
            strides=[1, *stride, 1],
            padding=padding,
            data_format="NHWC",
        )

    def dense(self, name: str, source: str, weights: Floats) -> str:
        matrix = self.const(f"{name}/weights", weights)
        return self.op(
            "MatMul", f"{name}/MatMul", source, matrix, transpose_a=False, transpose_b=False
        )

    def reshape(self, name: str, source: str, sizes: Sequence[int]) -> str:
        shape = self.const(f"{name}/shape", np.array(sizes, np.int32))
        return self.op("Reshape", name, source, shape, Tshape=INT32)

    def batch_norm(self, name: str, source: str, channels: int, *, training: bool = False) -> str:
        constants = [
            self.const(f"{name}/{part}", values)
            for part, values in (
                ("gamma", self.noise(channels)),
                ("beta", self.noise(channels)),
                ("moving_mean", self.noise(channels)),
                ("moving_variance", np.abs(self.noise(channels)) + np.float32(0.1)),
            )
        ]
        return self.op(
            "FusedBatchNorm",
            name,
            source,
            *constants,
            epsilon=0.001,
            is_training=training,
            data_format="NHWC",
        )

    def unit_length(self, name: str, source: str) -> str:
        square = self.op("Square", f"{name}/Square", source)
        axis = self.const(f"{name}/axis", np.array(1, np.int32))
        total = self.op("Sum", f"{name}/Sum", square, axis, keep_dims=True, Tidx=INT32)
        floor = self.op("Maximum", f"{name}/Maximum", total, self.const(f"{name}/y", 1e-10))
        return self.op("Mul", name, source, self.op("Rsqrt", f"{name}/Rsqrt", floor))

    def save(self, folder: Path) -> Path:
        path = folder / "graph.pb"
        path.write_bytes(self.proto.SerializeToString())
        return path


def run_everywhere(graph: Graph, folder: Path) -> tuple[Floats, Floats, Floats]:
    """Convert a graph; return what OpenVINO makes of it, OpenCV of the Caffe files, and OpenVINO
    of the ONNX file.

    Where Caffe itself is there, it must agree with OpenCV.
    """
    source = graph.save(folder)
    tf2caffe.convert(source, "net").write(folder, "net")
    prototxt, caffemodel, onnx = (
        folder / f"net.{kind}" for kind in ("prototxt", "caffemodel", "onnx")
    )
    onnx.write_bytes(caffe2onnx.convert(prototxt, caffemodel))
    _batch, rows, columns, channels = (
        dim.size for dim in graph.proto.node[0].attr["shape"].shape.dim
    )
    blob = graph.noise(1, channels, rows, columns)
    (expected,) = run_published(source, blob).values()
    opencv = run_opencv(prototxt, caffemodel, blob, ["embeddings"])["embeddings"]
    openvino = run_openvino(onnx, blob)["embeddings"]
    if HAS_CAFFE:
        assert_close(run_caffe(prototxt, caffemodel, blob, ["embeddings"])["embeddings"], opencv)
    return expected, opencv, openvino


def assert_close(found: Floats, expected: Floats) -> None:
    """Two runtimes add in another order, which shows in the last digits of the largest values."""
    largest = np.abs(expected).max()
    assert largest > 0.01, "a test on zeros would show nothing"
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() < 1e-5 * largest


def _shape(sizes: Sequence[int]) -> TensorShapeProto:
    return TensorShapeProto(dim=[TensorShapeProto.Dim(size=size) for size in sizes])


def _attribute(key: str, value: object) -> AttrValue:
    if isinstance(value, bool):
        return AttrValue(b=value)
    if isinstance(value, str):
        return AttrValue(s=value.encode())
    if isinstance(value, float):
        return AttrValue(f=value)
    if isinstance(value, list):
        if key == "shape":
            return AttrValue(shape=_shape(value))
        return AttrValue(list=AttrValue.ListValue(i=value))
    assert isinstance(value, int)
    return AttrValue(type=value) if key in ("T", "Tidx", "Tshape", "dtype") else AttrValue(i=value)
