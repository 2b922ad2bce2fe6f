"""MTCNN's third network alone: exact points for faces that another detector has found.

It was made to correct boxes and points of squares around faces, whoever proposes them.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from faceserver.engines import Preprocessing
from faceserver.models.spec import FixedNormalization, NetworkFiles, Normalization
from faceserver.types import Detection, Image
from faceserver.vision.base import Loading
from faceserver.vision.boxes import squared
from faceserver.vision.calls import calls
from faceserver.vision.mtcnn.pyramid import Cutter, halvings

SIDEWAYS = (0, 3, 2, 1)
"""The networks' axes, (batch, channel, x, y), among those of pictures, (batch, y, x, channel)."""

_SIDE = 48
_SIZES = (1, 2, 4, 8, 16)

_SHARE = 0.95
"""The square's side in sides of the box: its own boxes are a little smaller than others'."""

_NORMALIZATION = FixedNormalization(kind="fixed", mean=127.5, scale=1 / 128)


class PointNetwork:
    """Replaces the points of detections; safe to call from several threads at once."""

    def __init__(self, files: NetworkFiles, loading: Loading) -> None:
        """Load the network.

        Raises:
            ModelError: it is missing or cannot be read.
        """
        normalization: Normalization = files.normalization or _NORMALIZATION
        self._network = loading.engine.load(
            files, loading.precision, Preprocessing(normalization, SIDEWAYS)
        )

    def refined(self, image: Image, faces: Sequence[Detection]) -> list[Detection]:
        """The same faces with other points."""
        if not faces:
            return []
        boxes = np.array([_counted_from_one(face) for face in faces], np.float32)
        middles = (boxes[:, :2] + boxes[:, 2:]) / 2
        halves = (squared(boxes)[:, 2:] - squared(boxes)[:, :2]) / 2 * _SHARE
        squares = np.trunc(np.hstack([middles - halves, middles + halves]))
        cutter = Cutter(halvings(image), squares.astype(np.float32), _SIDE)
        places: list[np.ndarray[tuple[int, ...], np.dtype[np.float32]]] = []
        for start, size in calls(len(faces), _SIZES):
            crops = np.zeros((size, _SIDE, _SIDE, 3), np.uint8)
            cutter.cut(start, crops[: len(faces) - start])
            places.append(self._network.predict({self._network.inputs[0]: crops})["conv6-3"])
        relative = np.concatenate(places)[: len(faces)].reshape(-1, 2, 5).transpose(0, 2, 1)
        corners, ends = cutter.boxes[:, np.newaxis, :2], cutter.boxes[:, np.newaxis, 2:]
        points = corners - 1 + relative * (ends - corners + 1)
        return [
            replace(face, points=_five(at.tolist())) for face, at in zip(faces, points, strict=True)
        ]


def _counted_from_one(face: Detection) -> tuple[float, float, float, float]:
    """A box as the networks count pixels: from 1, ends included."""
    box = face.box
    return box.x1 + 1, box.y1 + 1, box.x2, box.y2


def _five(
    points: list[list[float]],
) -> tuple[
    tuple[float, float],
    tuple[float, float],
    tuple[float, float],
    tuple[float, float],
    tuple[float, float],
]:
    a, b, c, d, e = ((x, y) for x, y in points)
    return a, b, c, d, e
