"""Small ONNX networks whose answers a test can compute by hand."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

Weights = NDArray[np.floating]


def _saved(
    path: Path,
    nodes: Sequence[onnx.NodeProto],
    weights: Mapping[str, NDArray[np.generic]],
    shape: Sequence[int | str],
    outputs: Sequence[str],
) -> Path:
    graph = helper.make_graph(
        list(nodes),
        "made by a test",
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        [numpy_helper.from_array(np.ascontiguousarray(w), name) for name, w in weights.items()],
    )
    opset = [helper.make_opsetid("", 13)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), path)
    return path


def dot_net(
    path: Path,
    weights: Weights,
    bias: Weights | None = None,
    *,
    batch: int | str = "batch",
) -> Path:
    """A network that multiplies its input with weights, shape (outputs, 3, side, side)."""
    count, _, side, _ = weights.shape
    held = {
        "weights": weights.astype(np.float32),
        "bias": (np.zeros(count) if bias is None else bias).astype(np.float32),
    }
    nodes = [
        helper.make_node("Conv", ["pixels", "weights", "bias"], ["place"], "conv"),
        helper.make_node("Flatten", ["place"], ["answer"], "flatten", axis=1),
    ]
    return _saved(path, nodes, held, (batch, 3, side, side), ["answer"])


def anchor_net(
    path: Path,
    *,
    side: int | None = None,
    strides: Sequence[int] = (8, 16, 32),
    anchors: int = 2,
    points: bool = True,
    first: str = "scores",
) -> Path:
    """A detector of the kind of SCRFD.

    An anchor's score is the mean of its cell's first channel (first anchor) or second channel
    (second anchor). Every box reaches 1, 2, 3 and 4 steps to the left, up, right and down for the
    first anchor, half of that for the second; its points lie 0.1, 0.2, ... steps away.
    """
    sides = np.array([1, 2, 3, 4], np.float32)
    spots = np.arange(1, 11, dtype=np.float32) / 10
    nodes: list[onnx.NodeProto] = []
    held: dict[str, NDArray[np.generic]] = {}
    outputs: dict[str, list[str]] = {"scores": [], "boxes": [], "points": []}
    for stride in strides:
        for what, width in (("scores", 1), ("boxes", 4), ("points", 10)):
            if what == "points" and not points:
                continue
            name = f"{what}_{stride}"
            weights = np.zeros((anchors * width, 3, stride, stride), np.float32)
            bias = np.zeros(anchors * width, np.float32)
            for anchor in range(anchors):
                own = slice(anchor * width, (anchor + 1) * width)
                if what == "scores":
                    weights[anchor, anchor] = 1 / stride**2
                else:
                    bias[own] = (sides if what == "boxes" else spots) / (anchor + 1)
            held |= {
                f"w_{name}": weights,
                f"b_{name}": bias,
                f"s_{name}": np.array([-1, width], np.int64),
            }
            nodes += [
                helper.make_node(
                    "Conv",
                    ["pixels", f"w_{name}", f"b_{name}"],
                    [f"c_{name}"],
                    strides=[stride, stride],
                ),
                helper.make_node("Transpose", [f"c_{name}"], [f"t_{name}"], perm=[0, 2, 3, 1]),
                helper.make_node("Reshape", [f"t_{name}", f"s_{name}"], [name]),
            ]
            outputs[what].append(name)
    order = [first, *(what for what in outputs if what != first)]
    shape = (1, 3, side or "rows", side or "columns")
    return _saved(path, nodes, held, shape, [name for what in order for name in outputs[what]])
