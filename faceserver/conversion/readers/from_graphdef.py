"""Turns a frozen TensorFlow graph (channels last) into a list of layers (channels first)."""

from collections import Counter
from dataclasses import replace
from itertools import takewhile

import numpy as np

from faceserver.conversion.graph.layers import BatchNorm, Input, Layer
from faceserver.conversion.graph.unsupported import Unsupported, refusal
from faceserver.conversion.readers.graph_constants import fold_constants
from faceserver.conversion.readers.graph_ops import TRANSLATORS
from faceserver.conversion.readers.graph_patterns import (
    SpelledNorm,
    before_l2_normalization,
    spelled_norm,
)
from faceserver.conversion.readers.graphdef import Array, FrozenGraph
from faceserver.conversion.readers.graphdef_pb2 import NodeDef
from faceserver.errors import ModelError

INPUT_NAME = "data"

# These end a scope that is named after the layer; dropping them leaves the layer's name.
_OPS_NAMED_BY_SCOPE = ("Conv2D", "MatMul", "MaxPool", "AvgPool")

_NORM_SCOPE = "BatchNorm"


def layers_from_graph(graph: FrozenGraph, input_size: tuple[int, int] | None = None) -> list[Layer]:
    """Translate the nodes that the graph's output needs, op by op, in order.

    A scaling of the output to unit length is left out: Caffe has no layer for it, and whoever uses
    an embedding normalizes it anyway.

    Args:
        graph: what is translated.
        input_size: the input's rows and columns, for a graph that leaves them open.

    Raises:
        ModelError: ops are not known, or are used in ways that are not supported; the message names
            all of these nodes.
    """
    return _Reader(graph, input_size).layers()


class _Reader:
    def __init__(self, graph: FrozenGraph, input_size: tuple[int, int] | None) -> None:
        self._graph = graph
        self._input_size = input_size
        needed = graph.needed_for(before_l2_normalization(graph, graph.output()))
        self._constants = fold_constants(graph, needed)
        norms = {node.name: spelled_norm(graph, node, self._constants) for node in needed}
        self._norms = {name: norm for name, norm in norms.items() if norm}
        absorbed = {norm.absorbed for norm in self._norms.values()}
        self._nodes = [
            node
            for node in needed
            if node.name not in self._constants and node.name not in absorbed
        ]
        self._names = _layer_names(self._nodes, self._norms)

    def layers(self) -> list[Layer]:
        if all(node.op != "Placeholder" for node in self._nodes):
            raise ModelError("the graph has no input: no placeholder leads to its output")
        layers: list[Layer] = []
        troubles: list[str] = []
        for node in self._nodes:
            try:
                layers.append(replace(self._translate(node), origin=node.name))
            except Unsupported as error:
                troubles.append(f"node {node.name!r} {error}")
        if troubles:
            raise refusal(troubles)
        return layers

    def _translate(self, node: NodeDef) -> Layer:
        name = self._names[node.name]
        if node.op not in ("Placeholder", *TRANSLATORS) and node.name not in self._norms:
            raise Unsupported(f"has the op {node.op!r}, which is not supported")
        try:
            if node.op == "Placeholder":
                return self._input(node, name)
            if node.name in self._norms:
                return self._norm(self._norms[node.name], name)
            return TRANSLATORS[node.op](node, name, *self._inputs(node))
        except Unsupported as error:
            raise Unsupported(f"({node.op}): {error}") from error

    def _inputs(self, node: NodeDef) -> tuple[tuple[str, ...], list[Array]]:
        """Return the blobs that a node reads, and its constant inputs."""
        sources = self._graph.data_inputs(node)
        data = tuple(self._names[each.name] for each in sources if each.name not in self._constants)
        constants = [self._constants[each.name] for each in sources if each.name in self._constants]
        if node.op == "Reshape" and not constants:
            constants = [_computed_shape(self._graph, self._graph.inputs(node)[1])]
        if node.op in ("Sub", "RealDiv") and sources[0].name in self._constants:
            raise Unsupported("a constant in the first place is not supported")
        return data, constants

    def _norm(self, norm: SpelledNorm, name: str) -> Layer:
        gamma = np.ones_like(norm.beta) if norm.gamma is None else norm.gamma
        gamma, beta, mean, variance = (
            np.asarray(array.reshape(-1), np.float32)
            for array in (gamma, norm.beta, norm.mean, norm.variance)
        )
        return BatchNorm(
            name,
            (self._names[norm.source.name],),
            gamma=gamma,
            beta=beta,
            mean=mean,
            variance=variance,
            epsilon=norm.epsilon,
        )

    def _input(self, node: NodeDef, name: str) -> Layer:
        shape = node.attr["shape"].shape
        sizes = [dim.size for dim in shape.dim] or [-1, -1, -1, 3]
        if len(sizes) != 4 or sizes[3] < 1:
            raise Unsupported("needs a shape of batch, rows, columns and channels")
        _batch, *square, channels = sizes
        given = self._input_size or (0, 0)
        rows, columns = (
            size if size > 0 else said for size, said in zip(square, given, strict=True)
        )
        if not rows or not columns:
            raise Unsupported("it does not fix the size of its input: give it")
        return Input(name, (), shape=(1, channels, rows, columns))


def _computed_shape(graph: FrozenGraph, target: NodeDef) -> Array:
    """Return what slim computes to reshape to: a row of values, or the shape of one."""
    inputs = [source for source in graph.inputs(target) if source.op != "Const"]
    if target.op in ("Pack", "ConcatV2") and len(target.input) - (target.op != "Pack") == 2:
        return np.array([-1, -1], np.int32)
    if target.op == "Shape" and inputs[0].op in ("MatMul", "BiasAdd"):
        return np.array([-1, -1], np.int32)
    raise Unsupported(f"the new shape is computed by {target.name!r}, which is not supported")


def _layer_names(nodes: list[NodeDef], norms: dict[str, SpelledNorm]) -> dict[str, str]:
    """Name layers as the graph does, without the scope that holds them all."""
    layers = [node for node in nodes if node.op != "Placeholder"]
    scopes = zip(*(node.name.split("/")[:-1] for node in layers), strict=False)
    shared = sum(1 for _ in takewhile(lambda parts: len(set(parts)) == 1, scopes))
    names = {}
    for node in nodes:
        parts = node.name.split("/")[shared:]
        if len(parts) > 1 and parts[-1] == node.op and node.op in _OPS_NAMED_BY_SCOPE:
            parts.pop()
        if _NORM_SCOPE in parts and (node.name in norms or node.op.startswith("FusedBatchNorm")):
            del parts[parts.index(_NORM_SCOPE) + 1 :]  # the rest says how it was computed
        names[node.name] = INPUT_NAME if node.op == "Placeholder" else "/".join(parts)
    for name, count in Counter(names.values()).items():
        if count > 1:
            twice = [node for node in names if names[node] == name]
            raise ModelError(f"node {twice[-1]!r} would make a second layer {name!r}")
    return names
