"""MTCNN: three networks in a row find faces and their five points.

After K. Zhang, Z. Zhang, Z. Li, Y. Qiao: Joint Face Detection and Alignment using Multi-task
Cascaded Convolutional Networks, IEEE Signal Processing Letters 23(10), 2016. The networks are the
published Caffe ones or compatible: their pictures lie on their side, (batch, 3, x, y).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

from faceserver.engines import Engine, Network
from faceserver.models import DetectorSpec
from faceserver.plugins.boxes import Overlap, shifted, squared, suppress
from faceserver.plugins.geometry import cut_out, resize
from faceserver.types import Box, Detection, Floats, Image

_CELL = 12  # the first network judges squares of 12 x 12 pixels,
_STRIDE = 2  # one at every second pixel
_PER_CALL = 256  # candidates in one call of the second or third network, to bound its memory


@dataclass(frozen=True)
class MtcnnOptions:
    """What to look for.

    Attributes:
        min_face: smallest face, in pixels.
        thresholds: score that a candidate needs to pass each of the three networks.
        factor: scale from one level of the pyramid to the next.
    """

    min_face: int = 40
    thresholds: tuple[float, float, float] = (0.8, 0.8, 0.6)
    factor: float = 0.709


@dataclass(frozen=True, eq=False)
class _Candidates:
    """Possible faces: boxes and offsets of shape (n, 4), scores (n,), points (n, 10) or (n, 0)."""

    boxes: Floats
    scores: Floats
    offsets: Floats
    points: Floats

    def take(self, chosen: NDArray[np.intp] | NDArray[np.bool_]) -> "_Candidates":
        return _Candidates(
            self.boxes[chosen], self.scores[chosen], self.offsets[chosen], self.points[chosen]
        )

    def best(self, limit: float, overlap: Overlap) -> "_Candidates":
        return self.take(suppress(self.boxes, self.scores, limit, overlap))


class MtcnnDetector:
    """Finds faces; safe to call from several threads at once."""

    def __init__(self, spec: DetectorSpec, engine: Engine, options: MtcnnOptions) -> None:
        """Load the three networks.

        Raises:
            ModelError: one is missing or cannot be read.
        """
        self._options = options
        self._normalization = spec.normalization
        self._pnet, self._rnet, self._onet = (
            # Not in bfloat16: on networks this small it is no faster, and it moves the boxes.
            engine.load(spec.networks[name], "f32")
            for name in ("pnet", "rnet", "onet")
        )

    def detect(self, image: Image) -> list[Detection]:
        """Find every face, largest first; boxes and points may reach beyond the edges."""
        proposals = self._propose(image)
        if not len(proposals):
            return []
        refined = self._refine(image, proposals)
        if not len(refined):
            return []
        found = self._finish(image, refined)
        detections = [
            _detection(*face) for face in zip(found.boxes, found.points, found.scores, strict=True)
        ]
        return sorted(detections, key=lambda detection: -detection.box.area)

    def _propose(self, image: Image) -> Floats:
        """Judge every place at every scale; return square boxes, shape (n, 4)."""
        levels = [self._level(image, scale) for scale in self._scales(image)]
        if not levels:
            return np.empty((0, 4), np.float32)
        together = _Candidates(
            *(
                np.concatenate([getattr(level, field) for level in levels])
                for field in ("boxes", "scores", "offsets", "points")
            )
        ).best(0.7, "union")
        return squared(shifted(together.boxes, together.offsets, extra=0))

    def _scales(self, image: Image) -> Iterator[float]:
        scale = _CELL / self._options.min_face
        while min(image.shape[:2]) * scale >= _CELL:
            yield scale
            scale *= self._options.factor

    def _level(self, image: Image, scale: float) -> _Candidates:
        height, width = image.shape[:2]
        level = resize(image, ceil(width * scale), ceil(height * scale))
        answers = self._pnet.predict({self._pnet.inputs[0]: self._blob(level[np.newaxis])})
        scores = answers["prob1"][0, 1]
        x, y = np.nonzero(scores >= self._options.thresholds[0])
        corners = _STRIDE * np.stack([x, y], axis=1)
        boxes = np.hstack([corners + 1, corners + _CELL]) / scale
        return _Candidates(
            boxes=np.trunc(boxes).astype(np.float32),
            scores=scores[x, y],
            offsets=answers["conv4-2"][0, :, x, y],
            points=np.empty((len(x), 0), np.float32),
        ).best(0.5, "union")

    def _refine(self, image: Image, boxes: Floats) -> Floats:
        """Ask the second network; return square boxes, shape (n, 4)."""
        answers = self._judge(self._rnet, image, boxes, side=24)
        candidates = self._passing(boxes, answers, "conv5-2", self._options.thresholds[1])
        kept = candidates.best(0.7, "union")
        return squared(shifted(kept.boxes, kept.offsets, extra=1))

    def _finish(self, image: Image, boxes: Floats) -> _Candidates:
        """Ask the third network, which also places the points."""
        answers = self._judge(self._onet, image, boxes, side=48)
        passing = self._passing(
            boxes, answers, "conv6-2", self._options.thresholds[2], points="conv6-3"
        )
        corners, ends = passing.boxes[:, np.newaxis, :2], passing.boxes[:, np.newaxis, 2:]
        relative = passing.points.reshape(-1, 2, 5).transpose(0, 2, 1)  # five x, then five y
        placed = _Candidates(
            boxes=shifted(passing.boxes, passing.offsets, extra=1),
            scores=passing.scores,
            offsets=passing.offsets,
            points=corners - 1 + relative * (ends - corners + 1),
        )
        return placed.best(0.7, "smaller")

    @staticmethod
    def _passing(
        boxes: Floats,
        answers: dict[str, Floats],
        offsets: str,
        threshold: float,
        points: str | None = None,
    ) -> _Candidates:
        scores = answers["prob1"][:, 1]
        none = np.empty((len(boxes), 0), np.float32)
        return _Candidates(
            boxes, scores, answers[offsets], answers[points] if points else none
        ).take(scores > threshold)

    def _judge(self, network: Network, image: Image, boxes: Floats, side: int) -> dict[str, Floats]:
        """Run all boxes' crops, scaled to side x side, through a network."""
        edges = np.trunc(boxes).astype(int)
        crops = np.stack(
            [
                resize(cut_out(image, left - 1, top - 1, right, bottom), side, side)
                for left, top, right, bottom in edges.tolist()
            ]
        )
        parts = [
            network.predict({network.inputs[0]: self._blob(crops[start : start + _PER_CALL])})
            for start in range(0, len(crops), _PER_CALL)
        ]
        return {name: np.concatenate([part[name] for part in parts]) for name in network.outputs}

    def _blob(self, pictures: Image) -> Floats:
        """Normalize pictures (n, height, width, 3) and lay them on their side: (n, 3, x, y)."""
        turned = np.ascontiguousarray(pictures.transpose(0, 3, 2, 1), np.float32)
        turned -= self._normalization.mean
        turned *= self._normalization.scale
        return turned


def _detection(box: Floats, points: Floats, score: np.float32) -> Detection:
    x1, y1, x2, y2 = box.tolist()
    left_eye, right_eye, nose, left_mouth, right_mouth = map(tuple, points.tolist())
    return Detection(
        box=Box(x1 - 1, y1 - 1, x2, y2),  # from counting pixels at 1, ends included
        points=(left_eye, right_eye, nose, left_mouth, right_mouth),
        score=float(score),
    )
