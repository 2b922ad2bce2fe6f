"""The only place that imports TensorFlow: for checkpoints and SavedModels, and to judge by it."""

import os
from typing import Any

from faceserver.errors import SetupError


def tensorflow(purpose: str) -> Any:
    """Import TensorFlow, which takes some seconds.

    Args:
        purpose: what it is needed for, for the message.

    Raises:
        SetupError: it is not installed.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # it reports every missing GPU
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
    # Keras writes its settings into the user's home when it is loaded; below this it cannot.
    os.environ.setdefault("KERAS_HOME", os.devnull)
    try:
        import tensorflow as library  # noqa: PLC0415 - it is large, and optional
    except ImportError as error:
        raise SetupError(
            f"TensorFlow is needed {purpose}: pip install -e '.[convert]' in faceserver's folder"
        ) from error
    return library
