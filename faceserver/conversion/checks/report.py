"""Compares a converted network with its source, layer by layer."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from faceserver.conversion.caffe.caffemodel import read_caffemodel
from faceserver.conversion.caffe.prototxt import read_prototxt
from faceserver.conversion.checks.judge import TOLERANCE, run_opencv, run_openvino, unit
from faceserver.conversion.checks.tf_judge import judge_name, run_source
from faceserver.conversion.graph.layers import Layer
from faceserver.conversion.readers.tf_source import TfSource
from faceserver.errors import ModelError
from faceserver.types import Floats


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
        embedding: by input, the largest difference of the unit vectors, of Caffe and of ONNX.
        layers: those of which the source has the same values.
    """

    source: str
    judge: str
    parameters: int
    seconds: float
    embedding: Mapping[str, Mapping[str, float]]
    layers: tuple[LayerReport, ...]

    def format(self) -> bytes:
        """Write the report as JSON."""
        return (json.dumps(asdict(self), indent=2) + "\n").encode()

    def worst(self) -> tuple[str, float]:
        """Return the largest difference of all, and where it is."""
        found = [(each.name, apart) for each in self.layers for apart in each.differences.values()]
        found += [
            (f"the embedding in {form}", apart)
            for forms in self.embedding.values()
            for form, apart in forms.items()
        ]
        return max(found, key=lambda item: np.inf if np.isnan(item[1]) else item[1])

    def check(self) -> None:
        """Raise where something differs too much.

        Raises:
            ModelError: the largest difference is above the tolerance; the message names the layer.
        """
        where, largest = self.worst()
        if not largest <= TOLERANCE:  # so that NaN fails, too
            raise ModelError(f"{where} differs by {largest:.1e}, more than {TOLERANCE:.0e}")


def compare(
    source: TfSource,
    layers: list[Layer],
    folder: Path,
    network: str,
    inputs: Mapping[str, Floats],
) -> Report:
    """Run the source and what was made of it on the same inputs.

    Args:
        source: what was converted.
        layers: what was written to Caffe, the input first, the embedding last.
        folder: holds the prototxt, the caffemodel and the ONNX file.
        network: their name without suffix.
        inputs: by name, each of shape (1, channels, rows, columns).
    """
    prototxt, caffemodel, onnx = (
        folder / f"{network}.{kind}" for kind in ("prototxt", "caffemodel", "onnx")
    )
    feed, *computed = layers
    # What a layer overwrites in place is compared after that.
    makers = {layer.top[0]: layer.name for layer in read_prototxt(prototxt).layer}
    traced = [layer for layer in computed if layer.origin and layer.name in makers.values()]
    end = source.graph.output().name
    differences: dict[str, dict[str, float]] = {layer.name: {} for layer in traced}
    embedding = {}
    for title, blob in inputs.items():
        nodes = list(dict.fromkeys([*(layer.origin for layer in traced), end]))
        expected = run_source(source, feed.origin, blob, nodes)
        found = run_opencv(prototxt, caffemodel, blob, [layer.name for layer in traced])
        for layer in traced:
            if layer.origin in expected:
                apart = _apart(expected[layer.origin], found[layer.name])
                differences[layer.name][title] = apart
        last = computed[-1].name
        made = {"Caffe": found[last], "ONNX": run_openvino(onnx, blob)[last]}
        vector = _unit(expected[end])
        embedding[title] = {
            form: float(np.abs(_unit(array) - vector).max()) for form, array in made.items()
        }
    return Report(
        source=source.path.name,
        judge=judge_name(source),
        parameters=sum(
            blob.size for blobs in read_caffemodel(caffemodel).values() for blob in blobs
        ),
        seconds=0.0,
        embedding=embedding,
        layers=tuple(
            LayerReport(layer.name, layer.origin, differences[layer.name])
            for layer in traced
            if differences[layer.name]
        ),
    )


def _unit(array: Floats) -> Floats:
    return unit({"vector": array.reshape(len(array), -1)})["vector"]


def _apart(expected: Floats, found: Floats) -> float:
    if expected.size != found.size:
        return float("inf")
    largest = max(float(np.abs(expected).max()), 1.0)
    return float(np.abs(expected - found.reshape(expected.shape)).max()) / largest
