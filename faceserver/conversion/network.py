"""A network that was read, ready to be written in any form."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from faceserver.conversion.graph.layers import Affine, Input, Layer, Shape, consumers
from faceserver.conversion.graph.shapes import shapes
from faceserver.conversion.graph.simplify import simplify
from faceserver.conversion.readers.opening import Source
from faceserver.errors import ModelError

EMBEDDINGS = "embeddings"
"""What the output of a network that makes embeddings is called in every form but CoreML's."""


@dataclass(frozen=True)
class Network:
    """Layers, and where they come from.

    Attributes:
        source: that was read.
        layers: simplified; the input comes first.
        outputs: our names of what it makes, and the source's.
        input_shape: channels, rows and columns of the picture.
        output_shapes: of what it makes, by our names.
    """

    source: Source
    layers: list[Layer]
    outputs: Mapping[str, str]
    input_shape: Shape
    output_shapes: Mapping[str, Shape]

    @property
    def dims(self) -> int | None:
        """The length of the one vector that it makes, None if it makes anything else."""
        if [*self.outputs] != [EMBEDDINGS]:
            return None
        return self.output_shapes[EMBEDDINGS][0]

    @property
    def scales_its_input(self) -> bool:
        """Whether its first steps scale the picture's values, so that it takes them as they are."""
        readers = consumers(self.layers)
        return all(isinstance(each, Affine) for each in readers[self.layers[0].name])


def read_network(
    source: Source,
    size: tuple[int, int] | None = None,
    *,
    keep_batch_norms: bool = False,
    is_embedding: bool = False,
) -> Network:
    """Read a source's layers and simplify them.

    Args:
        source: what is read.
        size: rows and columns of the input, where the source leaves them open.
        keep_batch_norms: whether no norm is folded into the layer before it.
        is_embedding: whether its one output is called so even if it is no vector.

    Raises:
        ModelError: ops are not supported, or the layers do not fit together; the message names the
            source's file.
    """
    layers = source.layers(size)
    try:
        layers = simplify(layers, keep_batch_norms=keep_batch_norms)
        _require_names(layers)
        layers = _with_ends(layers, _outputs(source, layers))
        found = shapes(layers)
    except ModelError as error:
        raise ModelError(f"{source.path}: {error}") from error
    outputs = _outputs(source, layers)
    inputs = [layer for layer in layers if isinstance(layer, Input)]
    if len(inputs) != 1:
        raise ModelError(f"{source.path} must have one input, not {len(inputs)}")
    if len(outputs) == 1:
        (end, theirs) = next(iter(outputs.items()))
        channels, *sizes = found[end]
        if is_embedding or (sizes == [1, 1] and channels > 1):
            layers = [_renamed(layer, end, EMBEDDINGS) for layer in layers]
            outputs, found[EMBEDDINGS] = {EMBEDDINGS: theirs}, found[end]
    return Network(
        source=source,
        layers=layers,
        outputs=outputs,
        input_shape=found[inputs[0].name],
        output_shapes={name: found[name] for name in outputs},
    )


def _outputs(source: Source, layers: list[Layer]) -> dict[str, str]:
    """Return our name for each of the source's outputs."""
    names = {layer.name for layer in layers}
    if len(source.outputs) == 1 and source.outputs[0] not in names:
        return {layers[-1].name: source.outputs[0]}
    return {name.removesuffix(":0"): name for name in source.outputs}


def _with_ends(layers: list[Layer], outputs: Mapping[str, str]) -> list[Layer]:
    """Give each output that other layers read a layer of its own: files list what nothing reads."""
    readers = consumers(layers)
    ends: list[Layer] = []
    one, zero = np.ones(1, np.float32), np.zeros(1, np.float32)
    for name in outputs:
        if readers[name]:
            inner = f"{name}/inner"
            layers = [_renamed(layer, name, inner) for layer in layers]
            ends.append(Affine(name, (inner,), scale=one, offset=zero))
    return [*layers, *ends]


def _require_names(layers: list[Layer]) -> None:
    twice = [name for name, count in Counter(each.name for each in layers).items() if count > 1]
    if twice:
        raise ModelError(f"two layers are named {twice[0]!r}")


def _renamed(layer: Layer, old: str, new: str) -> Layer:
    bottoms = tuple(new if bottom == old else bottom for bottom in layer.bottoms)
    return replace(layer, name=new if layer.name == old else layer.name, bottoms=bottoms)
