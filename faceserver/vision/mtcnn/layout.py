"""Where on a few canvases the pyramid of a picture lies, so that few calls of the network do.

The first network judges each square of 12 x 12 pixels by itself, one at every second pixel. So the
levels may lie side by side without touching each other's results: what the network says about
squares that reach over a border is left out. A large level is cut into tiles, which bounds the
memory of a call whatever the picture's size; tiles overlap by what a square needs.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from math import ceil

import numpy as np
from numpy.typing import NDArray

CELL = 12
"""Side of the squares that the first network judges, in pixels."""

STRIDE = 2
"""Pixels from one square to the next."""

_MARGIN = CELL - STRIDE
_TILE = 512  # longest side of a tile,
_CANVAS = _TILE * _TILE  # and most pixels of a canvas that holds more than one
_ROOM = 1.2  # what shelves take, next to what stands on them


@dataclass(frozen=True)
class Level:
    """A level of the pyramid: its scale and its size in pixels."""

    scale: float
    width: int
    height: int


@dataclass(frozen=True)
class Tile:
    """A rectangle of a level, and where it lies on its canvas; every number is even."""

    level: int
    left: int
    top: int
    width: int
    height: int
    x: int = 0
    y: int = 0


@dataclass(frozen=True, eq=False)
class Canvas:
    """What one call of the first network looks at.

    Attributes:
        width: in pixels.
        height: likewise.
        tiles: what lies on it.
        owners: the index of the tile that a square belongs to, -1 for none; shape (squares from
            left to right, squares from top to bottom), as the network answers.
    """

    width: int
    height: int
    tiles: tuple[Tile, ...]
    owners: NDArray[np.int32] = field(repr=False)


@dataclass(frozen=True)
class Layout:
    """A pyramid and the canvases that hold it."""

    levels: tuple[Level, ...]
    canvases: tuple[Canvas, ...]


@lru_cache(maxsize=32)  # photographs come in few sizes
def plan(width: int, height: int, min_face: int, factor: float, parts: int = 1) -> Layout:
    """Lay out the pyramid of a picture of this size.

    Args:
        width: of the picture, in pixels.
        height: likewise.
        min_face: smallest face, in pixels; the first level shows it as large as a square.
        factor: scale from one level to the next.
        parts: canvases of a picture that is not large: there will be about as many. Two are of
            equal size where the factor halves a level's area, as the usual one does: then the
            first level is as large as all others together.
    """
    levels = tuple(_levels(width, height, min_face, factor))
    tiles = [tile for index, level in enumerate(levels) for tile in _tiles(index, level)]
    share = _ROOM * sum(tile.width * tile.height for tile in tiles) / parts
    return Layout(levels, tuple(_canvases(tiles, min(_CANVAS, int(share)))))


def _levels(width: int, height: int, min_face: int, factor: float) -> Iterator[Level]:
    scale = CELL / min_face
    while min(width, height) * scale >= CELL:
        yield Level(scale, ceil(width * scale), ceil(height * scale))
        scale *= factor


def _tiles(index: int, level: Level) -> Iterator[Tile]:
    for top, height in _spans(even(level.height)):
        for left, width in _spans(even(level.width)):
            yield Tile(index, left, top, width, height)


def _spans(length: int) -> Iterator[tuple[int, int]]:
    """Starts and lengths of the tiles along one side: each square lies in exactly one of them."""
    for start in range(0, length - _MARGIN, _TILE - _MARGIN):
        yield start, min(_TILE, length - start)


def even(length: int) -> int:
    """The next even number: squares begin at every second pixel."""
    return length + length % 2


def _canvases(tiles: list[Tile], most: int) -> Iterator[Canvas]:
    """Lay tiles on shelves, highest first; begin a canvas when one has about that many pixels."""
    waiting = sorted(tiles, key=lambda tile: (-tile.height, -tile.width))
    while waiting:
        width = max(tile.width for tile in waiting)
        shelves: list[_Shelf] = []
        placed: list[Tile] = []
        left_over: list[Tile] = []
        for tile in waiting:
            place = _place(tile, shelves, width, highest=most // width)
            if place is None:
                left_over.append(tile)
            else:
                placed.append(replace(tile, x=place[0], y=place[1]))
        yield _canvas(placed, width, sum(shelf.height for shelf in shelves))
        waiting = left_over


@dataclass
class _Shelf:
    top: int
    height: int
    used: int = 0


def _place(tile: Tile, shelves: list[_Shelf], width: int, highest: int) -> tuple[int, int] | None:
    """Put a tile on the first shelf that has room, or on a new one; None when all is full."""
    for shelf in shelves:
        if shelf.used + tile.width <= width and tile.height <= shelf.height:
            shelf.used += tile.width
            return shelf.used - tile.width, shelf.top
    top = shelves[-1].top + shelves[-1].height if shelves else 0
    if shelves and top + tile.height > highest:
        return None
    shelves.append(_Shelf(top, tile.height, tile.width))
    return 0, top


def _canvas(tiles: list[Tile], width: int, height: int) -> Canvas:
    owners = np.full(((width - _MARGIN) // STRIDE, (height - _MARGIN) // STRIDE), -1, np.int32)
    for index, tile in enumerate(tiles):
        x, y = tile.x // STRIDE, tile.y // STRIDE
        columns, rows = ((side - _MARGIN) // STRIDE for side in (tile.width, tile.height))
        owners[x : x + columns, y : y + rows] = index
    owners.flags.writeable = False
    return Canvas(width, height, tuple(tiles), owners)
