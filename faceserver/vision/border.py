"""Faces that touch the picture's edges, as a tight crop has them.

MTCNN judges squares with something around the face, and finds none where the face fills the
picture. With a border around it, it does.
"""

from collections.abc import Sequence

import numpy as np

from faceserver.types import Detection, Image
from faceserver.vision.base import Detector
from faceserver.vision.geometry import resize

_SIDE = 240
"""Longer side at which the picture is looked at again, in pixels: a face that fills it is still
many times as large as the smallest, and looking costs little whatever the picture's size."""

_BORDER = 0.3
"""Of the longer side; on each."""


def detect(detector: Detector, image: Image) -> Sequence[Detection]:
    """Find faces; where there are none, look once more for one that fills the picture.

    Args:
        detector: finds faces.
        image: RGB, shape (height, width, 3), uint8.

    Returns:
        The faces by their places in the picture, largest first.
    """
    return detector.detect(image) or _within_border(detector, image)


def _within_border(detector: Detector, image: Image) -> list[Detection]:
    height, width = image.shape[:2]
    factor = min(_SIDE / max(height, width), 1.0)
    small = image
    if factor < 1:
        small = resize(image, max(round(width * factor), 1), max(round(height * factor), 1))
    border = round(_BORDER * max(small.shape))
    framed = np.pad(small, ((border, border), (border, border), (0, 0)), mode="edge")
    return [
        face.moved(-border, -border).scaled(width / small.shape[1])
        for face in detector.detect(framed)
    ]
