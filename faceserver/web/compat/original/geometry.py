"""From where a face is to what is answered: whole pixels that lie inside the picture."""

from collections.abc import Sequence

from faceserver.types import Box, Point


def box_pixels(box: Box, width: int, height: int) -> list[int]:
    """The corner pixels of a box in a picture of that size: [x1, y1, x2, y2]."""
    return [
        _pixel(box.x1, width),
        _pixel(box.y1, height),
        _pixel(box.x2, width),
        _pixel(box.y2, height),
    ]


def point_pixels(points: Sequence[Point], width: int, height: int) -> list[int]:
    """The pixels of points in a picture of that size: every x, then every y."""
    return [_pixel(x, width) for x, _ in points] + [_pixel(y, height) for _, y in points]


def _pixel(value: float, size: int) -> int:
    return min(max(round(value), 0), size - 1)
