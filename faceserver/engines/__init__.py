"""Inference runtimes, picked by name."""

from faceserver.engines.base import (
    Engine,
    EngineOptions,
    Network,
    Precision,
    Preprocessing,
    RemoteOptions,
)
from faceserver.models.registry import Registry

__all__ = [
    "Engine",
    "EngineOptions",
    "Network",
    "Precision",
    "Preprocessing",
    "RemoteOptions",
    "engines",
    "make_engine",
]

engines = Registry("engine")
engines.add("openvino", "faceserver.engines.openvino:OpenVinoEngine")
engines.add("opencv", "faceserver.engines.opencv:OpenCvEngine")
engines.add("onnxruntime", "faceserver.engines.onnxruntime:OnnxRuntimeEngine")
engines.add("oip", "faceserver.engines.oip:OipEngine")
engines.add("caffe", "faceserver.engines.caffe:CaffeEngine")


def make_engine(name: str, options: EngineOptions) -> Engine:
    """Make the engine of that name.

    Raises:
        UnknownName: there is none.
        InvalidSetting: it needs a setting that is missing or wrong.
        LibraryMissing: its library is not installed; the message says how to get it.
    """
    engine: Engine = engines.load(name)(options)
    return engine
