"""ONNX Runtime: on processors, and on GPUs by its execution providers."""

import logging
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any

import numpy as np

from faceserver.engines.base import (
    EngineOptions,
    Network,
    Precision,
    Preprocessing,
    required,
)
from faceserver.engines.pixels import with_preprocessing
from faceserver.errors import InvalidSetting, LibraryMissing, ModelError
from faceserver.models.spec import NetworkFiles
from faceserver.types import Floats, Image

_SMALL = 8 << 20
"""Bytes of a network's file, up to which each prediction has one processor, and there are several
at the same time: what two of them would share out is over before they have agreed."""

_log = logging.getLogger(__name__)

PROVIDERS = {
    "cuda": "CUDAExecutionProvider",
    "directml": "DmlExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "cpu": "CPUExecutionProvider",
}
"""What computes: the setting's names and the library's, by preference."""


class OnnxRuntimeEngine:
    """Runs networks in float32; what a provider cannot do is done by the processor."""

    def __init__(self, options: EngineOptions) -> None:
        """Import the library and choose what computes.

        Raises:
            LibraryMissing: it is not installed.
            InvalidSetting: the provider that is set is not part of what is installed.
        """
        self._library = _import()
        self._provider = chosen(options.provider, self._library.get_available_providers())
        self._threads = options.threads

    def load(
        self,
        files: NetworkFiles,
        precision: Precision,
        preprocessing: Preprocessing | None = None,
    ) -> Network:
        """Read the ONNX file.

        Raises:
            ModelError: it is missing or cannot be read.
        """
        path = required(files.onnx, "ONNX file")
        is_small = path.stat().st_size <= _SMALL
        on_processor = self._provider == "cpu"
        spread = on_processor and is_small
        options = self._library.SessionOptions()
        options.intra_op_num_threads = 1 if spread or not on_processor else self._threads
        options.log_severity_level = 3  # warnings tell of what each graph leaves to the processor
        # Threads that wait would keep a processor busy that another request could have.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        if self._provider == "directml":  # as its documentation asks
            options.enable_mem_pattern = False
        session = self._session(path, options, precision)
        at_once = 1 if on_processor and not is_small else self._threads
        if self._provider == "directml":  # it takes no calls at the same time
            at_once = 1
        return with_preprocessing(_OnnxRuntimeNetwork(session, at_once), preprocessing)

    def _session(self, path: Path, options: Any, precision: Precision) -> Any:
        providers = [_with_options(self._provider, precision)]
        if self._provider != "cpu":
            providers.append(_with_options("cpu", precision))
        try:
            session = self._library.InferenceSession(str(path), options, providers=providers)
        except Exception as error:  # its errors have no class in common
            raise ModelError(f"ONNX Runtime cannot read {path}: {error}") from error
        if PROVIDERS[self._provider] not in session.get_providers():
            _log.warning(
                "%s cannot be used here, so the processor computes: see ONNX Runtime's log",
                PROVIDERS[self._provider],
            )
        return session


def chosen(provider: str, available: list[str]) -> str:
    """What computes, by the setting's name.

    Args:
        provider: the setting; "auto" takes the first of :data:`PROVIDERS` that is there.
        available: the library's names of what is part of it.

    Raises:
        InvalidSetting: it is not among them.
    """
    there = [name for name, own in PROVIDERS.items() if own in available]
    if provider == "auto":
        return there[0]
    if provider not in there:
        raise InvalidSetting(
            f"FACESERVER_PROVIDER is {provider}, but the installed ONNX Runtime has only: "
            f"{', '.join(there)}"
        )
    return provider


def _with_options(provider: str, precision: Precision) -> tuple[str, dict[str, str]]:
    """A provider's name and options, as the library takes them."""
    options = {}
    if provider == "cuda":
        # Pictures come in many sizes: to try out all ways for each would take seconds.
        options = {"cudnn_conv_algo_search": "HEURISTIC", "use_tf32": str(int(precision == "auto"))}
    return PROVIDERS[provider], options


def _import() -> Any:
    try:
        return import_module("faceserver.engines.onnxruntime_library").onnxruntime
    except ImportError as error:
        raise LibraryMissing(
            'ONNX Runtime is not installed: pip install "faceserver[onnxruntime]", or one of its '
            "packages for a GPU, such as onnxruntime-gpu"
        ) from error


class _OnnxRuntimeNetwork(Network):
    def __init__(self, session: Any, at_once: int) -> None:
        self.inputs = tuple(port.name for port in session.get_inputs())
        self.outputs = tuple(port.name for port in session.get_outputs())
        self.at_once = at_once
        self._session = session
        self._turns = BoundedSemaphore(at_once)

    def _predict(self, feeds: Mapping[str, Floats | Image]) -> dict[str, Floats]:
        with self._turns:
            results = self._session.run(self.outputs, dict(feeds))
        return {
            name: np.asarray(result, np.float32)
            for name, result in zip(self.outputs, results, strict=True)
        }
