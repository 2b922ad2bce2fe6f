"""Where a head is turned to, from the five points of its face.

The points of a mean head are projected in parallel: a picture's points are a linear function of
them, whose two rows are, but for the scale, the first two rows of the head's rotation. Least
squares give that function (D. DeMenthon, L. Davis: Model-Based Object Pose in 25 Lines of Code,
International Journal of Computer Vision 15, 1995, its first step), and the nearest two rows of
unit length that are at right angles give the rotation.

The head's width and height are those of the points of ArcFace's template, the mean of many faces
seen from the front; its depth is that of the mean of many measured heads. One person's nose is
longer than another's, so angles are good to some 10 degrees.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faceserver.models.spec import AttributeSpec
from faceserver.types import Detection, Image, Point
from faceserver.vision.attributes.base import Cut, Value
from faceserver.vision.base import Loading

HEAD = np.array(
    [
        [-31.5, 0.0, 0.0],
        [31.5, 0.0, 0.0],
        [0.0, 36.0, -40.0],
        [-26.0, 72.5, -8.0],
        [26.0, 72.5, -8.0],
    ]
)
"""Left eye, right eye, nose, corners of the mouth as the viewer sees them, in millimetres: to the
right, down, and away from the viewer."""

_DECIMALS = 1


@dataclass(frozen=True)
class Pose:
    """Where a head is turned to, in degrees, as the viewer sees it.

    Attributes:
        pitch: up is positive.
        roll: tilted clockwise is positive.
        yaw: turned to the picture's right edge is positive.
    """

    pitch: float
    roll: float
    yaw: float

    @property
    def frontality(self) -> float:
        """Cosine of the angle between where the face looks and the viewer: 1 is from the front."""
        return max(0.0, math.cos(math.radians(self.pitch)) * math.cos(math.radians(self.yaw)))


def pose_of(points: Sequence[Point]) -> Pose:
    """Compute a head's pose from its five points, in a picture's pixels."""
    seen, head = np.array(points, np.float64), HEAD - HEAD.mean(axis=0)
    rows = (seen - seen.mean(axis=0)).T @ np.linalg.pinv(head.T)
    left, _, right = np.linalg.svd(rows, full_matrices=False)
    first, second = left @ right
    turn = np.vstack([first, second, np.cross(first, second)])
    pitch, roll, yaw = _angles(turn)
    return Pose(pitch=-pitch, roll=roll, yaw=-yaw)


def _angles(turn: NDArray[np.floating]) -> tuple[float, float, float]:
    """Angles about the axes right, away and down, in degrees, of which a turn is made.

    The head turns about its own neck first, then nods, and is tilted last.
    """
    pitch = math.asin(float(np.clip(turn[2, 1], -1, 1)))
    roll = math.atan2(-float(turn[0, 1]), float(turn[1, 1]))
    yaw = math.atan2(-float(turn[2, 0]), float(turn[2, 2]))
    return math.degrees(pitch), math.degrees(roll), math.degrees(yaw)


class PoseAttribute:
    """Tells pitch, roll and yaw."""

    def __init__(self, spec: AttributeSpec, loading: Loading | None = None) -> None:
        """Nothing is loaded."""
        del loading
        self.name = spec.name

    def cut(self, image: Image, detection: Detection) -> Cut:
        """The detection alone."""
        del image
        return Cut(detection)

    def tell(self, cuts: Sequence[Cut]) -> list[Value]:
        """The angles of each face."""
        poses = [pose_of(cut.detection.points) for cut in cuts]
        return [
            {
                "pitch": round(pose.pitch, _DECIMALS),
                "roll": round(pose.roll, _DECIMALS),
                "yaw": round(pose.yaw, _DECIMALS),
            }
            for pose in poses
        ]


make = PoseAttribute
"""How the registry of architectures makes one."""
