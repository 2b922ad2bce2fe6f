"""Reads a frozen TensorFlow graph, without TensorFlow."""

from pathlib import Path
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

from faceserver.conversion.readers.graphdef_pb2 import GraphDef, NodeDef, TensorProto
from faceserver.conversion.readers.inference import inference_graph
from faceserver.errors import ModelError

Array = NDArray[Any]
"""A constant: float32, float64, int32, int64 or bool."""

EMBEDDINGS = "embeddings"
"""What FaceNet graphs call their output."""

DT_FLOAT, DT_BOOL = 1, 10  # of TensorFlow's enum DataType

# For each DataType that is read here, its dtype and the field of single values.
_DTYPES: dict[int, tuple[type[np.generic], str]] = {
    DT_FLOAT: (np.float32, "float_val"),
    2: (np.float64, "double_val"),
    3: (np.int32, "int_val"),
    9: (np.int64, "int64_val"),
    DT_BOOL: (np.bool_, "bool_val"),
}


class FrozenGraph:
    """What a graph computes when it is not being trained: its nodes by name."""

    def __init__(self, graph: GraphDef, output: str | None = None) -> None:
        """Take the nodes.

        Args:
            graph: a graph whose variables are constants.
            output: the node whose output is the graph's; see :meth:`output`.

        Raises:
            ModelError: the graph has no nodes.
        """
        if not graph.node:
            raise ModelError("the graph has no nodes")
        self.nodes, self._aliases = inference_graph(graph)
        self._output = output

    def inputs(self, node: NodeDef) -> list[NodeDef]:
        """Return the nodes whose first output a node reads.

        Raises:
            ModelError: one is missing, or another output than the first is read.
        """
        missing = [name for name in node.input if name not in self.nodes]
        if missing:
            raise ModelError(f"node {node.name!r} reads {missing[0]!r}, which the graph lacks")
        return [self.nodes[name] for name in node.input]

    def data_inputs(self, node: NodeDef) -> list[NodeDef]:
        """Return what a node reads, without a shape that is computed from a blob's."""
        sources = self.inputs(node)
        if node.op == "Reshape" and sources[1].op != "Const":
            return sources[:1]
        return sources

    def output(self) -> NodeDef:
        """Return the node that was named, else ``embeddings``, else the one that no other reads.

        Raises:
            ModelError: there is no such node, or several are read by no other.
        """
        if self._output is not None:
            return self._named(self._output)
        if EMBEDDINGS in self.nodes or EMBEDDINGS in self._aliases:
            return self._named(EMBEDDINGS)
        read = {name.partition(":")[0] for node in self.nodes.values() for name in node.input}
        ends = [
            name
            for name, node in self.nodes.items()
            if name not in read and node.op not in ("Const", "Placeholder")
        ]
        if len(ends) != 1:
            raise ModelError(f"the graph must have one output; nothing reads {ends}")
        return self.nodes[ends[0]]

    def _named(self, name: str) -> NodeDef:
        found = self.nodes.get(self._aliases.get(name, name))
        if found is None:
            raise ModelError(f"the graph has no node {name!r}")
        return found

    def needed_for(self, end: NodeDef, *, shapes: bool = False) -> list[NodeDef]:
        """Return the nodes that ``end`` depends on and itself, each after those it reads.

        Args:
            end: the last node.
            shapes: whether what only computes a blob's new shape belongs to them.
        """
        read = self.inputs if shapes else self.data_inputs
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
            stack.extend((source, False) for source in reversed(read(node)))
        return list(ordered.values())


def read_graph_def(path: Path) -> GraphDef:
    """Read a frozen graph's nodes as they are stored.

    Raises:
        ModelError: the file is missing, truncated, or no graph.
    """
    graph = GraphDef()
    try:
        graph.ParseFromString(path.read_bytes())
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}") from error
    except DecodeError as error:
        raise ModelError(f"{path} is truncated, or not a frozen graph") from error
    return graph


def constant(node: NodeDef) -> Array:
    """Return a Const node's value, in its own shape.

    Raises:
        ModelError: the node is no constant, or of a type that is not read here.
    """
    if node.op != "Const":
        raise ModelError(f"node {node.name!r} is a {node.op}, where a constant is expected")
    return _to_array(node.attr["value"].tensor, node.name)


def constant_node(name: str, value: NDArray[np.float32]) -> NodeDef:
    """Make a Const node of a float32 array."""
    node = NodeDef(name=name, op="Const")
    node.attr["dtype"].type = DT_FLOAT
    tensor = node.attr["value"].tensor
    tensor.dtype = DT_FLOAT
    tensor.tensor_content = np.ascontiguousarray(value).tobytes()
    for size in value.shape:
        tensor.tensor_shape.dim.add(size=size)
    return node


def _to_array(tensor: TensorProto, name: str) -> Array:
    """Take a tensor's packed bytes, or where there are none its single values."""
    if tensor.dtype not in _DTYPES:
        known = ", ".join(dtype.__name__ for dtype, _field in _DTYPES.values())
        raise ModelError(f"constant {name!r} is none of {known}")
    dtype, field = _DTYPES[tensor.dtype]
    shape = [dim.size for dim in tensor.tensor_shape.dim]
    values, count = getattr(tensor, field), int(np.prod(shape, dtype=np.int64))
    packed = tensor.tensor_content
    # The last single value stands for the rest, and none at all for zeros.
    flat: Array = np.frombuffer(packed, dtype) if packed else np.array(list(values), dtype)
    if flat.size < count and not packed:
        last = flat[-1:] if flat.size else np.zeros(1, dtype)
        flat = np.concatenate([flat, np.repeat(last, count - flat.size)])
    if flat.size != count:
        raise ModelError(f"constant {name!r} has {flat.size} values for the shape {shape}")
    return flat.reshape(shape)
