"""Reads a frozen TensorFlow graph into a list of layers, without TensorFlow."""

from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

import numpy as np
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

from convert.graphdef_pb2 import GraphDef, NodeDef, TensorProto
from faceserver.errors import ModelError

Array = NDArray[np.float32] | NDArray[np.int32]

Number = TypeVar("Number", np.float32, np.int32)

_FLOAT, _INT32 = 1, 3  # of TensorFlow's enum DataType


class FrozenGraph:
    """The nodes of a frozen graph by name, with its constants as arrays."""

    def __init__(self, graph: GraphDef) -> None:
        """Take the nodes.

        Raises:
            ModelError: the graph has none.
        """
        self.nodes = {node.name: node for node in graph.node}
        if not self.nodes:
            raise ModelError("the graph has no nodes")

    def inputs(self, node: NodeDef) -> list[NodeDef]:
        """Return the nodes whose first output a node reads.

        Raises:
            ModelError: one is missing, or another output than the first is read.
        """
        names = [name.removesuffix(":0") for name in node.input if not name.startswith("^")]
        missing = [name for name in names if name not in self.nodes]
        if missing:
            raise ModelError(f"node {node.name!r} reads {missing[0]!r}, which the graph lacks")
        return [self.nodes[name] for name in names]

    def output(self) -> NodeDef:
        """Return the one node that no other reads.

        Raises:
            ModelError: there are several, or none.
        """
        read = {source.name for node in self.nodes.values() for source in self.inputs(node)}
        ends = [name for name in self.nodes if name not in read]
        if len(ends) != 1:
            raise ModelError(f"the graph must have one output; nothing reads {ends}")
        return self.nodes[ends[0]]

    def needed_for(self, end: NodeDef) -> list[NodeDef]:
        """Return the nodes that ``end`` depends on and itself, each after those it reads."""
        ordered: dict[str, NodeDef] = {}
        stack = [(end, False)]
        while stack:
            node, inputs_done = stack.pop()
            if node.name in ordered:
                continue
            if inputs_done:
                ordered[node.name] = node
                continue
            stack.append((node, True))
            stack.extend((source, False) for source in reversed(self.inputs(node)))
        return list(ordered.values())


def read_graph(path: Path) -> FrozenGraph:
    """Read a frozen graph.

    Raises:
        ModelError: the file is missing, truncated, or no graph.
    """
    graph = GraphDef()
    try:
        graph.ParseFromString(path.read_bytes())
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}") from error
    except DecodeError as error:
        raise ModelError(f"{path} is truncated or no frozen graph") from error
    return FrozenGraph(graph)


def constant(node: NodeDef) -> Array:
    """Return a Const node's value, in its own shape.

    Raises:
        ModelError: the node is no constant, or of a type that is not read here.
    """
    if node.op != "Const":
        raise ModelError(f"node {node.name!r} is a {node.op}, where a constant is expected")
    return _to_array(node.attr["value"].tensor, node.name)


def _to_array(tensor: TensorProto, name: str) -> Array:
    if tensor.dtype == _FLOAT:
        return _shaped(tensor, name, np.dtype(np.float32), tensor.float_val)
    if tensor.dtype == _INT32:
        return _shaped(tensor, name, np.dtype(np.int32), tensor.int_val)
    raise ModelError(f"constant {name!r} is neither float32 nor int32")


def _shaped(
    tensor: TensorProto, name: str, dtype: np.dtype[Number], values: Iterable[float]
) -> NDArray[Number]:
    """Take a tensor's packed bytes, or where there are none its single values."""
    shape = [dim.size for dim in tensor.tensor_shape.dim]
    packed = tensor.tensor_content
    flat = np.frombuffer(packed, dtype) if packed else np.array(list(values), dtype)
    if flat.size == 1:  # it stands for all
        flat = np.repeat(flat, int(np.prod(shape)))
    if flat.size != np.prod(shape):
        raise ModelError(f"constant {name!r} has {flat.size} values for the shape {shape}")
    return flat.reshape(shape)
