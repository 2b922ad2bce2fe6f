"""What people run today, from a decoded photograph to a face's vector.

Their networks have random weights and the usual shapes (:mod:`benchmarks.onnx_shapes`). They find
no face, so what they would spend on boxes is left out; then one face is cut out by five points
that are given to them, and embedded.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.contenders import ROOT, threads

SHAPES = ROOT / ".cache/bench/shapes"
SIDE = 640

TEMPLATE = np.array(
    [
        [38.2946, 51.6963],
        [73.5318, 51.5014],
        [56.0252, 71.7366],
        [41.5493, 92.3655],
        [70.7299, 92.2041],
    ]
)
"""Where ArcFace wants eyes, nose and corners of the mouth, in a crop of 112 x 112 pixels."""

Picture = NDArray[np.uint8]
Work = Callable[[Picture], list[dict[str, object]]]


def points_in(picture: Picture) -> NDArray[np.float64]:
    """Five points of a face that fills the middle of a picture."""
    height, width = picture.shape[:2]
    scale = 0.4 * min(height, width) / 112
    return np.asarray(TEMPLATE * scale + np.array([0.3 * width, 0.3 * height]))


def insightface(detector: str, embedder: str) -> Work:
    """The steps of insightface's FaceAnalysis: SCRFD in 640 x 640 pixels, ArcFace in 112 x 112."""
    import cv2

    os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # it reports its use unless told not to
    import onnxruntime

    def session(name: str) -> Any:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads()
        path = str(SHAPES / f"{name}.onnx")
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    find, embed = session(detector), session(embedder)

    def run(picture: Picture) -> list[dict[str, object]]:
        height, width = picture.shape[:2]
        scale = SIDE / max(height, width)
        canvas = np.zeros((SIDE, SIDE, 3), np.uint8)
        rows, columns = int(height * scale), int(width * scale)
        canvas[:rows, :columns] = cv2.resize(picture, (columns, rows))
        blob = cv2.dnn.blobFromImage(canvas, 1 / 128, (SIDE, SIDE), (127.5,) * 3)
        answers = find.run(None, {find.get_inputs()[0].name: blob})
        assert not any((scores > 0.5).any() for scores in answers[:3])
        move = cv2.estimateAffinePartial2D(points_in(picture), TEMPLATE, method=cv2.LMEDS)[0]
        crop = cv2.warpAffine(picture, move, (112, 112))
        blob = cv2.dnn.blobFromImage(crop, 1 / 127.5, (112, 112), (127.5,) * 3)
        vector = embed.run(None, {embed.get_inputs()[0].name: blob})[0][0]
        return [{"vector": float(np.linalg.norm(vector))}]

    return run


def uniface(detector: str, embedder: str) -> Work:
    """uniface's own code, given our files in place of those that it would fetch."""
    import uniface.detection.scrfd as detection
    import uniface.recognition.arcface as recognition

    def file(name: str) -> Callable[..., str]:
        return lambda *_, **__: str(Path(SHAPES, f"{name}.onnx"))

    detection.verify_model_weights = file(detector)
    recognition.verify_model_weights = file(embedder)
    find = detection.SCRFD(providers=["CPUExecutionProvider"])
    embed = recognition.ArcFace(providers=["CPUExecutionProvider"])

    def run(picture: Picture) -> list[dict[str, object]]:
        assert not find.detect(picture)
        vector = embed.get_normalized_embedding(picture, points_in(picture).astype(np.float32))
        return [{"vector": float(np.linalg.norm(vector))}]

    return run


OTHERS: dict[str, Callable[[], Work]] = {
    "like insightface buffalo_l": lambda: insightface("scrfd_10g", "iresnet50"),
    "like insightface buffalo_s": lambda: insightface("scrfd_500m", "mobilefacenet"),
    "uniface, SCRFD 10G + ArcFace": lambda: uniface("scrfd_10g", "mobilefacenet"),
}
