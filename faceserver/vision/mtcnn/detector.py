"""The cascade: proposals of the first network, refined by the second, finished by the third."""

from collections.abc import Sequence

import numpy as np
from pydantic import Field

from faceserver.engines import Network, Preprocessing
from faceserver.models.spec import DetectorSpec
from faceserver.runtime.parallel import NOBODY, Helpers
from faceserver.types import Box, Detection, Floats, Image
from faceserver.vision.base import Loading, Options
from faceserver.vision.boxes import shifted, squared
from faceserver.vision.calls import calls
from faceserver.vision.mtcnn.candidates import Candidates, best_of_all, squares
from faceserver.vision.mtcnn.layout import Canvas, Layout, plan
from faceserver.vision.mtcnn.points import SIDEWAYS
from faceserver.vision.mtcnn.pyramid import Cutter, halvings, painted, scaled_level

_SIZES = {24: (16, 32, 64), 48: (2, 4, 8, 16)}
"""Crops in one call, by their side."""

_CANVASES = 2
"""The first level of the usual pyramid is as large as all others together: on canvases of their own
they are equal work, and the first leaves no empty place."""


class MtcnnOptions(Options):
    """What to look for.

    Attributes:
        min_face: smallest face, in pixels.
        pnet_threshold: score that a candidate needs to pass the first network.
        rnet_threshold: to pass the second.
        onet_threshold: to pass the third.
        pyramid_factor: scale from one level of the pyramid to the next.
    """

    min_face: int = Field(40, ge=12)
    pnet_threshold: float = Field(0.8, ge=0, lt=1)
    rnet_threshold: float = Field(0.8, ge=0, lt=1)
    onet_threshold: float = Field(0.6, ge=0, lt=1)
    pyramid_factor: float = Field(0.709, gt=0.1, lt=0.95)


class MtcnnDetector:
    """Finds faces; safe to call from several threads at once."""

    def __init__(self, spec: DetectorSpec, loading: Loading) -> None:
        """Load the three networks; helpers work on parts of pictures that are large enough.

        Raises:
            ModelError: one is missing or cannot be read, or an option does not fit.
        """
        self._options = MtcnnOptions.of(spec)
        self._shared_pixels = loading.shared_pixels
        preprocessing = Preprocessing(spec.input.normalization, SIDEWAYS)
        # The second network chooses among many boxes of one face, by scores that bfloat16 would
        # round to the same number.
        self._pnet, self._rnet, self._onet = (
            loading.engine.load(spec.networks[name], exactness, preprocessing)
            for name, exactness in (
                ("pnet", loading.precision),
                ("rnet", "f32"),
                ("onet", loading.precision),
            )
        )
        for network, side in ((self._rnet, 24), (self._onet, 48)):
            for size in _SIZES[side]:
                # The first call of a size is slow, and a picture without faces would not make it.
                network.predict({network.inputs[0]: np.zeros((size, side, side, 3), np.uint8)})
        self._helpers = loading.helpers if self._pnet.at_once > 1 else NOBODY

    def detect(self, image: Image) -> list[Detection]:
        """Find every face, largest first; boxes and points may reach beyond the edges."""
        height, width = image.shape[:2]
        options = self._options
        layout = plan(width, height, options.min_face, options.pyramid_factor, _CANVASES)
        if not layout.levels:
            return []
        helpers = self._helpers if width * height >= self._shared_pixels else NOBODY
        pictures = halvings(image)
        proposals = self._propose(pictures, layout, helpers)
        refined = self._refine(pictures, proposals, helpers) if len(proposals) else proposals
        if not len(refined):
            return []
        found = self._finish(pictures, refined, helpers)
        detections = [
            _detection(*face) for face in zip(found.boxes, found.extras, found.scores, strict=True)
        ]
        return sorted(detections, key=lambda detection: -detection.box.area)

    def _propose(self, pictures: Sequence[Image], layout: Layout, helpers: Helpers) -> Floats:
        """Judge every place at every scale; return square boxes, shape (n, 4)."""
        levels = helpers.map(lambda level: scaled_level(pictures, level), layout.levels)
        judged = helpers.map(lambda it: self._judge_canvas(layout, it, levels), layout.canvases)
        best = best_of_all(judged)
        return np.trunc(squared(shifted(best.boxes, best.offsets, extra=0)))

    def _judge_canvas(self, layout: Layout, canvas: Canvas, levels: Sequence[Image]) -> Candidates:
        answers = self._pnet.predict({self._pnet.inputs[0]: painted(canvas, levels)})
        return squares(
            canvas,
            layout.levels,
            scores=answers["prob1"][0, 1],
            offsets=answers["conv4-2"][0],
            threshold=self._options.pnet_threshold,
        )

    def _refine(self, pictures: Sequence[Image], boxes: Floats, helpers: Helpers) -> Floats:
        """Ask the second network; return square boxes, shape (n, 4)."""
        cut, answers = self._judge(self._rnet, pictures, boxes, 24, helpers)
        scores = answers["prob1"][:, 1]
        judged = Candidates(cut, scores, answers["conv5-2"], np.empty((len(cut), 0), np.float32))
        best = judged.take(scores > self._options.rnet_threshold).best(0.7, "union")
        return np.trunc(squared(shifted(best.boxes, best.offsets, extra=1)))

    def _finish(self, pictures: Sequence[Image], boxes: Floats, helpers: Helpers) -> Candidates:
        """Ask the third network; the extras of what it finds are points, shape (n, 10)."""
        cut, answers = self._judge(self._onet, pictures, boxes, 48, helpers)
        corners, ends = cut[:, np.newaxis, :2], cut[:, np.newaxis, 2:]
        relative = answers["conv6-3"].reshape(-1, 2, 5).transpose(0, 2, 1)  # five x, then five y
        points = corners - 1 + relative * (ends - corners + 1)
        scores, offsets = answers["prob1"][:, 1], answers["conv6-2"]
        placed = Candidates(shifted(cut, offsets, extra=1), scores, offsets, points.reshape(-1, 10))
        return placed.take(scores > self._options.onet_threshold).best(0.7, "smaller")

    def _judge(
        self,
        network: Network,
        pictures: Sequence[Image],
        boxes: Floats,
        side: int,
        helpers: Helpers,
    ) -> tuple[Floats, dict[str, Floats]]:
        """Cut boxes out, scaled to side x side, and run them through a network.

        Returns:
            The boxes as they were cut, and the network's answers for each.
        """
        cutter = Cutter(pictures, boxes, side)
        count = len(boxes)

        def call(part: tuple[int, int]) -> dict[str, Floats]:
            start, size = part
            crops = np.zeros((size, side, side, 3), np.uint8)
            cutter.cut(start, crops[: count - start])
            return network.predict({network.inputs[0]: crops})

        parts = helpers.map(call, calls(count, _SIZES[side], parts=len(helpers) + 1))
        answers = {
            name: np.concatenate([part[name] for part in parts])[:count] for name in network.outputs
        }
        return cutter.boxes, answers


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
