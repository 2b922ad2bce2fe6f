"""Adding an engine: docs/extending.md."""

from collections.abc import Mapping
from pathlib import Path
from threading import Lock

import cv2
import numpy as np

from faceserver.app import make_analyzer
from faceserver.config import Settings, load_settings
from faceserver.engines import engines
from faceserver.engines.base import EngineOptions, Network, Precision, Preprocessing, required
from faceserver.engines.pixels import with_preprocessing
from faceserver.models.spec import NetworkFiles
from faceserver.types import Floats, Image
from tests.support.photographs import Photographs


class OnnxNetwork(Network):
    """A network that OpenCV reads from an ONNX file."""

    def __init__(self, onnx: Path) -> None:
        self._net, self._lock = cv2.dnn.readNetFromONNX(str(onnx)), Lock()
        self.inputs, self.outputs = ("data",), tuple(self._net.getUnconnectedOutLayersNames())

    def _predict(self, feeds: Mapping[str, Floats | Image]) -> dict[str, Floats]:
        with self._lock:  # OpenCV's networks keep what they computed last
            self._net.setInput(feeds["data"])
            found = self._net.forward(self.outputs)
        return {name: np.array(array) for name, array in zip(self.outputs, found, strict=True)}


class OnnxEngine:
    """Runs ONNX files in OpenCV."""

    def __init__(self, options: EngineOptions) -> None:
        cv2.setNumThreads(options.threads)

    def load(
        self, files: NetworkFiles, precision: Precision, preprocessing: Preprocessing | None = None
    ) -> Network:
        del precision  # OpenCV computes in float32
        return with_preprocessing(OnnxNetwork(required(files.onnx, "ONNX file")), preprocessing)


def test_a_new_engine_runs_the_real_models(photographs: Photographs) -> None:
    engines.add("opencv-onnx", f"{__name__}:OnnxEngine")
    data = photographs["obama.jpg"].read_bytes()
    embeddings = []
    for engine in ("opencv", "opencv-onnx"):
        analyzer = make_analyzer(load_settings(engine=engine))
        _, faces = analyzer.read(data, max_bytes=10**8, max_pixels=10**8)
        embeddings.append(analyzer.embed(faces))
    np.testing.assert_allclose(embeddings[0], embeddings[1], atol=1e-3)


def test_the_settings_description_names_every_engine() -> None:
    described = Settings.model_fields["engine"].description or ""
    assert all(name in described for name in engines.names())
