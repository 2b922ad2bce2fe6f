"""The only place that imports PyTorch: to read its files, and to judge by it."""

import os
from typing import Any

from faceserver.errors import SetupError


def torch(purpose: str) -> Any:
    """Import PyTorch, which takes some seconds.

    Args:
        purpose: what it is needed for, for the message.

    Raises:
        SetupError: it is not installed.
    """
    os.environ.setdefault("TQDM_DISABLE", "1")  # it loads tqdm, which reads this then
    try:
        import torch as library  # noqa: PLC0415 - it is large, and optional
    except ImportError as error:
        raise SetupError(
            f"PyTorch is needed {purpose}: pip install -e '.[torch]' in faceserver's folder"
        ) from error
    return library
