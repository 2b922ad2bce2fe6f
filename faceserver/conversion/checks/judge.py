"""Runs a network in each of its forms, in float32, and compares what comes out.

OpenVINO reads published files (frozen graphs, ONNX) and the ONNX made here; OpenCV the Caffe files.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from faceserver.conversion.caffe.prototxt import read_prototxt
from faceserver.engines.openvino_library import openvino
from faceserver.errors import ModelError
from faceserver.types import Floats

TOLERANCE = 1e-4

Outputs = Mapping[str, Floats]


def run_openvino(path: Path, blob: Floats | Mapping[str, Floats]) -> dict[str, Floats]:
    """Run a file that OpenVINO reads; return its outputs by name.

    Args:
        path: the file.
        blob: what is fed in; by the inputs' names where there are several.
    """
    network = openvino.Core().compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    if isinstance(blob, Mapping):
        results = network({name: np.ascontiguousarray(each) for name, each in blob.items()})
    else:
        results = network([np.ascontiguousarray(blob)])
    return {
        output.any_name.removesuffix(":0"): np.array(results[output]) for output in network.outputs
    }


def run_published(path: Path, blob: Floats) -> dict[str, Floats]:
    """Run a published file, whose channels come last and whose batch may be fixed to 1.

    Args:
        path: a frozen graph or an ONNX file.
        blob: the input as our networks take it, (batch, channels, rows, columns).

    Returns:
        Its outputs by name, the channels moved to the second axis.
    """
    each = [run_openvino(path, item[None].transpose(0, 2, 3, 1)) for item in blob]
    joined = {name: np.concatenate([outputs[name] for outputs in each]) for name in each[0]}
    return {name: np.moveaxis(array, -1, 1) for name, array in joined.items()}


def run_opencv(
    prototxt: Path,
    caffemodel: Path,
    blob: Floats | Mapping[str, Floats],
    outputs: Iterable[str],
) -> dict[str, Floats]:
    """Run Caffe files; return the blobs that are asked for.

    Raises:
        ModelError: OpenCV cannot read the files.
    """
    names = list(outputs)
    # OpenCV asks for layers; where some work in place, a blob is what the last of them makes.
    makers = {
        top: (layer.name, index)
        for layer in read_prototxt(prototxt).layer
        for index, top in enumerate(layer.top)
    }
    wanted = [makers.get(name, (name, 0)) for name in names]
    try:
        network = cv2.dnn.readNetFromCaffe(str(prototxt), str(caffemodel))
        network.enableFusion(False)  # so that every layer can be asked for
        if isinstance(blob, Mapping):
            for name, each in blob.items():
                network.setInput(each, name)
        else:
            network.setInput(blob)
        if any(index for _layer, index in wanted):
            made = network.forwardAndRetrieve([layer for layer, _index in wanted])
            results: list[Any] = [
                each[index] for each, (_layer, index) in zip(made, wanted, strict=True)
            ]
        else:
            results = list(network.forward([layer for layer, _index in wanted]))
    except cv2.error as error:
        raise ModelError(f"OpenCV cannot run the Caffe files: {error.err}") from error
    arrays = [np.asarray(result, np.float32) for result in results]
    return dict(zip(names, arrays, strict=True))


def unit(outputs: Outputs) -> dict[str, Floats]:
    """Scale each row of each output to unit length."""
    return {
        name: array / np.linalg.norm(array, axis=1, keepdims=True)
        for name, array in outputs.items()
    }


def difference(what: str, expected: Outputs, found: Outputs) -> float:
    """Return the largest absolute difference of any value of any output.

    Args:
        what: whose outputs are compared, for the message.
        expected: the outputs to be met.
        found: the outputs to be checked.

    Raises:
        ModelError: the outputs' names or shapes differ, or the difference is above the tolerance.
    """
    shapes = [{name: array.shape for name, array in side.items()} for side in (expected, found)]
    if shapes[0] != shapes[1]:
        raise ModelError(f"{what}: the outputs should be {shapes[0]}, but are {shapes[1]}")
    largest = max(float(np.abs(expected[name] - found[name]).max()) for name in expected)
    if not largest <= TOLERANCE:  # so that NaN fails, too
        raise ModelError(f"{what}: the outputs differ by {largest:.1e}, more than {TOLERANCE:.0e}")
    return largest


def sample(shape: tuple[int, ...]) -> Floats:
    """Make a fixed input between -1 and 1: smooth waves in the first item, noise in the others."""
    blob = np.random.default_rng(0).uniform(-1, 1, shape).astype(np.float32)
    _batch, channels, rows, columns = shape
    channel, row, column = np.ogrid[0:channels, 0:rows, 0:columns]
    blob[0] = np.sin(row / 11 + channel) * np.cos(column / 17)
    return blob
