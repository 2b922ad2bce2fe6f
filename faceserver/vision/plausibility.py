"""Whether five points make a face.

The limits lie well outside of what some 1,700 labelled photographs of upright faces show, profiles
and heads that look up or down included: see docs/detection.md for the figures.
"""

import math
from dataclasses import dataclass

from faceserver.types import Detection, Point

_ROLL = 75.0
_EYES = 0.03
_MOUTH = 0.0
_TALL = (0.2, 0.7)
_NOSE = -0.05
_OUTSIDE = 0.2


@dataclass(frozen=True)
class Axes:
    """A face's own directions, each a unit vector; both zero if there are no points.

    Attributes:
        down: from the eyes to the mouth.
        right: from the left eye to the right one, as seen by the viewer.
    """

    down: Point
    right: Point


def axes(detection: Detection) -> Axes:
    """The directions of a face: of the line of its eyes and that from eyes to mouth together.

    Either line alone becomes short: the first in a profile, the second in a face that looks down.
    """
    left, right, _, left_mouth, right_mouth = detection.points
    eyes, mouth = _middle(left, right), _middle(left_mouth, right_mouth)
    x = mouth[0] - eyes[0] - (right[1] - left[1])
    y = mouth[1] - eyes[1] + (right[0] - left[0])
    length = math.hypot(x, y)
    if not length:
        return Axes((0.0, 0.0), (0.0, 0.0))
    return Axes((x / length, y / length), (y / length, -x / length))


def is_face(detection: Detection) -> bool:
    """Whether a detection's points lie as those of a face do, in the orientation it was found in.

    Lengths are in means of the box's width and height, along the face's own directions. It must

    - be rolled by at most 75 degrees;
    - have its right eye to the right of the left one by 0.03, and its mouth's corners likewise in
      order (a mirrored face is none);
    - have its mouth below its eyes by 0.2 to 0.7;
    - have its nose neither above the eyes nor below the mouth by more than 0.05;
    - have no point outside of its box by more than 0.2.
    """
    box = detection.box
    side = (box.width + box.height) / 2
    numbers = (*(number for point in detection.points for number in point), side)
    if not all(map(math.isfinite, numbers)) or side <= 0:
        return False
    own = axes(detection)
    left, right, nose, left_mouth, right_mouth = detection.points
    eyes, mouth = _middle(left, right), _middle(left_mouth, right_mouth)
    tall = _along(eyes, mouth, own.down) / side
    below = _along(eyes, nose, own.down) / side
    return (
        own.down[1] >= math.cos(math.radians(_ROLL))
        and _along(left, right, own.right) / side >= _EYES
        and _along(left_mouth, right_mouth, own.right) / side >= _MOUTH
        and _TALL[0] <= tall <= _TALL[1]
        and _NOSE <= below <= tall - _NOSE
        and all(_beyond(detection, point) <= _OUTSIDE * side for point in detection.points)
    )


def _middle(one: Point, other: Point) -> Point:
    return (one[0] + other[0]) / 2, (one[1] + other[1]) / 2


def _along(start: Point, end: Point, direction: Point) -> float:
    """How far it is from one point to another in a direction."""
    return (end[0] - start[0]) * direction[0] + (end[1] - start[1]) * direction[1]


def _beyond(detection: Detection, point: Point) -> float:
    """How far a point lies outside of the box; negative inside."""
    box, (x, y) = detection.box, point
    return max(box.x1 - x, x - box.x2, box.y1 - y, y - box.y2)
