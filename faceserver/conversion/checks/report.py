"""Compares a converted network with its source, layer by layer."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field

import numpy as np

from faceserver.conversion.checks.judge import TOLERANCE, unit
from faceserver.conversion.graph.layers import Layer
from faceserver.conversion.network import EMBEDDINGS, Network
from faceserver.errors import ModelError
from faceserver.types import Floats

Runner = Callable[[Floats, Sequence[str]], Mapping[str, Floats]]
"""Computes layers of one picture (1, 3, rows, columns), by our names."""


@dataclass(frozen=True)
class LayerReport:
    """How far a layer is from its source.

    Attributes:
        name: the layer's.
        node: the source's node that makes the same values.
        differences: by input, the largest absolute difference of any value; where the layer's
            largest value is above 1, divided by it.
    """

    name: str
    node: str
    differences: Mapping[str, float]


@dataclass(frozen=True)
class Report:
    """What a conversion gave.

    Attributes:
        source: the file or folder's name.
        judge: what ran the source.
        parameters: the number of values of all weights.
        seconds: what reading, converting and checking took together.
        embedding: by input, the largest difference of the unit vectors in each form; of a network
            that makes others, of its outputs as of layers.
        layers: those of which the source has the same values.
        limits: above which a difference is an error, by the form; of layers and of forms that are
            not named it is :data:`TOLERANCE`.
    """

    source: str
    judge: str
    parameters: int
    seconds: float
    embedding: Mapping[str, Mapping[str, float]]
    layers: tuple[LayerReport, ...]
    limits: Mapping[str, float] = field(default_factory=dict)

    def format(self) -> bytes:
        """Write the report as JSON."""
        return (json.dumps(asdict(self), indent=2) + "\n").encode()

    def worst(self) -> tuple[str, float]:
        """Return the largest difference of all, and where it is."""
        found = ((where, apart) for where, apart, _limit in self._differences())
        return max(found, key=lambda item: np.inf if np.isnan(item[1]) else item[1])

    def _differences(self) -> Iterator[tuple[str, float, float]]:
        """Where something was compared, how far it is apart, and how far it may be."""
        for layer in self.layers:
            for apart in layer.differences.values():
                yield layer.name, apart, TOLERANCE
        for forms in self.embedding.values():
            for form, apart in forms.items():
                yield f"the embedding in {form}", apart, self.limits.get(form, TOLERANCE)

    def check(self) -> None:
        """Raise where something differs too much.

        Raises:
            ModelError: a difference is above its limit; the message names the layer that is
                furthest above.
        """
        wrong = [each for each in self._differences() if not each[1] <= each[2]]  # NaN is wrong
        if wrong:
            where, apart, limit = max(wrong, key=lambda each: np.nan_to_num(each[1], nan=np.inf))
            raise ModelError(
                f"{self.source}: {where} differs by {apart:.1e}, more than {limit:.0e}; "
                "--no-check writes it all the same"
            )


def compare(
    network: Network,
    forms: Mapping[str, Runner],
    inputs: Mapping[str, Floats],
    *,
    traced: Sequence[str] = (),
    parameters: int = 0,
) -> Report:
    """Run the source and what was made of it on the same inputs.

    Args:
        network: what was converted.
        forms: what runs each of the forms that were made.
        inputs: by name, each of shape (1, 3, rows, columns), normalized.
        traced: the layers that the first form can be asked for.
        parameters: the number of values of all weights.

    Raises:
        ModelError: one of them cannot be run.
    """
    source = network.source
    layers = [each for each in network.layers[1:] if each.origin and each.name in set(traced)]
    differences: dict[str, dict[str, float]] = {layer.name: {} for layer in layers}
    wanted = list(dict.fromkeys([*(each.origin for each in layers), *network.outputs.values()]))
    embedding: dict[str, dict[str, float]] = {}
    for title, blob in inputs.items():
        try:
            expected = source.run(blob, wanted)
            apart = embedding.setdefault(title, {})
            for form, run in forms.items():
                names = [layer.name for layer in layers] if not apart else []
                found = run(blob, list(dict.fromkeys([*names, *network.outputs])))
                if names:
                    _compare_layers(layers, expected, found, title, differences)
                apart[form] = max(
                    _output_apart(ours, expected[theirs], found[ours])
                    for ours, theirs in network.outputs.items()
                )
        except ModelError as error:
            raise ModelError(f"{source.path} cannot be compared: {error}") from error
    return Report(
        source=source.path.name,
        judge=source.judge,
        parameters=parameters,
        seconds=0.0,
        embedding=embedding,
        layers=tuple(
            LayerReport(layer.name, layer.origin, differences[layer.name])
            for layer in layers
            if differences[layer.name]
        ),
    )


def _compare_layers(
    layers: Sequence[Layer],
    expected: Mapping[str, Floats],
    found: Mapping[str, Floats],
    title: str,
    differences: dict[str, dict[str, float]],
) -> None:
    for layer in layers:
        if layer.origin in expected:
            apart = relative(expected[layer.origin], found[layer.name])
            differences[layer.name][title] = apart


def _output_apart(name: str, expected: Floats, found: Floats) -> float:
    if name != EMBEDDINGS:
        return relative(expected, found)
    return float(np.abs(_unit(found) - _unit(expected)).max())


def _unit(array: Floats) -> Floats:
    return unit({"vector": array.reshape(len(array), -1)})["vector"]


def relative(expected: Floats, found: Floats) -> float:
    """Return the largest difference of two arrays, in parts of the largest value above 1."""
    if expected.size != found.size:
        return float("inf")
    largest = max(float(np.abs(expected).max()), 1.0)
    return float(np.abs(expected - found.reshape(expected.shape)).max()) / largest
