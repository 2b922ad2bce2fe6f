"""Finds activations that a framework spells out in several layers."""

import numpy as np

from faceserver.conversion.graph.layers import Affine, Layer, PRelu, Relu, Scale, Sum, consumers
from faceserver.types import Floats


def join_prelus(layers: list[Layer]) -> list[Layer]:
    """Put one PRelu for max(x, 0) + k * max(-x, 0), which is how Keras writes it; its slope is -k.

    Args:
        layers: each after those it reads.
    """
    by_name = {layer.name: layer for layer in layers}
    readers = consumers(layers)
    joined: dict[str, Layer] = {}
    dropped: set[str] = set()
    for layer in layers:
        if isinstance(layer, Sum) and layer.coefficients in ((1.0, 1.0), (1.0, -1.0)):
            found = _spelled(layer, by_name)
            if found:
                slopes, source, parts = found
                joined[layer.name] = PRelu(
                    layer.name, (source,), slopes=slopes, origin=layer.origin
                )
                dropped.update(parts)
    # A part that something else reads, too, stays.
    for name in list(dropped):
        if any(reader.name not in (*dropped, *joined) for reader in readers[name]):
            dropped.discard(name)
    return [joined.get(layer.name, layer) for layer in layers if layer.name not in dropped]


def _spelled(total: Sum, by_name: dict[str, Layer]) -> tuple[Floats, str, set[str]] | None:
    """Return the slopes, what the activation reads, and the layers that it consists of."""
    first, second = (by_name[bottom] for bottom in total.bottoms)
    sign = total.coefficients[1]
    pairs = ((first, second), (second, first)) if sign == 1 else ((first, second),)
    for positive, scaled in pairs:
        factors = _factors(scaled)
        if not isinstance(positive, Relu) or factors is None:
            continue
        negative = by_name[scaled.bottoms[0]]
        turned = by_name[negative.bottoms[0]] if isinstance(negative, Relu) else None
        if (
            turned is None
            or (sign_of := _factors(turned)) is None
            or not np.array_equal(sign_of, [-1])
        ):
            continue
        if turned.bottoms == positive.bottoms:
            parts = {positive.name, scaled.name, negative.name, turned.name}
            return (-sign * factors).astype(np.float32), positive.bottoms[0], parts
    return None


def _factors(layer: Layer | None) -> Floats | None:
    """Return what a layer multiplies by, None if it does anything else."""
    if isinstance(layer, Scale):
        return np.full(1, layer.factor, np.float32)
    if isinstance(layer, Affine) and not np.any(layer.offset):
        return layer.scale
    return None
