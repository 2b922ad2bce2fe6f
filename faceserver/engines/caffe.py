"""Caffe itself, through pycaffe, where it is installed."""

import os
from collections.abc import Mapping
from importlib import import_module
from threading import Lock
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
from faceserver.errors import LibraryMissing
from faceserver.models.spec import NetworkFiles
from faceserver.types import Floats, Image


class CaffeEngine:
    """Runs networks in float32 on the processor."""

    def __init__(self, options: EngineOptions) -> None:
        """Import pycaffe; its threads are set by OMP_NUM_THREADS before the process starts.

        Raises:
            LibraryMissing: it is not installed.
        """
        del options
        self._caffe = _import_pycaffe()
        self._caffe.set_mode_cpu()

    def load(
        self,
        files: NetworkFiles,
        precision: Precision,
        preprocessing: Preprocessing | None = None,
    ) -> Network:
        """Read prototxt and caffemodel.

        Raises:
            ModelError: a file is missing. What is malformed ends the process: Caffe aborts.
        """
        del precision
        prototxt = required(files.prototxt, "prototxt")
        caffemodel = required(files.caffemodel, "caffemodel")
        net = self._caffe.Net(str(prototxt), str(caffemodel), self._caffe.TEST)
        return with_preprocessing(_CaffeNetwork(net), preprocessing)


def _import_pycaffe() -> Any:
    os.environ.setdefault("GLOG_minloglevel", "2")  # Caffe logs every layer otherwise
    try:
        return import_module("caffe")
    except ImportError as error:
        raise LibraryMissing(
            "pycaffe is not installed: create the conda environment of environment.yml, "
            "or set FACESERVER_ENGINE to openvino or opencv"
        ) from error


class _CaffeNetwork(Network):
    def __init__(self, net: Any) -> None:
        self.inputs = tuple(net.inputs)
        self.outputs = tuple(net.outputs)
        self._net = net
        self._lock = Lock()  # the blobs are shared state

    def _predict(self, feeds: Mapping[str, Floats | Image]) -> dict[str, Floats]:
        with self._lock:
            for name, array in feeds.items():
                self._net.blobs[name].reshape(*array.shape)
            self._net.reshape()
            results = self._net.forward(**feeds)
            return {name: np.array(results[name], np.float32) for name in self.outputs}
