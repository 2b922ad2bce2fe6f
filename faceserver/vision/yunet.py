"""YuNet: one small network says at each place of a picture whether a face is there, and where.

After W. Wu, H. Peng, S. Yu: YuNet: A Tiny Millisecond-level Face Detector, Machine Intelligence
Research 20, 2023. The network works at three steps of 8, 16 and 32 pixels; what it says of a place
is relative to that step.

Its points are coarser than MTCNN's. Where the model has a network ``points``, which is MTCNN's
third, that one looks at each face once more.
"""

from collections.abc import Sequence

import numpy as np
from pydantic import Field

from faceserver.engines import Preprocessing
from faceserver.models.spec import DetectorSpec
from faceserver.types import Box, Detection, Floats, Image
from faceserver.vision.base import Loading, Options
from faceserver.vision.geometry import (
    quickly_resize_into,
    suppressed,
    with_colours_swapped,
)
from faceserver.vision.mtcnn.points import PointNetwork

_STRIDES = (8, 16, 32)
_COARSEST = 64
"""Sides of what the network sees are multiples of this: of its coarsest step, and few sizes in all,
for which the runtime prepares itself when they first come."""

_SMALLEST_SEEN = 12
"""Pixels of a face's side, below which the network misses many."""

_WELL_SEEN = 15
"""Pixels of a face's side, from which a larger picture shows the network no more faces."""

_LEAST_SIDE = 448
"""Longer side at which the network sees a picture at least, if the picture is as large."""

_INEXACT = 0.75
"""A box that is smaller than asked for by this factor may be a face that is not."""

_MOST = 1000
"""Places that may claim a face; the best ones count."""

_OVERLAP = 0.3
"""Of two boxes that share more than this of their union one is left."""


class YuNetOptions(Options):
    """What to look for.

    Attributes:
        min_face: smallest face, in pixels.
        score_threshold: score that a face needs.
        long_side: the network sees a picture scaled to at most this, and to less where the smallest
            faces are large enough then; larger only where they would be too small.
    """

    min_face: int = Field(40, ge=8)
    score_threshold: float = Field(0.6, ge=0, lt=1)
    long_side: int = Field(640, ge=64, le=4096)


class YuNetDetector:
    """Finds faces; safe to call from several threads at once."""

    def __init__(self, spec: DetectorSpec, loading: Loading) -> None:
        """Load the network.

        Raises:
            ModelError: it is missing or cannot be read, or an option does not fit.
        """
        self._options = YuNetOptions.of(spec)
        self._swaps_colours = spec.input.channels == "bgr"
        # In bfloat16 its points would lie a pixel off, and it is hardly faster.
        self._network = loading.engine.load(
            spec.networks["yunet"], "f32", Preprocessing(spec.input.normalization)
        )
        exact = spec.networks.get("points")
        self._exact = PointNetwork(exact, loading) if exact else None

    def detect(self, image: Image) -> list[Detection]:
        """Find every face, largest first; boxes and points may reach beyond the edges."""
        looks = [self._look(image, scale) for scale in self._scales(*image.shape[:2])]
        scores, boxes, points = (np.concatenate(part) for part in zip(*looks, strict=True))
        best = np.argsort(-scores, kind="stable")[:_MOST]
        scores, boxes, points = scores[best], boxes[best], points[best]
        kept = suppressed(boxes, scores, _OVERLAP, None) if len(scores) else np.empty(0, np.intp)
        found = [_detection(boxes[i], points[i], scores[i]) for i in kept]
        smallest = _INEXACT * self._options.min_face
        large = [face for face in found if max(face.box.width, face.box.height) >= smallest]
        if self._exact:
            large = self._exact.refined(image, large)
        return sorted(large, key=lambda face: -face.box.area)

    def _scales(self, height: int, width: int) -> list[float]:
        """How large the network sees a picture: once as small as will do, never larger than it is.

        A large picture is seen once more, so that the smallest faces are large enough; the large
        ones are then too large for it.
        """
        longest, most = max(height, width), self._options.long_side
        finest = min(1.0, _SMALLEST_SEEN / self._options.min_face)
        if finest > min(1.0, most / longest):
            return [most / longest, finest]
        enough = int(longest * _WELL_SEEN / self._options.min_face) // _COARSEST * _COARSEST
        return [min(1.0, min(max(enough, _LEAST_SIDE), most) / longest)]

    def _look(self, image: Image, scale: float) -> tuple[Floats, Floats, Floats]:
        """What the network says of a picture at one scale, in the picture's own pixels."""
        answers = self._network.predict({self._network.inputs[0]: self._seen(image, scale)})
        places = [_places(answers, stride, self._options.score_threshold) for stride in _STRIDES]
        scores, boxes, points = (np.concatenate(part) for part in zip(*places, strict=True))
        larger = np.float32(1 / scale)
        return scores, boxes * larger, points * larger

    def _seen(self, image: Image, scale: float) -> Image:
        """The picture as the network sees it, black beyond it: uint8, (1, rows, columns, 3)."""
        height, width = (max(round(side * scale), 1) for side in image.shape[:2])
        rows, columns = (-(-side // _COARSEST) * _COARSEST for side in (height, width))
        canvas = np.zeros((1, rows, columns, 3), np.uint8)
        quickly_resize_into(canvas[0, :height, :width], image)
        return with_colours_swapped(canvas[0])[np.newaxis] if self._swaps_colours else canvas


def _places(
    answers: dict[str, Floats], stride: int, threshold: float
) -> tuple[Floats, Floats, Floats]:
    """What the places of one step claim, where their score is above a threshold.

    Returns:
        Scores, shape (n,); boxes, shape (n, 4), left, top, right, bottom; points, shape (n, 5, 2);
        all in pixels of what the network saw.
    """
    classes, objects = (_squeezed(answers[f"{name}_{stride}"][0, 0]) for name in ("cls", "obj"))
    scores = np.sqrt(classes * objects)
    rows, columns = np.nonzero(scores > threshold)
    corners = np.stack([columns, rows], axis=1).astype(np.float32)
    boxes = answers[f"bbox_{stride}"][0][:, rows, columns].T
    points = answers[f"kps_{stride}"][0][:, rows, columns].T.reshape(-1, 5, 2)
    centres = (corners + boxes[:, :2]) * stride
    halves = np.exp(boxes[:, 2:]) * (stride / 2)
    return (
        scores[rows, columns],
        np.hstack([centres - halves, centres + halves]),
        (corners[:, np.newaxis] + points) * stride,
    )


def _squeezed(values: Floats) -> Floats:
    """1 / (1 + exp(-x)), without overflow."""
    return np.asarray(0.5 * (1 + np.tanh(0.5 * values)), np.float32)


def _detection(box: Floats, points: Floats, score: np.float32) -> Detection:
    x1, y1, x2, y2 = box.tolist()
    pairs: Sequence[tuple[float, float]] = [(x, y) for x, y in points.tolist()]
    left_eye, right_eye, nose, left_mouth, right_mouth = pairs
    return Detection(
        box=Box(x1, y1, x2, y2),
        points=(left_eye, right_eye, nose, left_mouth, right_mouth),
        score=float(score),
    )


make = YuNetDetector
"""How the registry of architectures makes one."""
