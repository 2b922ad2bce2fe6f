"""OpenVINO: the fastest on plain processors; reads the ONNX made from the Caffe files."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from queue import Empty, LifoQueue
from typing import Any

import numpy as np
import openvino

from faceserver.engines.base import EngineOptions, Network, Precision
from faceserver.errors import ModelError
from faceserver.models import NetworkFiles
from faceserver.types import Floats


class OpenVinoEngine:
    """Compiles networks for this processor and keeps the result on disk."""

    def __init__(self, options: EngineOptions) -> None:
        """Start OpenVINO; cheap until the first network is loaded."""
        self._core = openvino.Core()
        self._config: dict[str, Any] = {
            "INFERENCE_NUM_THREADS": options.threads,
            "PERFORMANCE_HINT": "LATENCY",
        }
        if options.cache_dir is not None:
            self._config["CACHE_DIR"] = str(options.cache_dir)

    def load(self, files: NetworkFiles, precision: Precision) -> Network:
        """Compile a network, or read it from the cache.

        Raises:
            ModelError: the ONNX file is missing or cannot be read.
        """
        if not files.onnx.is_file():
            raise ModelError(f"{files.onnx} is missing: run `make models`")
        config = {**self._config, "INFERENCE_PRECISION_HINT": self._hint(precision)}
        try:
            return _OpenVinoNetwork(self._core.compile_model(str(files.onnx), "CPU", config=config))
        except RuntimeError as error:
            raise ModelError(f"OpenVINO cannot read {files.onnx}: {error}") from error

    def _hint(self, precision: Precision) -> str:
        capable = "BF16" in self._core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        return "bf16" if capable and precision == "auto" else "f32"


class _OpenVinoNetwork(Network):
    def __init__(self, compiled: openvino.CompiledModel) -> None:
        self.inputs = tuple(port.any_name for port in compiled.inputs)
        self.outputs = tuple(port.any_name for port in compiled.outputs)
        self._compiled = compiled
        # A request object serves one call at a time, so as many are kept as ran at once.
        self._idle: LifoQueue[openvino.InferRequest] = LifoQueue()

    def _predict(self, feeds: Mapping[str, Floats]) -> dict[str, Floats]:
        with self._request() as request:
            results = request.infer(dict(feeds), share_inputs=True, share_outputs=True)
            return {name: np.array(results[name], np.float32) for name in self.outputs}

    @contextmanager
    def _request(self) -> Iterator[openvino.InferRequest]:
        try:
            request = self._idle.get_nowait()
        except Empty:
            request = self._compiled.create_infer_request()
        try:
            yield request
        finally:
            self._idle.put(request)
