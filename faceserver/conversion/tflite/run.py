"""Runs TFLite files with TensorFlow's own interpreter, to compare them."""

import warnings

import numpy as np
from numpy.typing import NDArray

from faceserver.conversion.readers.tensorflow_library import tensorflow
from faceserver.types import Floats

Pictures = NDArray[np.uint8]
"""RGB pictures, shape (pictures, rows, columns, 3)."""


def run_tflite(content: bytes, pictures: Pictures) -> dict[str, Floats]:
    """Compute a file's outputs for pictures.

    Returns:
        By name, float32 of shape (pictures, ...), with the channels on the second axis.
    """
    return run_array(content, pictures.astype(np.float32))


def run_array(content: bytes, pixels: Floats) -> dict[str, Floats]:
    """Compute a file's outputs for values of pixels, shape (pictures, rows, columns, 3)."""
    with warnings.catch_warnings():  # that it will move to a package of its own
        warnings.simplefilter("ignore")
        interpreter = tensorflow("to run TFLite").lite.Interpreter(model_content=content)
    runner = interpreter.get_signature_runner()
    rows = [runner(image=each[None]) for each in pixels]
    return {
        name: np.moveaxis(np.concatenate([row[name] for row in rows]), -1, 1) for name in rows[0]
    }
