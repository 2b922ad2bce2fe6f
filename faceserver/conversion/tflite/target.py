"""TFLite as one of the forms of a conversion."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from faceserver.conversion.checks.report import Runner
from faceserver.conversion.coreml.network import OUTPUT, PixelScaling, coreml_network, pixel_scaling
from faceserver.conversion.network import EMBEDDINGS, Network
from faceserver.conversion.options import Pixels
from faceserver.conversion.tflite.run import run_array
from faceserver.conversion.tflite.to_tflite import to_tflite
from faceserver.errors import ModelError
from faceserver.types import Floats


def tflite_form(network: Network, pixels: Pixels, weights: str) -> tuple[bytes, Runner]:
    """Write a TFLite file.

    Args:
        network: that was read.
        pixels: what its pixels are; the file takes them as they are, and normalizes them.
        weights: float32, float16 or int8.

    Returns:
        The file, and what runs it on a normalized picture as the other forms take it.

    Raises:
        SetupError: TensorFlow is not installed.
        ModelError: a layer cannot be written.
    """
    prepared = coreml_network(network)
    scaling = pixel_scaling(pixels.normalization, prepared.input_shape, pixels.channels)
    try:
        content = to_tflite(prepared, scaling, weights=weights)
    except ModelError as error:
        raise ModelError(f"{network.source.path}: {error}") from error
    # The file's own normalization is undone beforehand; whitening is left out of what is compared.
    comparable = replace(scaling, floor=None)
    compared = (
        content if scaling.floor is None else to_tflite(prepared, comparable, weights=weights)
    )
    names = {EMBEDDINGS: OUTPUT} if network.dims else dict(prepared.outputs)
    ours = dict(zip(network.outputs, names.values(), strict=True))

    def run(blob: Floats, wanted: Sequence[str]) -> Mapping[str, Floats]:
        made = run_array(compared, _pixels(blob, comparable))
        return {name: made[ours[name]] for name in wanted if name in ours}

    return content, run


def _pixels(blob: Floats, scaling: PixelScaling) -> Floats:
    """Undo a normalization: the pixels (1, rows, columns, 3), RGB, that give a blob."""
    bias, scale = (np.asarray(each, np.float64) for each in (scaling.bias, scaling.scale))
    values = (blob.transpose(0, 2, 3, 1) - bias) / scale
    return np.ascontiguousarray(values[..., ::-1] if scaling.bgr else values, np.float32)
