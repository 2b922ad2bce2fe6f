"""SCRFD and RetinaFace: at each place of a picture, anchors say whether a face is there, and where.

After J. Guo, J. Deng, A. Lattas, S. Zafeiriou: Sample and Computation Redistribution for Efficient
Face Detection, ICLR 2022, and J. Deng and others: RetinaFace, CVPR 2020, in the form that
InsightFace publishes: for each step (8, 16 and 32 pixels, or 8 to 128) an output of scores, one of
the distances from the anchor to the box's four sides, and one of the five points' distances from
the anchor, the latter two in steps. Which output is which is read from their shapes, so their names
and their order do not matter.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from pydantic import Field

from faceserver.engines import Preprocessing
from faceserver.errors import ModelError
from faceserver.models.spec import DetectorSpec
from faceserver.types import Box, Detection, Floats, Image
from faceserver.vision.base import Loading, Options
from faceserver.vision.geometry import resize_into, suppressed

_SCORE, _BOX, _POINTS = 1, 4, 10
"""Numbers of each anchor, by which outputs are told apart."""

_COARSEST = 128
"""Sides of what the network sees are multiples of this, where it takes any size."""

_INEXACT = 0.75
"""A box that is smaller than asked for by this factor may be a face that is not."""

_MOST = 1000
"""Anchors that may claim a face; the best ones count."""

_OVERLAP = 0.4
"""Of two boxes that share more than this of their union one is left."""


class ScrfdOptions(Options):
    """What to look for.

    Attributes:
        min_face: smallest face, in pixels.
        score_threshold: score that a face needs.
        long_side: the network sees a picture scaled to this, in a square where it is fixed.
        fixed: the network takes squares of ``long_side`` alone.
    """

    min_face: int = Field(40, ge=8)
    score_threshold: float = Field(0.5, ge=0, lt=1)
    long_side: int = Field(640, ge=64, le=4096)
    fixed: bool = True


class ScrfdDetector:
    """Finds faces; safe to call from several threads at once."""

    def __init__(self, spec: DetectorSpec, loading: Loading) -> None:
        """Load the network.

        Raises:
            ModelError: it is missing or cannot be read, or an option does not fit.
        """
        if len(spec.networks) != 1:
            raise ModelError(f"{spec.name} must have one network")
        (files,) = spec.networks.values()
        self._name = spec.name
        self._options = ScrfdOptions.of(spec)
        self._swaps_colours = spec.input.channels == "bgr"
        # In bfloat16 its points would lie a pixel off.
        self._network = loading.engine.load(files, "f32", Preprocessing(spec.input.normalization))

    def detect(self, image: Image) -> list[Detection]:
        """Find every face, largest first; boxes and points may reach beyond the edges.

        Raises:
            ModelError: the network's outputs are not those of this kind.
        """
        pixels, scale = self._seen(image)
        answers = self._network.predict({self._network.inputs[0]: pixels})
        try:
            levels = levels_of(answers, pixels.shape[1], pixels.shape[2])
        except ValueError as error:
            raise ModelError(
                f"{self._name} is not an SCRFD network with five points: {error}"
            ) from error
        found = [level.claims(self._options.score_threshold) for level in levels]
        scores, boxes, points = (np.concatenate(part) for part in zip(*found, strict=True))
        best = np.argsort(-scores, kind="stable")[:_MOST]
        scores, boxes, points = scores[best], boxes[best], points[best]
        kept = suppressed(boxes, scores, _OVERLAP, None) if len(scores) else np.empty(0, np.intp)
        faces = [_detection(boxes[i], points[i], float(scores[i]), scale) for i in kept]
        smallest = _INEXACT * self._options.min_face
        large = [face for face in faces if max(face.box.width, face.box.height) >= smallest]
        return sorted(large, key=lambda face: -face.box.area)

    def _seen(self, image: Image) -> tuple[Image, float]:
        """The picture as the network sees it, black beyond it, and how it was scaled.

        Returns:
            uint8, shape (1, rows, columns, 3), the picture in its left upper corner.
        """
        side = self._options.long_side
        scale = side / max(image.shape[:2])
        if not self._options.fixed:
            scale = min(1.0, scale)
        height, width = (max(round(length * scale), 1) for length in image.shape[:2])
        rows, columns = (side, side) if self._options.fixed else (_whole(height), _whole(width))
        canvas = np.zeros((1, rows, columns, 3), np.uint8)
        resize_into(canvas[0, :height, :width], image)
        pixels = np.ascontiguousarray(canvas[..., ::-1]) if self._swaps_colours else canvas
        return pixels, scale


@dataclass(frozen=True, eq=False)
class Level:
    """What the anchors of one step say; those of one place follow each other, row by row.

    Attributes:
        stride: pixels from one place to the next.
        columns: places in a row.
        anchors: of each place.
        scores: shape (n,), 0 to 1.
        boxes: shape (n, 4): distances from the anchor to left, top, right and bottom, in steps.
        points: shape (n, 10): those of the five points from the anchor, x and y, in steps.
    """

    stride: int
    columns: int
    anchors: int
    scores: Floats
    boxes: Floats
    points: Floats

    def claims(self, threshold: float) -> tuple[Floats, Floats, Floats]:
        """What the anchors claim whose score is above a threshold.

        Returns:
            Scores, shape (n,); boxes, shape (n, 4), left, top, right, bottom; points, shape
            (n, 5, 2); all in pixels of what the network saw.
        """
        above = np.flatnonzero(self.scores > threshold)
        row, column = np.divmod(above // self.anchors, self.columns)
        places = np.stack([column, row], axis=1).astype(np.float32) * self.stride
        sides = self.boxes[above] * self.stride
        points = self.points[above].reshape(-1, 5, 2) * self.stride
        boxes = np.hstack([places - sides[:, :2], places + sides[:, 2:]])
        return self.scores[above], boxes, points + places[:, np.newaxis]


def levels_of(answers: Mapping[str, Floats], rows: int, columns: int) -> list[Level]:
    """Sort a network's outputs by what they tell and by step.

    Args:
        answers: by the outputs' names; their last axis has 1, 4 or 10 numbers.
        rows: of the picture that the network saw.
        columns: likewise.

    Raises:
        ValueError: they are not scores, boxes and points of three or five steps.
    """
    parted: dict[int, list[Floats]] = {_SCORE: [], _BOX: [], _POINTS: []}
    for name, answer in answers.items():
        width = answer.shape[-1]
        if width not in parted:
            raise ValueError(f"the output {name} has {width} numbers an anchor, not 1, 4 or 10")
        parted[width].append(answer.reshape(-1, width))
    scores, boxes, points = (
        sorted(parts, key=len, reverse=True) for parts in parted.values()
    )  # the finest step has the most anchors
    if not len(scores) == len(boxes) == len(points) or len(scores) not in _STEPS:
        raise ValueError(
            f"there are {len(scores)} outputs of scores, {len(boxes)} of boxes and "
            f"{len(points)} of points"
        )
    strides = _STEPS[len(scores)]
    return [
        _level(stride, (rows // stride, columns // stride), *outputs)
        for stride, *outputs in zip(strides, scores, boxes, points, strict=True)
    ]


_STEPS = {3: (8, 16, 32), 5: (8, 16, 32, 64, 128)}


def _level(
    stride: int, grid: tuple[int, int], scores: Floats, boxes: Floats, points: Floats
) -> Level:
    places = grid[0] * grid[1]
    anchors, rest = divmod(len(scores), max(places, 1))
    if rest or not anchors or not len(scores) == len(boxes) == len(points):
        raise ValueError(
            f"{len(scores)} scores, {len(boxes)} boxes and {len(points)} sets of points do not fit "
            f"the {places} places of the step {stride}"
        )
    return Level(stride, grid[1], anchors, scores[:, 0], boxes, points)


def _whole(length: int) -> int:
    return -(-length // _COARSEST) * _COARSEST


def _detection(box: Floats, points: Floats, score: float, scale: float) -> Detection:
    x1, y1, x2, y2 = (edge / scale for edge in box.tolist())
    pairs = [(x / scale, y / scale) for x, y in points.tolist()]
    left_eye, right_eye, nose, left_mouth, right_mouth = pairs
    return Detection(
        box=Box(x1, y1, x2, y2),
        points=(left_eye, right_eye, nose, left_mouth, right_mouth),
        score=min(score, 1.0),
    )


make = ScrfdDetector
"""How the registry of architectures makes one."""
