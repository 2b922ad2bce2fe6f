"""OpenCV's DNN module, with its own importer of Caffe files: no further library needed."""

import re
from collections.abc import Mapping
from pathlib import Path
from threading import Lock

import cv2
import numpy as np

from faceserver.engines.base import (
    EngineOptions,
    Network,
    Precision,
    Preprocessing,
    required,
)
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
        prototxt = required(files.prototxt, "prototxt")
        caffemodel = required(files.caffemodel, "caffemodel")
        try:
            net = cv2.dnn.readNetFromCaffe(str(prototxt), str(caffemodel))
        except cv2.error as error:
            raise ModelError(f"OpenCV cannot read {prototxt}: {error}") from error
        return with_preprocessing(_OpenCvNetwork(net, input_names(prototxt)), preprocessing)


def input_names(prototxt: Path) -> tuple[str, ...]:
    """The names of a network's inputs, which OpenCV does not tell.

    They stand outside of the layers, or as the tops of Input layers. What OpenCV has read is well
    formed, so that a look for these two suffices.

    Raises:
        ModelError: the file is no text.
    """
    try:
        text = re.sub(r"#.*", "", prototxt.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"{prototxt} cannot be read: {error}") from error
    layers = [block for block in _LAYER.findall(text) if _INPUT_TYPE.search(block)]
    outside = _INPUT.findall(_LAYER.sub("", text))
    return (*outside, *(top for block in layers for top in _TOP.findall(block)))


# A layer's block holds blocks of two more levels at most: input_param { shape { dim: 1 } }.
_LAYER = re.compile(r"\blayers?\s*\{((?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*)\}")
_INPUT_TYPE = re.compile(r"\btype\s*:\s*[\"']Input[\"']")
_TOP = re.compile(r"\btop\s*:\s*[\"']([^\"']+)[\"']")
_INPUT = re.compile(r"\binput\s*:\s*[\"']([^\"']+)[\"']")


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
