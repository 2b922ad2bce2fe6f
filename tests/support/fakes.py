"""Small deterministic parts to stand in where real weights would only be slow."""

from collections.abc import Sequence

import numpy as np

from faceserver.models.distances import Distances
from faceserver.models.spec import EmbedderSpec, InputSpec, SquareCrop, WhiteningNormalization
from faceserver.types import Box, Detection, Floats, Image


def detection(left: float, top: float, side: float) -> Detection:
    """A square face with its points where a face has them."""
    spots = ((0.3, 0.35), (0.7, 0.35), (0.5, 0.55), (0.35, 0.8), (0.65, 0.8))
    a, b, c, d, e = ((left + x * side, top + y * side) for x, y in spots)
    return Detection(Box(left, top, left + side, top + side), (a, b, c, d, e), 0.99)


class ColourDetector:
    """Takes each coloured 16 x 16 tile of a black picture for a face."""

    def detect(self, image: Image) -> list[Detection]:
        return [
            detection(left, top, 16)
            for top in range(0, image.shape[0] - 15, 16)
            for left in range(0, image.shape[1] - 15, 16)
            if image[top + 8, left + 8].max() > 32
        ]


class ColourEmbedder:
    """Embeds a tile as its mean colour, so that like colours are near; counts its calls."""

    name = "colour"
    dims = 3
    size = 16
    distances = Distances(threshold=0.1, calibration="none")

    def __init__(self) -> None:
        self.batches: list[int] = []

    def crop(self, image: Image, face: Detection) -> Image:
        left, top = int(face.box.x1), int(face.box.y1)
        return image[top : top + 16, left : left + 16]

    def warm_up(self) -> None:
        self.batches.append(0)

    def embed(self, crops: Sequence[Image]) -> Floats:
        self.batches.append(len(crops))
        means = np.array([crop.mean(axis=(0, 1)) for crop in crops], np.float32).reshape(-1, 3)
        return np.asarray(means / np.linalg.norm(means, axis=1, keepdims=True), np.float32)


class MirroredEmbedder(ColourEmbedder):
    """To this one red is what blue is to the other: whoever mixes the two finds the wrong man."""

    name = "mirrored"

    def embed(self, crops: Sequence[Image]) -> Floats:
        return super().embed(crops)[:, ::-1].copy()


def colour_spec(name: str) -> EmbedderSpec:
    """The description of a model of this kind, as a ``model.toml`` would give it."""
    return EmbedderSpec(
        kind="embedder",
        name=name,
        architecture="colour",
        source="made by a test",
        licence="MIT",
        input=InputSpec(normalization=WhiteningNormalization(kind="whiten")),
        networks={},
        dims=3,
        crop=SquareCrop(kind="square", side=1, lowered=0, size=16),
        distances=ColourEmbedder.distances,
    )
