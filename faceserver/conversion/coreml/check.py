"""Compares a CoreML file with its source, as far as the machine allows."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from faceserver.conversion.checks.judge import sample, unit
from faceserver.conversion.checks.report import relative
from faceserver.conversion.coreml.network import INPUT, OUTPUT, Embedder
from faceserver.conversion.coreml.reader import Pictures, predict, read_program, run_neural_network
from faceserver.conversion.graph.layers import Convolution, Pads, Pooling
from faceserver.conversion.graph.shapes import pads
from faceserver.conversion.readers.opening import Source
from faceserver.errors import ModelError
from faceserver.models.spec import Normalization, WhiteningNormalization
from faceserver.types import Floats

RUNS_COREML = sys.platform == "darwin"

TOLERANCE = 1e-3
HALF_TOLERANCE = 2e-2

_HALF_STEP = 2.0**-10  # a number in 16 bits is closer to the original than this part of it
_LEAST_HALF = 2.0**-24  # and below this, it is zero


def check_outputs(
    made: Path,
    source: Source,
    normalization: Normalization,
    pictures: Pictures,
    *,
    half: bool,
    channels: str = "rgb",
    outputs: Mapping[str, str] | None = None,
) -> float:
    """Compare what pictures give with what they give in the source; return the largest difference.

    On macOS the file itself runs; elsewhere an ``.mlmodel`` runs by way of ONNX.

    Args:
        made: the file.
        source: what it was made of.
        normalization: what happens to the pixels first.
        pictures: of the network's size.
        half: whether its weights have 16 bits.
        channels: the order of the colours that the source takes.
        outputs: by the file's outputs the source's; None where it makes one unit vector.

    Raises:
        ModelError: the difference is above the tolerance.
    """
    run = predict if RUNS_COREML else run_neural_network
    if outputs is None:
        expected = {OUTPUT: expected_embeddings(source, normalization, pictures, channels)}
        found = {OUTPUT: run(made, pictures)}
        largest = float(np.abs(expected[OUTPUT] - found[OUTPUT]).max())
    else:
        blobs = normalized(pictures, normalization, channels)
        each = [source.run(blob[None], [*outputs.values()]) for blob in blobs]
        largest = max(
            relative(
                np.concatenate([one[theirs].reshape(1, -1) for one in each]),
                run(made, pictures, ours),
            )
            for ours, theirs in outputs.items()
        )
    tolerance = HALF_TOLERANCE if half else TOLERANCE
    if not largest <= tolerance:  # so that NaN fails, too
        what = "embeddings" if outputs is None else "outputs"
        raise ModelError(
            f"{source.path}: the {what} differ by {largest:.1e}, more than {tolerance:.0e}; "
            "--no-check writes the file all the same"
        )
    return largest


def check_program(package: Path, network: Embedder, *, half: bool) -> float:
    """Compare an ``.mlpackage``'s input, output, windows and weights with the source's.

    Returns:
        The largest difference of a weight: 0 unless the weights have 16 bits.

    Raises:
        ModelError: the input or the output is not as it should be, a layer is missing or one too
            many, its window is another, or a weight differs by more than 16 bits can explain.
    """
    main = read_program(package).functions["main"]
    _require_shape("input", INPUT, main.inputs[INPUT], (1, *network.input_shape))
    if network.outputs:
        made = [output.name for output in main.outputs]
        if len(made) != len(network.outputs):
            raise ModelError(f"it makes {made}, not {[*network.outputs.values()]}")
    else:
        _require_shape("output", OUTPUT, main.outputs[0], (1, network.dims))
    found = {
        op.name.removesuffix("_cast_fp16"): op
        for op in main.operations
        if op.op_type in ("conv", "max_pool", "avg_pool")
    }
    expected = {
        layer.name: layer for layer in network.layers if isinstance(layer, Convolution | Pooling)
    }
    if found.keys() != expected.keys():
        raise ModelError(
            f"the layers {sorted(found.keys() ^ expected.keys())} are in one of the two alone"
        )
    for name, layer in expected.items():
        _require_window(layer, found[name], pads(layer, network.shapes[layer.bottoms[0]]))
    return max(
        _weights_apart(layer, found[layer.name], half=half) for layer in network.convolutions
    )


def expected_embeddings(
    source: Source, normalization: Normalization, pictures: Pictures, channels: str = "rgb"
) -> Floats:
    """Run the source on pictures; return unit vectors, shape (pictures, dims)."""
    (end,) = source.outputs
    rows = [
        source.run(blob[None], [end])[end].reshape(1, -1)
        for blob in normalized(pictures, normalization, channels)
    ]
    return unit({OUTPUT: np.concatenate(rows)})[OUTPUT]


def normalized(pictures: Pictures, normalization: Normalization, channels: str = "rgb") -> Floats:
    """Normalize pictures as the model's description says; return (pictures, 3, rows, columns)."""
    ordered = pictures[..., ::-1] if channels == "bgr" else pictures
    values = ordered.astype(np.float64)
    if isinstance(normalization, WhiteningNormalization):
        axes = (1, 2, 3)
        least = 1 / np.sqrt(values[0].size)
        deviation = np.maximum(values.std(axes, keepdims=True), least)
        values = (values - values.mean(axes, keepdims=True)) / deviation
    else:
        values = (values - np.asarray(normalization.mean)) * np.asarray(normalization.scale)
    return np.ascontiguousarray(values.transpose(0, 3, 1, 2), np.float32)


def load_pictures(paths: list[Path], network: Embedder) -> Pictures:
    """Read pictures of faces, scaled to the network's size; without paths, make two up.

    Raises:
        ModelError: one cannot be read as a picture.
    """
    channels, rows, columns = network.input_shape
    if not paths:
        made_up = (sample((2, channels, rows, columns)) + 1) * 127.5
        return made_up.transpose(0, 2, 3, 1).astype(np.uint8)
    return np.stack([_load_picture(path, (columns, rows)) for path in paths])


def _load_picture(path: Path, size: tuple[int, int]) -> Pictures:
    try:
        with Image.open(path) as picture:
            return np.asarray(picture.convert("RGB").resize(size))
    except OSError as error:
        raise ModelError(f"{path} cannot be read as a picture") from error


def _require_window(layer: Convolution | Pooling, found: Any, padding: Pads) -> None:
    window = (tuple(found.strides.val), tuple(found.pad.val))
    if window != (layer.stride, padding):
        raise ModelError(
            f"{layer.name!r} has steps and pads of {window}, not of {(layer.stride, padding)}"
        )


def _weights_apart(layer: Convolution, found: Any, *, half: bool) -> float:
    nothing = np.zeros(layer.weights.shape[0], np.float32)
    bias = nothing if layer.bias is None else layer.bias
    pairs = (
        (layer.weights, found.weight.val),
        (bias, nothing if found.bias is None else found.bias.val),
    )
    return max(_apart(layer.name, *pair, half=half) for pair in pairs)


def _apart(name: str, expected: Floats, found: Any, *, half: bool) -> float:
    if expected.shape != found.shape:
        raise ModelError(f"{name!r} has weights of {found.shape}, not of {expected.shape}")
    apart = np.abs(expected - found.astype(np.float32))
    allowed = _HALF_STEP * np.abs(expected) + _LEAST_HALF if half else 0.0
    if not np.all(apart <= allowed):
        raise ModelError(f"the weights of {name!r} differ by {apart.max():.1e} from the source's")
    return float(apart.max())


def _require_shape(kind: str, name: str, found: Any, shape: tuple[int, ...]) -> None:
    if found.name != name or tuple(found.shape) != shape:
        raise ModelError(
            f"the {kind} should be {name} {shape}, but is {found.name} {tuple(found.shape)}"
        )
