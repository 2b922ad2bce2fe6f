"""Which way up the faces of a picture are, for pictures that lie on their side or upside down.

Detectors are trained on upright faces. In a picture that is turned they often find something all
the same, and what is cut out there looks like anybody. So where no face is sure, the picture is
looked at in all four orientations. Boxes and points are always those of the picture as it was
given; which way up a face is follows from its points alone, so that its crop can be cut again at
any time.

The turns of a face or a picture are counted as :func:`numpy.rot90` counts them: quarter turns,
counterclockwise.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from faceserver.runtime import deadline
from faceserver.types import Box, Detection, Image, Point
from faceserver.vision.geometry import resize, rotated
from faceserver.vision.plausibility import axes, is_face

Detect = Callable[[Image], list[Detection]]
"""What finds the faces of a picture that is upright; see :class:`faceserver.vision.Detector`."""

_NEARLY = 15
"""Times the doubt of a sure face that a nearly sure one may have."""

_SMALL = 100
"""Side of the best face in the small copy, in pixels."""

_LEAST_DOUBT = 1e-5
"""So that no face of score 1 outweighs all others."""

_ALONE = 0.3
"""Faces that overlap by a larger share of the smaller one are the same face, seen twice."""


@dataclass(frozen=True)
class Sighting:
    """What a picture shows.

    Attributes:
        faces: largest first, in the picture as it was given.
        refused: how many detections were left out because their points do not make a face.
    """

    faces: list[Detection]
    refused: int


def sighted(image: Image, detect: Detect, *, sure: float) -> Sighting:
    """Find the faces of a picture in whatever orientation it is.

    A picture with at least one sure face that is about upright is looked at once. With one that is
    nearly sure, small copies of it are looked at in the other orientations, and the picture itself
    in those where they show something; any other picture in all four orientations. Then the
    orientation whose faces are surest is taken for the picture's own; from the others sure faces
    alone are added, where the first has none.

    Args:
        image: the picture.
        detect: finds faces that are upright.
        sure: score from which a face of this detector is hardly ever one that lies on its side.

    Raises:
        TimedOut: the request that this is done for has taken too long.
    """
    first, refused = _look(image, detect, 0)
    if any(face.score >= sure and turns_to_upright(face) == 0 for face in first):
        return Sighting(first, refused)
    looks = [first]
    for turns in _worth_a_look(image, detect, first, sure):
        faces, more = _look(image, detect, turns)
        looks.append(faces)
        refused += more
    # Sorting is stable: where no other orientation is better, the picture stays as it was given.
    looks.sort(key=lambda faces: _evidence(faces, sure), reverse=True)
    kept = looks[0]
    others = [face for look in looks[1:] for face in look if face.score >= sure]
    for face in sorted(others, key=lambda face: -face.score):
        if all(_shared(face.box, other.box) <= _ALONE for other in kept):
            kept = [*kept, face]
    return Sighting(sorted(kept, key=lambda face: -face.box.area), refused)


def turns_to_upright(detection: Detection) -> int:
    """Quarter turns (0-3) of the picture that bring a face nearest to upright, by its points.

    0 for a face without points, which an embedding that came ready may have.
    """
    down = axes(detection).down
    if abs(down[1]) >= abs(down[0]):
        return 0 if down[1] >= 0 else 2
    return 3 if down[0] > 0 else 1


def turned_picture(image: Image, turns: int) -> Image:
    """A view of a picture, turned; not contiguous."""
    return np.rot90(image, turns)


def turned(detection: Detection, turns: int, width: int, height: int) -> Detection:
    """The place of a detection after its picture, of this width and height, has been turned."""
    turns %= 4

    def moved(point: Point) -> Point:
        x, y = point
        return ((x, y), (y, width - x), (width - x, height - y), (height - y, x))[turns]

    (x1, y1), (x2, y2) = (
        moved((detection.box.x1, detection.box.y1)),
        moved((detection.box.x2, detection.box.y2)),
    )
    a, b, c, d, e = (moved(point) for point in detection.points)
    box = Box(min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2))
    return Detection(box, (a, b, c, d, e), detection.score)


def _worth_a_look(
    image: Image, detect: Detect, faces: list[Detection], sure: float
) -> Sequence[int]:
    """The other orientations that may be a picture's own, after what it showed as it was given.

    All, unless a face is nearly sure; then those in which a small copy of the picture shows faces.
    What is found on a face that lies on its side is about as large as the face: so the copy is as
    small as that face may become.
    """
    upright = [face for face in faces if turns_to_upright(face) == 0]
    best = max(upright, key=lambda face: face.score, default=None)
    if best is None or 1 - best.score > _NEARLY * (1 - sure):
        return (1, 2, 3)
    scale = min(1.0, 2 * _SMALL / (best.box.width + best.box.height))
    height, width = image.shape[:2]
    small = resize(image, max(round(scale * width), 1), max(round(scale * height), 1))
    return [turns for turns in (1, 2, 3) if _look(small, detect, turns)[0]]


def _look(image: Image, detect: Detect, turns: int) -> tuple[list[Detection], int]:
    """What is a face in one orientation, placed in the picture as given; how many are none."""
    deadline.check()
    found = detect(rotated(image, turns) if turns else image)
    faces = [face for face in found if is_face(face)]
    refused = len(found) - len(faces)
    if not turns:
        return faces, refused
    height, width = image.shape[1::-1] if turns % 2 else image.shape[:2]
    return [turned(face, -turns, width, height) for face in faces], refused


def _evidence(faces: Sequence[Detection], sure: float) -> tuple[bool, float]:
    """How much speaks for an orientation: whether a face is sure, then how little doubt is left.

    Doubts are multiplied, so that a face of score 0.999 weighs as much as three of 0.9: the wrong
    way up, unsure faces are found in several places.
    """
    doubts = (max(1 - face.score, _LEAST_DOUBT) for face in faces)
    return any(face.score >= sure for face in faces), -sum(map(math.log, doubts))


def _shared(one: Box, other: Box) -> float:
    """The area that two boxes share, as a share of the smaller one."""
    width = min(one.x2, other.x2) - max(one.x1, other.x1)
    height = min(one.y2, other.y2) - max(one.y1, other.y1)
    smaller = min(one.area, other.area)
    return max(width, 0) * max(height, 0) / smaller if smaller > 0 else 0.0
