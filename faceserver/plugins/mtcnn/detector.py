"""The cascade: proposals of the first network, refined by the second, finished by the third."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from faceserver.engines import Engine, Network, Precision, Preprocessing
from faceserver.models import DetectorSpec
from faceserver.plugins.boxes import shifted, squared
from faceserver.plugins.mtcnn.candidates import Candidates
from faceserver.plugins.mtcnn.layout import Canvas, Layout, plan
from faceserver.plugins.mtcnn.proposals import best_of_all, squares
from faceserver.plugins.mtcnn.pyramid import Cutter, halvings, painted, scaled_level
from faceserver.types import Box, Detection, Floats, Image

_SIDEWAYS = (0, 3, 2, 1)
"""The networks' axes, (batch, channel, x, y), among those of pictures, (batch, y, x, channel)."""

_PER_CALL = {24: 16, 48: 2}
"""Crops in each call, by their side. One number alone, since a runtime prepares itself for each
shape anew; a call that is not filled costs less than that."""

Given = TypeVar("Given")
Made = TypeVar("Made")


@dataclass(frozen=True)
class MtcnnOptions:
    """What to look for.

    Attributes:
        min_face: smallest face, in pixels.
        thresholds: score that a candidate needs to pass each of the three networks.
        factor: scale from one level of the pyramid to the next.
        threads: parts of a picture that are worked on at the same time, beside the threads that
            the engine has for each.
    """

    min_face: int = 40
    thresholds: tuple[float, float, float] = (0.8, 0.8, 0.6)
    factor: float = 0.709
    threads: int = 1


class MtcnnDetector:
    """Finds faces; safe to call from several threads at once."""

    def __init__(
        self,
        spec: DetectorSpec,
        engine: Engine,
        options: MtcnnOptions,
        precision: Precision = "f32",
    ) -> None:
        """Load the three networks.

        Raises:
            ModelError: one is missing or cannot be read.
        """
        self._options = options
        preprocessing = Preprocessing(spec.normalization, _SIDEWAYS)
        # The second network chooses among many boxes of one face, by scores that bfloat16 would
        # round to the same number.
        self._pnet, self._rnet, self._onet = (
            engine.load(spec.networks[name], exactness, preprocessing)
            for name, exactness in (("pnet", precision), ("rnet", "f32"), ("onet", precision))
        )
        for network, side in ((self._rnet, 24), (self._onet, 48)):
            # The first call of a runtime is slow, and a picture without faces would not make it.
            network.predict({network.inputs[0]: _crops(side)})
        self._helpers = ThreadPoolExecutor(options.threads) if options.threads > 1 else None

    def detect(self, image: Image) -> list[Detection]:
        """Find every face, largest first; boxes and points may reach beyond the edges."""
        height, width = image.shape[:2]
        options = self._options
        layout = plan(width, height, options.min_face, options.factor, options.threads)
        if not layout.levels:
            return []
        pictures = halvings(image)
        proposals = self._propose(pictures, layout)
        refined = self._refine(pictures, proposals) if len(proposals) else proposals
        if not len(refined):
            return []
        found = self._finish(pictures, refined)
        detections = [
            _detection(*face) for face in zip(found.boxes, found.extras, found.scores, strict=True)
        ]
        return sorted(detections, key=lambda detection: -detection.box.area)

    def _propose(self, pictures: Sequence[Image], layout: Layout) -> Floats:
        """Judge every place at every scale; return square boxes, shape (n, 4)."""
        levels = self._map(lambda level: scaled_level(pictures, level), layout.levels)
        judged = self._map(lambda it: self._judge_canvas(layout, it, levels), layout.canvases)
        best = best_of_all(judged)
        return np.trunc(squared(shifted(best.boxes, best.offsets, extra=0)))

    def _judge_canvas(self, layout: Layout, canvas: Canvas, levels: Sequence[Image]) -> Candidates:
        answers = self._pnet.predict({self._pnet.inputs[0]: painted(canvas, levels)})
        return squares(
            canvas,
            layout.levels,
            scores=answers["prob1"][0, 1],
            offsets=answers["conv4-2"][0],
            threshold=self._options.thresholds[0],
        )

    def _refine(self, pictures: Sequence[Image], boxes: Floats) -> Floats:
        """Ask the second network; return square boxes, shape (n, 4)."""
        cut, answers = self._judge(self._rnet, pictures, boxes, side=24)
        scores = answers["prob1"][:, 1]
        judged = Candidates(cut, scores, answers["conv5-2"], np.empty((len(cut), 0), np.float32))
        best = judged.take(scores > self._options.thresholds[1]).best(0.7, "union")
        return np.trunc(squared(shifted(best.boxes, best.offsets, extra=1)))

    def _finish(self, pictures: Sequence[Image], boxes: Floats) -> Candidates:
        """Ask the third network; the extras of what it finds are points, shape (n, 10)."""
        cut, answers = self._judge(self._onet, pictures, boxes, side=48)
        corners, ends = cut[:, np.newaxis, :2], cut[:, np.newaxis, 2:]
        relative = answers["conv6-3"].reshape(-1, 2, 5).transpose(0, 2, 1)  # five x, then five y
        points = corners - 1 + relative * (ends - corners + 1)
        scores, offsets = answers["prob1"][:, 1], answers["conv6-2"]
        placed = Candidates(shifted(cut, offsets, extra=1), scores, offsets, points.reshape(-1, 10))
        return placed.take(scores > self._options.thresholds[2]).best(0.7, "smaller")

    def _judge(
        self, network: Network, pictures: Sequence[Image], boxes: Floats, side: int
    ) -> tuple[Floats, dict[str, Floats]]:
        """Cut boxes out, scaled to side x side, and run them through a network.

        Returns:
            The boxes as they were cut, and the network's answers for each.
        """
        cutter = Cutter(pictures, boxes, side)
        count, step = len(boxes), _PER_CALL[side]

        def call(start: int) -> dict[str, Floats]:
            crops = _crops(side)
            cutter.cut(start, crops[: count - start])
            return network.predict({network.inputs[0]: crops})

        parts = self._map(call, range(0, count, step))
        answers = {
            name: np.concatenate([part[name] for part in parts])[:count] for name in network.outputs
        }
        return cutter.boxes, answers

    def _map(self, make: Callable[[Given], Made], items: Iterable[Given]) -> list[Made]:
        """Make something of each item, on the helping threads if there are any."""
        return list(self._helpers.map(make, items) if self._helpers else map(make, items))


def _crops(side: int) -> Image:
    """Room for the crops of one call: black, shape (n, side, side, 3)."""
    return np.zeros((_PER_CALL[side], side, side, 3), np.uint8)


def _detection(box: Floats, points: Floats, score: np.float32) -> Detection:
    x1, y1, x2, y2 = box.tolist()
    left_eye, right_eye, nose, left_mouth, right_mouth = (
        (x, y) for x, y in points.reshape(5, 2).tolist()
    )
    return Detection(
        box=Box(x1 - 1, y1 - 1, x2, y2),  # from counting pixels at 1, ends included
        points=(left_eye, right_eye, nose, left_mouth, right_mouth),
        score=float(score),
    )
