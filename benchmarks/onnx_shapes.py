"""ONNX files of the shapes that others' models have, with random weights.

Time does not depend on what weights say, and the published ones may not be used everywhere. The
shapes are those of SCRFD and ArcFace as in insightface's configurations, norms folded into the
convolutions as in its exported files; a detector's scores are set so that it finds no face.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


@dataclass(frozen=True)
class Blob:
    """A value in the graph: its name and its shape without the batch."""

    name: str
    channels: int
    rows: int
    columns: int


class Graph:
    """A graph that grows; :attr:`operations` counts multiplications with an addition."""

    def __init__(self, rows: int, columns: int) -> None:
        self.first = Blob("input.1", 3, rows, columns)
        self.operations = 0
        self._nodes: list[onnx.NodeProto] = []
        self._weights: list[onnx.TensorProto] = []
        self._rng = np.random.default_rng(0)
        self._count = 0

    def add(self, kind: str, inputs: Sequence[str], **options: object) -> str:
        self._count += 1
        name = f"{kind.lower()}{self._count}"
        self._nodes.append(helper.make_node(kind, inputs, [name], **options))
        return name

    def weights(self, values: np.ndarray) -> str:
        name = f"w{len(self._weights)}"
        self._weights.append(numpy_helper.from_array(values.astype(np.float32), name))
        return name

    def random(self, *shape: int, scale: float = 1.0) -> str:
        """Weights that keep what they weigh about as large as it is."""
        inputs = max(int(np.prod(shape[1:])), 1)
        return self.weights(self._rng.standard_normal(shape) * scale * np.sqrt(2 / inputs))

    def conv(
        self,
        blob: Blob,
        channels: int,
        side: int = 3,
        stride: int = 1,
        *,
        groups: int = 1,
        act: str = "Relu",
        pad: int | None = None,
        bias: float | None = None,
    ) -> Blob:
        """A convolution; one with a bias says this bias, whatever it sees."""
        pad = side // 2 if pad is None else pad
        rows, columns = ((it + 2 * pad - side) // stride + 1 for it in (blob.rows, blob.columns))
        weight = self.random(channels, blob.channels // groups, side, side, scale=bias is None)
        self.operations += channels * blob.channels // groups * side * side * rows * columns
        name = self.add(
            "Conv",
            [blob.name, weight, self.weights(np.full(channels, bias or 0.0))],
            kernel_shape=[side, side],
            strides=[stride, stride],
            pads=[pad] * 4,
            group=groups,
        )
        return self.activated(Blob(name, channels, rows, columns), act)

    def activated(self, blob: Blob, act: str) -> Blob:
        if not act:
            return blob
        inputs = [blob.name]
        if act == "PRelu":
            inputs.append(self.weights(np.full((blob.channels, 1, 1), 0.25)))
        return self._renamed(blob, self.add(act, inputs))

    def norm(self, blob: Blob) -> Blob:
        values = [self.weights(np.full(blob.channels, it)) for it in (1.0, 0.0, 0.0, 1.0)]
        return self._renamed(blob, self.add("BatchNormalization", [blob.name, *values]))

    def sum(self, blob: Blob, other: Blob) -> Blob:
        return self._renamed(blob, self.add("Add", [blob.name, other.name]))

    def pooled(self, blob: Blob, kind: str = "AveragePool", side: int = 2, pad: int = 0) -> Blob:
        name = self.add(
            kind, [blob.name], kernel_shape=[side, side], strides=[2, 2], pads=[pad] * 4
        )
        return Blob(name, blob.channels, blob.rows // 2, blob.columns // 2)

    def doubled(self, blob: Blob) -> Blob:
        scales = self.weights(np.array([1.0, 1.0, 2.0, 2.0]))
        name = self.add("Resize", [blob.name, "", scales], mode="nearest")
        return Blob(name, blob.channels, 2 * blob.rows, 2 * blob.columns)

    def reshaped(self, name: str, *shape: int) -> str:
        self._weights.append(numpy_helper.from_array(np.array(shape), f"s{len(self._weights)}"))
        return self.add("Reshape", [name, self._weights[-1].name])

    def vector(self, blob: Blob, size: int) -> str:
        length = blob.channels * blob.rows * blob.columns
        self.operations += length * size
        return self.add("Gemm", [self.add("Flatten", [blob.name]), self.random(length, size)])

    def save(self, path: Path, outputs: Sequence[str], batch: int | str) -> None:
        first = self.first
        shape = [batch, first.channels, first.rows, first.columns]
        graph = helper.make_graph(
            self._nodes,
            path.stem,
            [helper.make_tensor_value_info(first.name, TensorProto.FLOAT, shape)],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
            self._weights,
        )
        opsets = [helper.make_opsetid("", 13)]
        onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), path)

    @staticmethod
    def _renamed(blob: Blob, name: str) -> Blob:
        return Blob(name, blob.channels, blob.rows, blob.columns)


def scrfd_10g(path: Path) -> int:
    graph = Graph(640, 640)
    at = graph.conv(graph.conv(graph.conv(graph.first, 28, stride=2), 28), 56)
    at = graph.pooled(at, "MaxPool", 3, 1)
    levels = []
    for stage, (blocks, planes) in enumerate(zip((3, 4, 2, 3), (56, 88, 88, 224), strict=True)):
        for block in range(blocks):
            stride = 2 if stage and not block else 1
            inner = graph.conv(graph.conv(at, planes, stride=stride), planes, act="")
            if stride == 2 or at.channels != planes:
                at = graph.conv(graph.pooled(at) if stride == 2 else at, planes, 1, act="")
            at = graph.activated(graph.sum(inner, at), "Relu")
        levels.append(at)
    return _detector(path, graph, levels[1:], neck=56, features=80, stacked=3, depthwise=False)


def scrfd_500m(path: Path) -> int:
    graph = Graph(640, 640)

    def separable(at: Blob, channels: int, stride: int) -> Blob:
        return graph.conv(
            graph.conv(at, at.channels, stride=stride, groups=at.channels), channels, 1
        )

    at = separable(graph.conv(graph.first, 16, stride=2), 16, 1)
    levels = []
    for blocks, planes in zip((2, 3, 2, 6), (40, 72, 152, 288), strict=True):
        for block in range(blocks):
            at = separable(at, planes, 1 if block else 2)
        levels.append(at)
    return _detector(path, graph, levels[1:], neck=16, features=64, stacked=2, depthwise=True)


def _detector(
    path: Path,
    graph: Graph,
    levels: Sequence[Blob],
    *,
    neck: int,
    features: int,
    stacked: int,
    depthwise: bool,
) -> int:
    """A path-aggregating neck over strides 8, 16 and 32, and a head for each of them."""
    small, middle, large = (graph.conv(level, neck, 1, act="") for level in levels)
    middle = graph.sum(middle, graph.doubled(large))
    small = graph.sum(small, graph.doubled(middle))
    small, middle, large = (graph.conv(it, neck, act="") for it in (small, middle, large))
    middle = graph.sum(middle, graph.conv(small, neck, stride=2, act=""))
    large = graph.sum(large, graph.conv(middle, neck, stride=2, act=""))
    heads = [small, graph.conv(middle, neck, act=""), graph.conv(large, neck, act="")]
    outputs: list[list[str]] = [[], [], []]
    for at in heads:
        for _ in range(stacked):
            if depthwise:
                at = graph.conv(at, at.channels, groups=at.channels)  # noqa: PLW2901
            at = graph.conv(at, features, 1 if depthwise else 3)  # noqa: PLW2901
        # Two boxes a place: a score, four distances and five points each.
        for which, (count, bias) in enumerate(((2, -20.0), (8, None), (20, None))):
            told = graph.conv(at, count, bias=bias, act="" if which else "Sigmoid")
            rows = graph.add("Transpose", [told.name], perm=[2, 3, 0, 1])
            outputs[which].append(graph.reshaped(rows, -1, count // 2 if which else 1))
    graph.save(path, [name for part in outputs for name in part], 1)
    return graph.operations


def iresnet50(path: Path) -> int:
    graph = Graph(112, 112)
    at = graph.conv(graph.first, 64, act="PRelu")
    for blocks, planes in zip((3, 4, 14, 3), (64, 128, 256, 512), strict=True):
        for block in range(blocks):
            stride = 1 if block else 2
            inner = graph.conv(graph.norm(at), planes, act="PRelu")
            inner = graph.conv(inner, planes, stride=stride, act="")
            short = at if block else graph.conv(at, planes, 1, stride, act="")
            at = graph.sum(inner, short)
    graph.save(path, [graph.vector(graph.norm(at), 512)], "batch")
    return graph.operations


def mobilefacenet(path: Path) -> int:
    graph = Graph(112, 112)

    def block(at: Blob, channels: int, stride: int, groups: int) -> Blob:
        inner = graph.conv(at, groups, 1, act="PRelu")
        inner = graph.conv(inner, groups, stride=stride, groups=groups, act="PRelu")
        inner = graph.conv(inner, channels, 1, act="")
        return graph.sum(inner, at) if stride == 1 else inner

    at = graph.conv(graph.first, 128, stride=2, act="PRelu")
    at = graph.conv(at, 128, groups=64, act="PRelu")
    for count, channels, wide, groups in (
        (4, 128, 128, 128),
        (6, 256, 256, 256),
        (2, 256, 512, 256),
    ):
        at = block(at, channels, 2, wide)
        for _ in range(count):
            at = block(at, channels, 1, groups)
    at = graph.conv(graph.conv(at, 512, 1, act="PRelu"), 512, 7, groups=512, act="", pad=0)
    graph.save(path, [graph.vector(at, 512)], "batch")
    return graph.operations


SHAPES: dict[str, Callable[[Path], int]] = {
    "scrfd_10g": scrfd_10g,
    "scrfd_500m": scrfd_500m,
    "iresnet50": iresnet50,
    "mobilefacenet": mobilefacenet,
}


def made(folder: Path) -> None:
    """Write those that are missing."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, make in SHAPES.items():
        path = folder / f"{name}.onnx"
        if not path.exists():
            operations = make(path.with_suffix(".part"))
            path.with_suffix(".part").rename(path)
            print(f"{path.name}: {operations / 1e9:.2f} billion operations")
