"""How well a face can be recognized: one figure, and what may be wrong with the photograph.

The figure comes from an embedding network: the length of a face's vector, before it is brought to
length 1, is what the network found to hold on to. Photographs whose vectors are short are those
that are missed (Q. Meng, S. Zhao, Z. Huang, F. Zhou: MagFace: A Universal Representation for Face
Recognition and Quality Assessment, CVPR 2021; M. Kim, A. Jain, X. Liu: AdaFace: Quality Adaptive
Margin for Face Recognition, CVPR 2022). docs/models.md tells how well the figure predicts errors.

What may be wrong is measured on the picture itself, and is for people to act on: move closer, turn
to the camera, switch on a light.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from faceserver.errors import ModelError
from faceserver.models.spec import AlignedCrop, AttributeSpec
from faceserver.types import Box, Detection, Image
from faceserver.vision.attributes.base import Cut, Value
from faceserver.vision.attributes.network import CropNetwork, NetworkOptions, present
from faceserver.vision.attributes.pose import pose_of
from faceserver.vision.base import Loading
from faceserver.vision.crops import crop_of
from faceserver.vision.geometry import blurred

_DECIMALS = 3
_FINE, _COARSE = 1 / 75, 1 / 22
"""Deviations of two blurs, in sides of the crop: details are what only the first one takes away."""

_CRISP = 1.0
"""Fine over coarse details of a crop that is as sharp as it can be."""


class QualityOptions(NetworkOptions):
    """From a vector's length to the figure.

    Attributes:
        middle: the length whose figure is 0.5.
        width: so much more makes odds of the figure e times as great.
    """

    middle: float
    width: float = Field(gt=0)


class Quality:
    """Judges photographs of faces; safe to call from several threads at once."""

    def __init__(self, spec: AttributeSpec, loading: Loading) -> None:
        """Load the network.

        Raises:
            ModelError: it is missing or cannot be read, or its crop is not aligned.
        """
        if not isinstance(spec.crop, AlignedCrop):
            raise ModelError(f"{spec.name} needs a crop of the kind aligned")
        self.name = spec.name
        self._crop = spec.crop
        self._options = QualityOptions.of(spec)
        self._network = CropNetwork(spec, loading, self._options)

    def cut(self, image: Image, detection: Detection) -> Cut:
        """The aligned face, and how much of its box lies in the picture."""
        inside = share_inside(detection.box, image.shape[1], image.shape[0])
        return Cut(detection, crop_of(image, detection, self._crop), inside)

    def tell(self, cuts: Sequence[Cut]) -> list[Value]:
        """The figure of each face, and what it may come from.

        ``value``: 0 to 1, the higher the better. ``size``: pixels between the eyes. ``sharpness``,
        ``brightness``, ``contrast``: 0 to 1. ``frontality``: 1 from the front, 0 from the side.
        ``occlusion``: 0 to 1, a hint alone: how much lies beyond the picture, or how different the
        face's two halves are.
        """
        if not cuts:
            return []
        crops = present([cut.crop for cut in cuts])
        lengths = np.linalg.norm(self._network.run(crops).astype(np.float64), axis=1)
        odds = np.clip((lengths - self._options.middle) / self._options.width, -50, 50)
        figures = 1 / (1 + np.exp(-odds))
        return [
            {"value": round(figure, _DECIMALS), **_measured(cut, crop)}
            for figure, cut, crop in zip(figures.tolist(), cuts, crops, strict=True)
        ]


def _measured(cut: Cut, crop: Image) -> dict[str, float]:
    left, right = (np.array(point) for point in cut.detection.points[:2])
    grey = crop.mean(axis=2, dtype=np.float32)
    middle = _middle(grey)
    found = {
        "sharpness": sharpness(grey),
        "brightness": float(middle.mean()) / 255,
        "contrast": min(float(middle.std()) / 64, 1.0),
        "frontality": pose_of(cut.detection.points).frontality,
        "occlusion": max(1 - cut.inside, 2 * _difference_of_halves(middle) - 1),
    }
    return {
        "size": round(float(np.linalg.norm(right - left)), 1),
        **{name: round(value, _DECIMALS) for name, value in found.items()},
    }


def share_inside(box: Box, width: int, height: int) -> float:
    """The share of a box that lies in a picture of so many columns and rows, 0 to 1."""
    across = max(min(box.x2, width) - max(box.x1, 0), 0)
    down = max(min(box.y2, height) - max(box.y1, 0), 0)
    return min(across * down / max(box.area, 1e-9), 1.0)


def sharpness(grey: NDArray[np.float32]) -> float:
    """How much of a face's details is fine, 0 to 1; a face that was enlarged has no fine ones.

    Args:
        grey: of an aligned crop, shape (size, size).
    """
    side = len(grey)
    slightly = blurred(grey, _FINE * side)
    fine = _middle(grey - slightly).std()
    coarse = _middle(slightly - blurred(grey, _COARSE * side)).std()
    return min(float(fine / max(coarse, 1.0)) / _CRISP, 1.0)


def _difference_of_halves(middle: NDArray[np.float32]) -> float:
    """How different a face is from its mirror image, beyond one half being darker, 0 to 1."""
    half = middle.shape[1] // 2
    left, right = middle[:, :half], middle[:, -half:][:, ::-1]
    apart = (left - left.mean()) - (right - right.mean())
    return min(float(apart.std() / max(left.std() + right.std(), 1.0)), 1.0)


def _middle(grey: NDArray[np.float32]) -> NDArray[np.float32]:
    """The part of an aligned crop that is face, whoever it is: from the brows to the chin."""
    side = len(grey)
    return grey[round(0.27 * side) : round(0.9 * side), round(0.22 * side) : round(0.78 * side)]


make = Quality
"""How the registry of architectures makes one."""
