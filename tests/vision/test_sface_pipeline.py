"""SFace beside a pipeline that shares no code with ours: numpy, and OpenCV's own runtime."""

from itertools import combinations
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as Pillow

from faceserver.engines import EngineOptions, make_engine
from faceserver.models.spec import DetectorSpec, EmbedderSpec, load_spec
from faceserver.pictures import codec
from faceserver.types import Detection
from faceserver.vision.architectures import make_detector, make_embedder
from faceserver.vision.base import Loading
from tests.support.photographs import Photographs

MODELS = Path(__file__).resolve().parents[2] / "models"
NAMES = ("obama.jpg", "obama2.jpg", "obama3.jpg", "obama_partial_face.jpg", "biden.jpg")

# Of OpenCV's FaceRecognizerSF, in the order of our points.
PLACES = np.array(
    [
        [38.2946, 51.6963],
        [73.5318, 51.5014],
        [56.0252, 71.7366],
        [41.5493, 92.3655],
        [70.7299, 92.2041],
    ]
)


def vectors_of(crops: list[NDArray[np.uint8]]) -> NDArray[np.float64]:
    net = cv2.dnn.readNetFromCaffe(
        str(MODELS / "sface/sface.prototxt"), str(MODELS / "sface/sface.caffemodel")
    )
    rows = []
    for crop in crops:
        net.setInput(crop.transpose(2, 0, 1)[np.newaxis].astype(np.float32))
        rows.append(net.forward().ravel().astype(np.float64))
    return np.stack([row / np.linalg.norm(row) for row in rows])


def aligned(picture: NDArray[np.uint8], face: Detection) -> NDArray[np.uint8]:
    """By least squares on x' = a x - b y + c, y' = b x + a y + d, written as one linear system."""
    rows, wanted = [], []
    for (x, y), (u, v) in zip(face.points, PLACES, strict=True):
        rows += [[x, -y, 1, 0], [y, x, 0, 1]]
        wanted += [u, v]
    (a, b, c, d), *_ = np.linalg.lstsq(np.array(rows), np.array(wanted), rcond=None)
    move = np.array([[a, -b, c], [b, a, d]])
    return np.asarray(cv2.warpAffine(picture, move, (112, 112)), np.uint8)


@pytest.mark.parametrize(("runtime", "precision"), [("openvino", "auto"), ("opencv", "f32")])
@pytest.mark.parametrize("detector", ["mtcnn", "yunet"])
def test_distances_are_those_of_an_independent_pipeline(
    detector: str, runtime: str, precision: str, photographs: Photographs
) -> None:
    engine = make_engine(runtime, EngineOptions(threads=1))
    loading = Loading(engine, precision)  # type: ignore[arg-type]
    finds = make_detector(load_spec(MODELS / detector, DetectorSpec), loading)
    embeds = make_embedder(load_spec(MODELS / "sface", EmbedderSpec), loading)
    ours, theirs = [], []
    for name in NAMES:
        data = photographs[name].read_bytes()
        image = codec.decode(data, max_bytes=10**8, max_pixels=10**8).image
        face = finds.detect(image)[0]
        ours.append(embeds.crop(image, face))
        with Pillow.open(photographs[name]) as opened:
            theirs.append(aligned(np.asarray(opened.convert("RGB")), face))
    found, expected = embeds.embed(ours), vectors_of(theirs)
    assert min(np.sum(found * expected, axis=1)) > 0.999
    for one, other in combinations(range(len(NAMES)), 2):
        distance = np.square(found[one] - found[other]).sum()
        assert distance == pytest.approx(np.square(expected[one] - expected[other]).sum(), abs=0.02)
        assert (distance < embeds.distances.threshold) == (
            "biden.jpg" not in (NAMES[one], NAMES[other])
        )
