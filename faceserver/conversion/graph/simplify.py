"""Takes reshapes, biases, batch norms and scales that stand alone into the layers next to them."""

from dataclasses import replace
from typing import Any

import numpy as np

from faceserver.conversion.graph.layers import (
    Affine,
    BatchNorm,
    Bias,
    Convolution,
    Dense,
    Flatten,
    GlobalAverage,
    Layer,
    Scale,
    Sum,
    consumers,
)
from faceserver.conversion.graph.prelu import join_prelus
from faceserver.errors import ModelError


def simplify(layers: list[Layer], *, keep_batch_norms: bool = False) -> list[Layer]:
    """Return an equal network with as few Bias, BatchNorm, Affine and Scale layers as can be.

    What is folded into a layer leaves that layer its name, unless it is an output. What
    follows no layer that can take it
    in stays: a BatchNorm as it is, the others as an Affine. A Flatten stays only where it takes a
    blob with rows and columns.

    Args:
        layers: each after those it reads.
        keep_batch_norms: whether no BatchNorm is folded.

    Raises:
        ModelError: a Flatten gives a row another size than it has; the message names it.
    """
    layers = join_prelus(_drop_needless_flattens(layers))
    layers = _lone_scales_as_affine(layers)
    layers = _fold(layers, (Bias, Affine) if keep_batch_norms else (Bias, Affine, BatchNorm))
    return _fold_scales(layers)


def _drop_needless_flattens(layers: list[Layer]) -> list[Layer]:
    """Frameworks reshape a row of values to (batch, 1, 1, values) and back around a batch norm."""
    kept: list[Layer] = []
    aliases: dict[str, str] = {}
    widths: dict[str, int | None] = {}  # of the blobs that are rows of values
    for given in layers:
        layer = _rewired(given, aliases)
        if isinstance(layer, Flatten) and layer.bottoms[0] in widths:
            width = widths[layer.bottoms[0]]
            if None not in (width, layer.size) and width != layer.size:
                raise ModelError(f"{layer.name!r} cannot make {layer.size} values of {width}")
            aliases[layer.name] = layer.bottoms[0]
            continue
        if isinstance(layer, Flatten):
            widths[layer.name] = layer.size
        elif isinstance(layer, GlobalAverage) and not layer.keeps_axes:
            widths[layer.name] = None
        elif isinstance(layer, Dense):
            widths[layer.name] = layer.weights.shape[1]
        elif layer.bottoms and layer.bottoms[0] in widths:
            widths[layer.name] = widths[layer.bottoms[0]]
        kept.append(layer)
    return kept


def _lone_scales_as_affine(layers: list[Layer]) -> list[Layer]:
    """Leave as Scale only what sums can take in as a coefficient."""
    readers = consumers(layers)

    def kept(layer: Layer) -> Layer:
        if not isinstance(layer, Scale):
            return layer
        if readers[layer.name] and all(isinstance(each, Sum) for each in readers[layer.name]):
            return layer
        scale, offset = np.full(1, layer.factor, np.float32), np.zeros(1, np.float32)
        return Affine(layer.name, layer.bottoms, scale=scale, offset=offset, origin=layer.origin)

    return [kept(layer) for layer in layers]


def _fold(layers: list[Layer], kinds: tuple[type[Layer], ...]) -> list[Layer]:
    readers = consumers(layers)
    kept: dict[str, Layer] = {}
    aliases: dict[str, str] = {}
    for given in layers:
        layer = _rewired(given, aliases)
        source = kept[layer.bottoms[0]] if layer.bottoms else None
        if (
            isinstance(layer, kinds)
            and isinstance(source, Convolution | Dense)
            and len(readers[given.bottoms[0]]) == 1
        ):
            folded = _folded(source, layer)
            if not readers[layer.name]:  # an output keeps its name
                folded = replace(folded, name=layer.name)
            kept[source.name] = folded
            aliases[layer.name] = source.name
        elif isinstance(layer, Bias):
            kept[layer.name] = _as_affine(layer)
        else:
            kept[layer.name] = layer
    return list(kept.values())


def _as_affine(step: Bias) -> Affine:
    one = np.ones(1, np.float32)
    return Affine(step.name, step.bottoms, scale=one, offset=step.values, origin=step.origin)


def _folded(layer: Convolution | Dense, step: Layer) -> Layer:
    # In float64, so that folding itself adds no error to the weights.
    bias: Any = np.zeros(1) if layer.bias is None else layer.bias.astype(np.float64)
    scale: Any = np.ones(1)
    if isinstance(step, Bias):
        bias = bias + step.values
    elif isinstance(step, Affine):
        scale = step.scale.astype(np.float64)
        bias = bias * scale + step.offset
    elif isinstance(step, BatchNorm):
        scale = step.gamma / np.sqrt(step.variance.astype(np.float64) + step.epsilon)
        bias = (bias - step.mean) * scale + step.beta
    along_outputs = scale if isinstance(layer, Dense) else scale[:, None, None, None]
    outputs = layer.weights.shape[1 if isinstance(layer, Dense) else 0]
    return replace(
        layer,
        weights=(layer.weights * along_outputs).astype(np.float32),
        bias=np.broadcast_to(bias, outputs).astype(np.float32),
        origin=step.origin,
    )


def _fold_scales(layers: list[Layer]) -> list[Layer]:
    scales = {layer.name: layer for layer in layers if isinstance(layer, Scale)}
    return [
        _with_scales(layer, scales) if isinstance(layer, Sum) else layer
        for layer in layers
        if layer.name not in scales
    ]


def _with_scales(layer: Sum, scales: dict[str, Scale]) -> Sum:
    bottoms = tuple(scales[b].bottoms[0] if b in scales else b for b in layer.bottoms)
    first, second = (
        coefficient * (scales[b].factor if b in scales else 1.0)
        for b, coefficient in zip(layer.bottoms, layer.coefficients, strict=True)
    )
    return replace(layer, bottoms=bottoms, coefficients=(first, second))


def _rewired(layer: Layer, aliases: dict[str, str]) -> Layer:
    return replace(layer, bottoms=tuple(aliases.get(name, name) for name in layer.bottoms))
