"""Loads coremltools and its companions: only when they are needed, and without their chatter."""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType

from faceserver.errors import SetupError

_INSTALL = "install the extra that has it: pip install -e '.[convert]', or run make test-convert"


def load(name: str) -> ModuleType:
    """Import a module of the extra ``convert``.

    Raises:
        SetupError: it is not installed; the message says how to install it.
    """
    try:
        with _quiet(), _without_frameworks():
            return import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not name.startswith(error.name):
            raise
        raise SetupError(f"{error.name} is not installed; {_INSTALL}") from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Hide what coremltools logs while it is imported, and its progress bars.

    Away from macOS it warns that the parts that run a model cannot be loaded, and everywhere of
    each other framework that is newer than those it was tested with. Neither is used here.
    """
    logger = logging.getLogger("coremltools")
    level = logger.level
    logger.setLevel(logging.ERROR)
    os.environ.setdefault("TQDM_DISABLE", "1")  # tqdm reads it when it is imported
    try:
        yield
    finally:
        logger.setLevel(level)


@contextmanager
def _without_frameworks() -> Iterator[None]:
    """Keep coremltools from importing TensorFlow and PyTorch.

    That takes seconds and serves nothing here, and the two do not bear each other in one process.
    """
    loaded = {name: sys.modules.get(name) for name in ("tensorflow", "torch")}
    for name in loaded:
        sys.modules[name] = None  # type: ignore[assignment]  # makes an import fail
    try:
        yield
    finally:
        for name, module in loaded.items():
            del sys.modules[name]
            if module is not None:
                sys.modules[name] = module
