"""A picture at ever smaller sizes, from which levels and crops are scaled.

Scaling by area takes as long as the source is large, unless it halves: that is 20 times as fast.
So a picture is first halved again and again, and each level and each crop is scaled from the
smallest of these that is still much larger than itself: what remains visible of the detour is less
than the rounding to 8 bits.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from faceserver.types import Floats, Image
from faceserver.vision.geometry import cut_out, halved, resize_into
from faceserver.vision.mtcnn.layout import Canvas, Level, even

_SMALLEST = 24  # shortest side of what is still halved

_FOR_LEVELS = 3
"""How much larger than a level its source is at least. Which of several neighbouring squares scores
best, and so where a box begins, hangs on differences of one grey value: with 1 the points move by
more than 3 % of the face in one face of fifteen, with 3 in one of fifty."""

_FOR_CROPS = 1.5
"""How much larger than a crop its source is at least."""


def halvings(image: Image) -> list[Image]:
    """The picture, its half, its quarter and so on."""
    pictures = [image]
    while min(pictures[-1].shape[:2]) >= 2 * _SMALLEST:
        pictures.append(halved(pictures[-1]))
    return pictures


def scaled_level(pictures: Sequence[Image], level: Level) -> Image:
    """Scale a level from the halvings; both sides are made even by repeating the last pixels."""
    width, height = level.width, level.height
    source = next(
        picture
        for picture in reversed(pictures)
        if picture is pictures[0]
        or (picture.shape[1] >= _FOR_LEVELS * width and picture.shape[0] >= _FOR_LEVELS * height)
    )
    scaled = np.empty((even(height), even(width), 3), np.uint8)
    resize_into(scaled[:height, :width], source)
    scaled[:height, width:] = scaled[:height, width - 1 : width]
    scaled[height:] = scaled[height - 1 : height]
    return scaled


def painted(canvas: Canvas, levels: Sequence[Image]) -> Image:
    """Lay the tiles of the levels on a canvas: uint8, shape (1, height, width, 3)."""
    pixels = np.zeros((1, canvas.height, canvas.width, 3), np.uint8)
    for tile in canvas.tiles:
        pixels[0, tile.y : tile.y + tile.height, tile.x : tile.x + tile.width] = levels[tile.level][
            tile.top : tile.top + tile.height, tile.left : tile.left + tile.width
        ]
    return pixels


class Cutter:
    """Cuts squares out of a picture's halvings."""

    def __init__(self, pictures: Sequence[Image], boxes: Floats, side: int) -> None:
        """Choose the halving for each box, and round the box to its pixels.

        Args:
            pictures: from :func:`halvings`.
            boxes: shape (n, 4), whole numbers, counted from 1, ends included.
            side: of the crops, in pixels.
        """
        edges = boxes - np.array([1, 1, 0, 0], np.float32)
        sizes = np.maximum(edges[:, 2] - edges[:, 0], 1)
        steps = np.floor(np.log2(np.maximum(sizes / (_FOR_CROPS * side), 1)))
        self._steps = np.minimum(steps, len(pictures) - 1).astype(int)
        pixels = np.exp2(self._steps)[:, np.newaxis].astype(np.float32)
        self._edges = np.rint(edges / pixels).astype(int)
        self._pictures = pictures
        self._side = side
        self.boxes = np.asarray(self._edges * pixels + [1, 1, 0, 0], np.float32)
        """The boxes as they are cut, counted from 1, ends included."""

    def cut(self, start: int, target: NDArray[np.uint8]) -> None:
        """Fill an array (n, side, side, 3) with the crops of boxes start to start + n."""
        chosen = slice(start, start + len(target))
        for crop, step, edges in zip(
            target, self._steps[chosen].tolist(), self._edges[chosen].tolist(), strict=True
        ):
            resize_into(crop, cut_out(self._pictures[step], *edges))
