"""Finds what TensorFlow spells out in several ops: batch norms and the scaling to unit length."""

from dataclasses import dataclass

from faceserver.conversion.readers.graphdef import Array, FrozenGraph
from faceserver.conversion.readers.graphdef_pb2 import NodeDef

_SUMS = ("Add", "AddV2")


@dataclass(frozen=True, eq=False)
class SpelledNorm:
    """A batch norm spelled out: (x - mean) * gamma / sqrt(variance + epsilon) + beta.

    Attributes:
        source: the node x.
        absorbed: the name of the product that the norm takes in.
        gamma: the factor, 1 where the graph has none.
    """

    source: NodeDef
    absorbed: str
    gamma: Array | None
    beta: Array
    mean: Array
    variance: Array
    epsilon: float


def spelled_norm(
    graph: FrozenGraph, total: NodeDef, constants: dict[str, Array]
) -> SpelledNorm | None:
    """Match the sum that ends a norm as ``tf.nn.batch_normalization`` writes it, in any order.

    That is x * factor + (beta - mean * factor), where factor is rsqrt(variance + epsilon) or that
    times gamma.
    """
    sources = graph.inputs(total) if total.op in _SUMS else []
    product = _of_op(sources, "Mul", constants, constant=False)
    shift = _of_op(sources, "Sub", constants, constant=True)
    if product is None or shift is None:
        return None
    beta, moved = graph.inputs(shift)
    root, gamma, factor = _factor(graph, product, constants)
    means = [node for node in graph.inputs(moved) if node != factor] if moved.op == "Mul" else []
    if root is None or len(means) != 1:
        return None
    (widened,) = graph.inputs(root)
    spread = [constants[node.name] for node in graph.inputs(widened)]
    if widened.op not in _SUMS or min(array.size for array in spread) != 1:
        return None
    variance, epsilon = sorted(spread, key=lambda array: -array.ndim)
    (source,) = (node for node in graph.inputs(product) if node.name not in constants)
    return SpelledNorm(
        source=source,
        absorbed=product.name,
        gamma=None if gamma is None else constants[gamma.name],
        beta=constants[beta.name],
        mean=constants[means[0].name],
        variance=variance,
        epsilon=float(epsilon.reshape(())),
    )


def before_l2_normalization(graph: FrozenGraph, end: NodeDef) -> NodeDef:
    """Skip ``x * rsqrt(maximum(sum(square(x)), epsilon))`` at the graph's end."""
    if end.op != "Mul":
        return end
    node = end
    for op in ("Rsqrt", "Maximum", "Sum", "Square"):
        matching = [source for source in graph.inputs(node) if source.op == op]
        if not matching:
            return end
        node = matching[0]
    (vector,) = graph.inputs(node)
    return vector if vector in graph.inputs(end) else end


def _factor(
    graph: FrozenGraph, product: NodeDef, constants: dict[str, Array]
) -> tuple[NodeDef | None, NodeDef | None, NodeDef | None]:
    """Return the root, gamma if there is one, and the product of both; no root where none is."""
    for factor in graph.inputs(product):
        if factor.name not in constants:
            continue
        if factor.op == "Rsqrt":
            return factor, None, factor
        parts = graph.inputs(factor) if factor.op == "Mul" else []
        for root, gamma in (parts, parts[::-1]) if parts else ():
            if root.op == "Rsqrt":
                return root, gamma, factor
    return None, None, None


def _of_op(
    nodes: list[NodeDef], op: str, constants: dict[str, Array], *, constant: bool
) -> NodeDef | None:
    found = [node for node in nodes if node.op == op and (node.name in constants) == constant]
    return found[0] if len(found) == 1 else None
