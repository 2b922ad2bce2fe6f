"""The only place that imports PyTorch: to read its files, and to judge by it."""

from typing import Any

from faceserver.errors import SetupError


def torch(purpose: str) -> Any:
    """Import PyTorch, which takes some seconds.

    Args:
        purpose: what it is needed for, for the message.

    Raises:
        SetupError: it is not installed.
    """
    try:
        import torch as library  # noqa: PLC0415 - it is large, and optional
    except ImportError as error:
        raise SetupError(f"PyTorch is needed {purpose}: pip install torch") from error
    return library
