"""OpenVINO: the fastest on plain processors; reads the ONNX made from the Caffe files."""

import logging
from collections.abc import Callable, Mapping
from functools import partial
from hashlib import sha256
from pathlib import Path
from queue import Empty, LifoQueue
from threading import Lock

import numpy as np

from faceserver.engines.base import (
    EngineOptions,
    Network,
    Precision,
    Preprocessing,
    required,
)
from faceserver.engines.compiled import CompiledNetworks
from faceserver.engines.openvino_library import openvino
from faceserver.engines.pixels import with_preprocessing
from faceserver.errors import ModelError
from faceserver.models.spec import FixedNormalization, NetworkFiles
from faceserver.types import Floats, Image

_SMALL = 8 << 20
"""Bytes of a network's file, up to which each prediction at the same time has a copy of its own. It
then runs in the caller's thread, which saves a quarter of a millisecond of handing over. A larger
network is there once. In bfloat16 its predictions have a processor each, since two processors take
5 ms for what one does in 7; in float32 a prediction has all processors, and the next one waits."""

_log = logging.getLogger(__name__)


class OpenVinoEngine:
    """Compiles networks for this processor and keeps the result on disk."""

    def __init__(self, options: EngineOptions) -> None:
        """Start OpenVINO; cheap until the first network is loaded."""
        self._core = openvino.Core()
        self._threads = options.threads
        self._kept = CompiledNetworks(options.cache_dir)

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
        path = required(files.onnx, "ONNX file")
        small = path.stat().st_size <= _SMALL
        hint = self._hint(precision)
        at_once = self._threads if small or hint == "bf16" else 1
        config = {
            "INFERENCE_PRECISION_HINT": hint,
            "INFERENCE_NUM_THREADS": self._threads,
            "ENABLE_CPU_PINNING": False,
            "NUM_STREAMS": 0 if small else at_once,  # 0 is the caller's thread
        }
        compiled_in = None
        if preprocessing and isinstance(preprocessing.normalization, FixedNormalization):
            compiled_in, preprocessing = preprocessing, None
        compile_one = partial(self._compile, path, compiled_in, config)
        network = _OpenVinoNetwork(compile_one(), compile_one if small else None, at_once)
        # Whitening stays outside the graph, whose means are too coarse for it in bfloat16.
        return with_preprocessing(network, preprocessing)

    def _compile(
        self, onnx: Path, preprocessing: Preprocessing | None, config: Mapping[str, object]
    ) -> openvino.CompiledModel:
        """Take what is kept of a network, or compile it and keep it."""
        try:
            content = onnx.read_bytes()
            key = self._key(content, preprocessing, config)
            kept = self._kept.read(key)
            if kept is not None:
                return self._core.import_model(kept, "CPU", config)
        except OSError as error:
            raise ModelError(f"{onnx} cannot be read: {error.strerror}") from error
        except RuntimeError as error:
            _log.warning("a compiled network of %s is not taken: %s", onnx.name, error)
        try:
            model = self._core.read_model(content)
            if preprocessing:
                model = _taking_pictures(model, preprocessing)
            compiled = self._core.compile_model(model, "CPU", config)
        except RuntimeError as error:
            raise ModelError(f"OpenVINO cannot read {onnx}: {error}") from error
        self._kept.keep(key, lambda: compiled.export_model().getvalue())
        return compiled

    def _key(
        self, content: bytes, preprocessing: Preprocessing | None, config: Mapping[str, object]
    ) -> str:
        """Tells a compiled network: what it was made of, by whom, for which processor, and how."""
        processor = [
            self._core.get_property("CPU", name)
            for name in ("FULL_DEVICE_NAME", "OPTIMIZATION_CAPABILITIES")
        ]
        made_for = (openvino.get_version(), processor, preprocessing, sorted(config.items()))
        return sha256(sha256(content).digest() + repr(made_for).encode()).hexdigest()

    def _hint(self, precision: Precision) -> str:
        capable = "BF16" in self._core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        return "bf16" if capable and precision == "auto" else "f32"


def _taking_pictures(model: openvino.Model, preprocessing: Preprocessing) -> openvino.Model:
    """Put the preprocessing before the network, as part of its graph."""
    how = preprocessing.normalization
    assert isinstance(how, FixedNormalization)  # noqa: S101 - the others stay outside
    builder = openvino.preprocess.PrePostProcessor(model)
    builder.input().tensor().set_element_type(openvino.Type.u8)
    builder.input().tensor().set_layout(openvino.Layout("NHWC"))
    steps = builder.input().preprocess().convert_element_type(openvino.Type.f32)
    mean, scale = np.broadcast_arrays(how.mean, how.scale, np.ones(3))[:2]
    steps.mean(mean.tolist()).scale((1 / scale).tolist())
    steps.convert_layout(list(preprocessing.axes))
    return builder.build()


class _OpenVinoNetwork(Network):
    def __init__(
        self,
        compiled: openvino.CompiledModel,
        compile_copy: Callable[[], openvino.CompiledModel] | None,
        at_once: int,
    ) -> None:
        """Take a network, and what compiles it again where each prediction needs its own."""
        self.inputs = tuple(port.any_name for port in compiled.inputs)
        self.outputs = tuple(port.any_name for port in compiled.outputs)
        self.takes = np.dtype(compiled.inputs[0].element_type.to_dtype())
        self.at_once = at_once
        self._compiled, self._compile_copy = compiled, compile_copy
        self._to_make = at_once - 1
        self._lock = Lock()
        # The one that was used last is the first to be used again: its memory is in the cache.
        self._idle: LifoQueue[openvino.InferRequest] = LifoQueue()
        self._idle.put(compiled.create_infer_request())

    def _predict(self, feeds: Mapping[str, Floats | Image]) -> dict[str, Floats]:
        # What makes one prediction at a time: an idle one, a new one, or the first to be idle.
        try:
            request = self._idle.get_nowait()
        except Empty:
            request = self._new_request() or self._idle.get()
        try:
            results = request.infer(dict(feeds), share_inputs=True, share_outputs=True)
            return {name: np.array(results[name], np.float32) for name in self.outputs}
        finally:
            self._idle.put(request)

    def _new_request(self) -> openvino.InferRequest | None:
        """One more, unless there are as many as there may be."""
        with self._lock:
            if not self._to_make:
                return None
            self._to_make -= 1
        try:
            compiled = self._compile_copy() if self._compile_copy else self._compiled
            return compiled.create_infer_request()
        except RuntimeError as error:
            _log.warning("a network goes on with fewer copies: %s", error)
            return None
