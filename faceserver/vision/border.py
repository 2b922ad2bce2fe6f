"""Faces that touch the picture's edges, as a tight crop has them.

MTCNN judges squares with something around the face, and finds none where the face fills the
picture. With a border around it, it does.
"""

from dataclasses import replace

import numpy as np

from faceserver.types import Image
from faceserver.vision.geometry import resize
from faceserver.vision.orientation import Detect, Sighting, sighted

_SIDE = 240
"""Longer side at which the picture is looked at again, in pixels: a face that fills it is still
many times as large as the smallest, and looking costs little whatever the picture's size."""

_BORDER = 0.3
"""Of the longer side; on each."""


def within_border(image: Image, detect: Detect, *, sure: float) -> Sighting:
    """What shows in a picture when it is small and has a border around it.

    Args:
        image: RGB, shape (height, width, 3), uint8, in which no face was found as it is.
        detect: finds faces that are upright.
        sure: see :func:`faceserver.vision.orientation.sighted`.

    Returns:
        The faces by their places in the picture, largest first.
    """
    height, width = image.shape[:2]
    factor = min(_SIDE / max(height, width), 1.0)
    small = image
    if factor < 1:
        small = resize(image, max(round(width * factor), 1), max(round(height * factor), 1))
    border = round(_BORDER * max(small.shape))
    framed = np.pad(small, ((border, border), (border, border), (0, 0)), mode="edge")
    seen = sighted(framed, detect, sure=sure)
    scale = width / small.shape[1]
    return replace(seen, faces=[face.moved(-border, -border).scaled(scale) for face in seen.faces])
