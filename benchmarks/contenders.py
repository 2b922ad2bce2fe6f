"""Those who are compared: each turns a batch of faces, or of pictures, into answers.

Every one is made in a process of its own (see :mod:`benchmarks.worker`), since some need another
Python, and since runtimes in one process get in each other's way. What a contender needs is
imported when it is made; ImportError means that it is absent here.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from unittest.mock import MagicMock

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parent.parent
MODEL = ROOT / "models/inception_resnet/20180408-102900"
SIDE = 160

Crops = NDArray[np.uint8]
"""Faces: RGB, shape (n, 160, 160, 3)."""

Embed = Callable[[Crops], object]


def threads() -> int:
    return len(os.sched_getaffinity(0))


def faceserver(engine: str, precision: str) -> Embed:
    from faceserver.engines import EngineOptions, make_engine
    from faceserver.models.spec import EmbedderSpec, load_spec
    from faceserver.runtime.parallel import Helpers
    from faceserver.vision.base import Loading
    from faceserver.vision.facenet import FaceNetEmbedder

    options = EngineOptions(threads=threads(), cache_dir=ROOT / ".cache/compiled")
    spec = load_spec(MODEL, EmbedderSpec)
    helpers = Helpers(threads() - 1)
    loading = Loading(make_engine(engine, options), precision, helpers)  # type: ignore[arg-type]
    embedder = FaceNetEmbedder(spec, loading)
    return lambda crops: embedder.embed(list(crops))


def normalized(crops: Crops) -> NDArray[np.float32]:
    return np.ascontiguousarray((crops.transpose(0, 3, 1, 2).astype(np.float32) - 127.5) / 128)


def pycaffe() -> Embed:
    os.environ["GLOG_minloglevel"] = "2"
    sys.path.insert(0, str(ROOT / ".cache/pycaffe/python"))
    import caffe

    caffe.set_mode_cpu()
    net = caffe.Net(str(MODEL / "facenet.prototxt"), str(MODEL / "facenet.caffemodel"), caffe.TEST)
    name = net.inputs[0]

    def embed(crops: Crops) -> object:
        net.blobs[name].reshape(len(crops), 3, SIDE, SIDE)
        net.reshape()
        return net.forward(**{name: normalized(crops)})

    return embed


def onnxruntime() -> Embed:
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # it reports its use unless told not to
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads()
    session = onnxruntime.InferenceSession(
        str(MODEL / "facenet.onnx"), options, providers=["CPUExecutionProvider"]
    )
    name = session.get_inputs()[0].name
    return lambda crops: session.run(None, {name: normalized(crops)})


def facenet_pytorch() -> Embed:
    import torch

    # Its detector needs torchvision; its embedder does not.
    for name in ("", ".ops", ".ops.boxes", ".transforms", ".transforms.functional"):
        sys.modules[f"torchvision{name}"] = MagicMock()
    from facenet_pytorch import InceptionResnetV1

    torch.set_num_threads(threads())
    # The weights do not matter for the time, and are not in the package.
    net = InceptionResnetV1(pretrained=None, num_classes=2).eval()

    def embed(crops: Crops) -> object:
        with torch.inference_mode():
            return net(torch.from_numpy(normalized(crops))).numpy()

    return embed


def dlib() -> Embed:
    """The network behind face_recognition, which embeds 150 x 150 pixels, one jitter."""
    import dlib
    import face_recognition_models

    net = dlib.face_recognition_model_v1(face_recognition_models.face_recognition_model_location())

    def embed(crops: Crops) -> object:
        chips = [np.ascontiguousarray(crop[5:155, 5:155]) for crop in crops]
        return net.compute_face_descriptor(chips)

    return embed


EMBEDDERS: dict[str, Callable[[], Embed]] = {
    "faceserver auto": lambda: faceserver("openvino", "auto"),
    "faceserver f32": lambda: faceserver("openvino", "f32"),
    "faceserver opencv": lambda: faceserver("opencv", "f32"),
    "pycaffe": pycaffe,
    "onnxruntime": onnxruntime,
    "facenet-pytorch": facenet_pytorch,
    "dlib": dlib,
}
PEERS = {"onnxruntime", "facenet-pytorch", "dlib"}
"""Those that run in the peers' environment, which `make bench` makes."""
