"""Draws boxes, points and a few words into a copy of a picture."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from faceserver.types import Box, Image, Point

_COLOUR = (0, 200, 80)
_POINT_COLOUR = (255, 210, 0)
_DARK = (0, 0, 0)
_LEAST_TEXT = 12


@dataclass(frozen=True)
class Mark:
    """What is drawn of one face.

    Attributes:
        box: where it is.
        points: of it.
        lines: of text below it.
    """

    box: Box
    points: Sequence[Point]
    lines: Sequence[str] = ()


def drawn(image: Image, marks: Sequence[Mark], *, scale: float = 1.0) -> Image:
    """A copy of a picture with marks; lines are as thick as the picture is large.

    Args:
        image: the picture.
        marks: their places may be those in a larger copy.
        scale: pixels of that copy for each of the picture.
    """
    picture = Pillow.fromarray(image)
    draw = ImageDraw.Draw(picture)
    thick = max(2, round(max(image.shape[:2]) / 500))
    for mark in (_shrunk(mark, scale) for mark in marks):
        box = mark.box
        left, top = min(box.x1, box.x2), min(box.y1, box.y2)
        right, bottom = max(box.x1, box.x2), max(box.y1, box.y2)
        draw.rectangle((left, top, right, bottom), outline=_COLOUR, width=thick)
        size = max(1.5 * thick, 0.01 * box.width)
        for x, y in mark.points:
            draw.ellipse((x - size, y - size, x + size, y + size), fill=_POINT_COLOUR)
        _write(draw, mark, max(_LEAST_TEXT, round(box.width / 12)))
    return np.array(picture, np.uint8)


def _shrunk(mark: Mark, scale: float) -> Mark:
    box = mark.box
    smaller = Box(box.x1 / scale, box.y1 / scale, box.x2 / scale, box.y2 / scale)
    return Mark(smaller, [(x / scale, y / scale) for x, y in mark.points], mark.lines)


def _write(draw: ImageDraw.ImageDraw, mark: Mark, size: int) -> None:
    font = ImageFont.load_default(size)
    for number, line in enumerate(mark.lines):
        place = (mark.box.x1, mark.box.y2 + 2 + number * 1.2 * size)
        draw.text(place, line, fill=_COLOUR, font=font, stroke_width=1, stroke_fill=_DARK)
