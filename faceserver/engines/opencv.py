"""OpenCV's DNN module, with its own importer of Caffe files: no further library needed."""

from collections.abc import Mapping
from threading import Lock

import cv2
import numpy as np

from faceserver.conversion.caffe.prototxt import read_prototxt
from faceserver.engines.base import EngineOptions, Network, Precision, Preprocessing
from faceserver.engines.pixels import with_preprocessing
from faceserver.errors import ModelError
from faceserver.models.spec import NetworkFiles
from faceserver.types import Floats, Image


class OpenCvEngine:
    """Runs networks in float32 whatever the precision asked for: OpenCV has no bfloat16."""

    def __init__(self, options: EngineOptions) -> None:
        """Set OpenCV's thread count, which it has one of for the whole process."""
        cv2.setNumThreads(options.threads)

    def load(
        self,
        files: NetworkFiles,
        precision: Precision,
        preprocessing: Preprocessing | None = None,
    ) -> Network:
        """Read prototxt and caffemodel.

        Raises:
            ModelError: a file is missing or cannot be read.
        """
        del precision
        for path in (files.prototxt, files.caffemodel):
            if not path.is_file():
                raise ModelError(f"{path} is missing: run `faceserver models build`")
        layers = read_prototxt(files.prototxt).layer
        inputs = tuple(top for layer in layers if layer.type == "Input" for top in layer.top)
        try:
            net = cv2.dnn.readNetFromCaffe(str(files.prototxt), str(files.caffemodel))
        except cv2.error as error:
            raise ModelError(f"OpenCV cannot read {files.prototxt}: {error}") from error
        return with_preprocessing(_OpenCvNetwork(net, inputs), preprocessing)


class _OpenCvNetwork(Network):
    def __init__(self, net: cv2.dnn.Net, inputs: tuple[str, ...]) -> None:
        self.inputs = inputs
        self.outputs = tuple(net.getUnconnectedOutLayersNames())
        self._net = net
        self._lock = Lock()  # setInput and forward are two calls on shared state

    def _predict(self, feeds: Mapping[str, Floats | Image]) -> dict[str, Floats]:
        with self._lock:
            for name, array in feeds.items():
                self._net.setInput(array, name)
            results = self._net.forward(self.outputs)
            return {
                name: np.array(result, np.float32)
                for name, result in zip(self.outputs, results, strict=True)
            }
