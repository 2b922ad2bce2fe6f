"""Stores a CoreML program's weights in fewer bits, and measures what that costs."""

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from faceserver.conversion.caffe2onnx import convert as to_onnx_file
from faceserver.conversion.checks.judge import run_openvino
from faceserver.conversion.coreml.library import load
from faceserver.conversion.coreml.network import OUTPUT, Embedder, PixelScaling
from faceserver.conversion.coreml.reader import Pictures, read_program
from faceserver.conversion.graph.layers import Convolution, Sum
from faceserver.conversion.writers.caffe_files import CaffeFiles
from faceserver.conversion.writers.to_caffe import to_caffe
from faceserver.errors import ModelError
from faceserver.types import Floats

PALETTE_BITS = 6

_FEWEST = 2048  # values of a tensor that is worth it


def compress(model: Any, how: str) -> Any:
    """Store weights as 8-bit numbers with a factor each channel, or as places in a palette.

    Args:
        model: a ``coremltools.models.MLModel`` program for iOS 16 or later.
        how: int8, or palette: 6-bit places in a table of each tensor's 64 commonest values.
    """
    optimize = load("coremltools.optimize.coreml")
    if how == "int8":
        each = optimize.OpLinearQuantizerConfig(mode="linear_symmetric", weight_threshold=_FEWEST)
        config = optimize.OptimizationConfig(global_config=each)
        return optimize.linear_quantize_weights(model, config=config)
    each = optimize.OpPalettizerConfig(mode="kmeans", nbits=PALETTE_BITS, weight_threshold=_FEWEST)
    return optimize.palettize_weights(model, config=optimize.OptimizationConfig(global_config=each))


def stored_network(package: Path, network: Embedder) -> Embedder:
    """Return a network with the weights as a package stores them, widened again.

    Raises:
        ModelError: the package lacks the weights of a layer.
    """
    main = read_program(package).functions["main"]
    found = {
        op.name.removesuffix("_cast_fp16"): op for op in main.operations if op.op_type == "conv"
    }

    # coremltools takes the factor of a residual branch into the convolution before it.
    terms = {
        bottom: (f"{total.name}_term_{place}", factor)
        for total in network.layers
        if isinstance(total, Sum)
        for place, (bottom, factor) in enumerate(
            zip(total.bottoms, total.coefficients, strict=True)
        )
    }

    def stored(layer: Convolution) -> Convolution:
        name, factor = (layer.name, 1.0) if layer.name in found else terms.get(layer.name, ("", 1))
        if name not in found:
            raise ModelError(f"{package.name} has no layer {layer.name!r}")
        op = found[name]
        bias = None if op.bias is None else _widened(op.bias) / np.float32(factor)
        return replace(layer, weights=_widened(op.weight) / np.float32(factor), bias=bias)

    layers = [stored(each) if isinstance(each, Convolution) else each for each in network.layers]
    return replace(network, layers=layers)


def loss(package: Path, network: Embedder, pixels: PixelScaling, pictures: Pictures) -> float:
    """Measure how far a package's embeddings are from those of the unrounded weights.

    The weights are read back from the package and run in OpenVINO, as CoreML runs on macOS alone.

    Args:
        package: the ``.mlpackage``.
        network: that it was made of.
        pixels: the normalization.
        pictures: RGB, of the network's size.

    Returns:
        The largest difference of any value of a unit vector, or of another output in parts of its
        largest value.
    """
    blobs = [_scaled(each, pixels) for each in pictures]
    before, after = (_run(each, blobs) for each in (network, stored_network(package, network)))
    return max(float(np.abs(before[name] - after[name]).max()) for name in before)


def _widened(value: Any) -> Floats:
    constant = value.val if value.val is not None else value.op.materialized_val_inference()
    return np.asarray(constant, np.float32)


def _scaled(picture: Pictures, pixels: PixelScaling) -> Floats:
    values = picture.astype(np.float32)
    if pixels.bgr:
        values = values[..., ::-1]
    values = values * np.asarray(pixels.scale, np.float32) + np.asarray(pixels.bias, np.float32)
    if pixels.floor is not None:
        centred = values - values.mean()
        values = centred / max(float(centred.std()), pixels.floor)
    return np.ascontiguousarray(values.transpose(2, 0, 1)[None], np.float32)


def _run(network: Embedder, blobs: list[Floats]) -> dict[str, Floats]:
    with TemporaryDirectory() as folder:
        net, weights = to_caffe(network.layers, "net")
        CaffeFiles.of(net, weights, "").write(Path(folder), "net")
        onnx = Path(folder) / "net.onnx"
        prototxt, caffemodel = (Path(folder) / f"net.{kind}" for kind in ("prototxt", "caffemodel"))
        onnx.write_bytes(to_onnx_file(prototxt, caffemodel))
        rows = [run_openvino(onnx, blob) for blob in blobs]
    if network.outputs:
        made = {
            ours: np.concatenate([row[layer] for row in rows])
            for layer, ours in network.outputs.items()
        }
        return {
            name: np.float32(1 / max(1.0, float(np.abs(values).max()))) * values
            for name, values in made.items()
        }
    vectors = np.concatenate([row[network.layers[-1].name].reshape(1, -1) for row in rows])
    return {OUTPUT: vectors / np.linalg.norm(vectors, axis=1, keepdims=True)}
