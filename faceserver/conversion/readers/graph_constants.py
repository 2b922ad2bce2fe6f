"""Computes the parts of a TensorFlow graph that depend on no input."""

from collections.abc import Callable

import numpy as np

from faceserver.conversion.readers.graphdef import Array, FrozenGraph, constant
from faceserver.conversion.readers.graphdef_pb2 import NodeDef


def fold_constants(graph: FrozenGraph, nodes: list[NodeDef]) -> dict[str, Array]:
    """Return the value of each node that is a constant, or made of constants by simple arithmetic.

    Args:
        graph: that holds the nodes.
        nodes: each after those that it reads.

    Raises:
        ModelError: a constant is of a type that is not read here.
    """
    values: dict[str, Array] = {}
    for node in nodes:
        if node.op == "Const":
            values[node.name] = constant(node)
        elif node.op in _ARITHMETIC and all(name in values for name in node.input):
            inputs = [values[source.name] for source in graph.inputs(node)]
            values[node.name] = np.asarray(_ARITHMETIC[node.op](*inputs), inputs[0].dtype)
    return values


# In float64, so that folding adds no error of its own before the result is rounded.
_ARITHMETIC: dict[str, Callable[..., Array]] = {
    "Add": lambda a, b: a.astype(np.float64) + b,
    "AddV2": lambda a, b: a.astype(np.float64) + b,
    "Sub": lambda a, b: a.astype(np.float64) - b,
    "Mul": lambda a, b: a.astype(np.float64) * b,
    "RealDiv": lambda a, b: a.astype(np.float64) / b,
    "Neg": lambda a: -a,
    "Rsqrt": lambda a: 1 / np.sqrt(a.astype(np.float64)),
    "Sqrt": lambda a: np.sqrt(a.astype(np.float64)),
}
