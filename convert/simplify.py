"""Takes reshapes, biases, batch norms and scales that stand alone into the layers next to them."""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import numpy as np

from convert.layers import (
    BatchNorm,
    Bias,
    Convolution,
    Dense,
    Flatten,
    Layer,
    Scale,
    Sum,
    consumers,
)
from faceserver.errors import ModelError

_Step = TypeVar("_Step", Bias, BatchNorm)


def simplify(layers: list[Layer]) -> list[Layer]:
    """Return an equal network without Bias, BatchNorm and Scale layers.

    What is folded into a layer leaves that layer its name. A Flatten stays only where it takes a
    blob with rows and columns.

    Raises:
        ModelError: one of them does not follow a layer that can take it in; the message names it.
    """
    layers = _drop_needless_flattens(layers)
    layers = _fold(layers, Bias, _with_bias)
    layers = _fold(layers, BatchNorm, _with_batch_norm)
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
        elif isinstance(layer, Dense):
            widths[layer.name] = layer.weights.shape[1]
        elif layer.bottoms and layer.bottoms[0] in widths:
            widths[layer.name] = widths[layer.bottoms[0]]
        kept.append(layer)
    return kept


def _fold(
    layers: list[Layer], kind: type[_Step], fold: Callable[[Convolution | Dense, _Step], Layer]
) -> list[Layer]:
    readers = consumers(layers)
    kept: dict[str, Layer] = {}
    aliases: dict[str, str] = {}
    for given in layers:
        layer = _rewired(given, aliases)
        if not isinstance(layer, kind):
            kept[layer.name] = layer
            continue
        source = kept[layer.bottoms[0]]
        if not isinstance(source, Convolution | Dense) or len(readers[given.bottoms[0]]) > 1:
            raise ModelError(
                f"{layer.name!r} must follow a convolution or a matrix product that nothing else "
                f"reads, not {source.name!r}"
            )
        kept[source.name] = fold(source, layer)
        aliases[layer.name] = source.name
    return list(kept.values())


def _with_bias(layer: Convolution | Dense, step: Bias) -> Layer:
    bias = step.values if layer.bias is None else layer.bias + step.values
    return replace(layer, bias=bias)


def _with_batch_norm(layer: Convolution | Dense, step: BatchNorm) -> Layer:
    # In float64, so that folding itself adds no error to the weights.
    scale = step.gamma / np.sqrt(step.variance.astype(np.float64) + step.epsilon)
    bias = 0.0 if layer.bias is None else layer.bias
    offset = (bias - step.mean.astype(np.float64)) * scale + step.beta
    along_outputs = scale if isinstance(layer, Dense) else scale[:, None, None, None]
    return replace(
        layer,
        weights=(layer.weights * along_outputs).astype(np.float32),
        bias=offset.astype(np.float32),
    )


def _fold_scales(layers: list[Layer]) -> list[Layer]:
    scales = {layer.name: layer for layer in layers if isinstance(layer, Scale)}
    for name, readers in consumers(layers).items():
        if name in scales and not (readers and all(isinstance(layer, Sum) for layer in readers)):
            raise ModelError(f"{name!r} scales a blob that no sum reads, which is not supported")
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
