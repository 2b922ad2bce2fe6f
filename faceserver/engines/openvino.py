"""OpenVINO: the fastest on plain processors; reads the ONNX made from the Caffe files."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from queue import Empty, LifoQueue
from typing import Any

import numpy as np
import openvino

from faceserver.engines.base import EngineOptions, Network, Precision, Preprocessing
from faceserver.engines.pixels import with_preprocessing
from faceserver.errors import ModelError
from faceserver.models import FixedNormalization, NetworkFiles
from faceserver.types import Floats, Image


class OpenVinoEngine:
    """Compiles networks for this processor and keeps the result on disk."""

    def __init__(self, options: EngineOptions) -> None:
        """Start OpenVINO; cheap until the first network is loaded."""
        self._core = openvino.Core()
        self._config: dict[str, Any] = {
            "INFERENCE_NUM_THREADS": options.threads,
            "NUM_STREAMS": options.at_once,
            "PERFORMANCE_HINT": "LATENCY" if options.at_once == 1 else "THROUGHPUT",
        }
        if options.cache_dir is not None:
            self._config["CACHE_DIR"] = str(options.cache_dir)

    def load(
        self,
        files: NetworkFiles,
        precision: Precision,
        preprocessing: Preprocessing | None = None,
    ) -> Network:
        """Compile a network, or read it from the cache; a preprocessing becomes part of it.

        Raises:
            ModelError: the ONNX file is missing or cannot be read.
        """
        if not files.onnx.is_file():
            raise ModelError(f"{files.onnx} is missing: run `make models`")
        try:
            model = self._core.read_model(str(files.onnx))
            if preprocessing and isinstance(preprocessing.normalization, FixedNormalization):
                model = _taking_pictures(model, preprocessing.normalization, preprocessing.axes)
                preprocessing = None
            config = {**self._config, "INFERENCE_PRECISION_HINT": self._hint(precision)}
            network = _OpenVinoNetwork(self._core.compile_model(model, "CPU", config=config))
        except RuntimeError as error:
            raise ModelError(f"OpenVINO cannot read {files.onnx}: {error}") from error
        # Whitening stays outside the graph, whose means are too coarse for it in bfloat16.
        return with_preprocessing(network, preprocessing)

    def _hint(self, precision: Precision) -> str:
        capable = "BF16" in self._core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        return "bf16" if capable and precision == "auto" else "f32"


def _taking_pictures(
    model: openvino.Model, how: FixedNormalization, axes: tuple[int, int, int, int]
) -> openvino.Model:
    """Put the preprocessing before the network, as part of its graph."""
    builder = openvino.preprocess.PrePostProcessor(model)
    builder.input().tensor().set_element_type(openvino.Type.u8)
    steps = builder.input().preprocess().convert_element_type(openvino.Type.f32)
    steps.mean(how.mean).scale(1 / how.scale).convert_layout(list(axes))
    return builder.build()


class _OpenVinoNetwork(Network):
    def __init__(self, compiled: openvino.CompiledModel) -> None:
        self.inputs = tuple(port.any_name for port in compiled.inputs)
        self.outputs = tuple(port.any_name for port in compiled.outputs)
        self.takes = np.dtype(compiled.inputs[0].element_type.to_dtype())
        self._compiled = compiled
        # A request object serves one call at a time, so as many are kept as ran at once.
        self._idle: LifoQueue[openvino.InferRequest] = LifoQueue()

    def _predict(self, feeds: Mapping[str, Floats | Image]) -> dict[str, Floats]:
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
