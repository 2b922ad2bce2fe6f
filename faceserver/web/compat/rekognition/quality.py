"""Which faces are good enough: Rekognition's quality filter, and why a face is left out.

Its bars are ours: Amazon does not publish its own. What a face's attributes do not tell, because
no model for it is there, is not held against it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from faceserver.services.choosing import Candidate
from faceserver.types import Detection

QualityFilter = Literal["NONE", "AUTO", "LOW", "MEDIUM", "HIGH"]

MOST_FACES = 100
"""Of a picture, whatever is asked for."""

EXCEEDS = "EXCEEDS_MAX_FACES"
NOT_LARGEST = "FACE_NOT_LARGEST"


@dataclass(frozen=True)
class Bar:
    """What a face must have.

    Attributes:
        confidence: of the detector, 0 to 1.
        side: pixels of the box's shorter side.
        turned: degrees of yaw or pitch, at most.
        brightness: 0 to 1.
        sharpness: 0 to 1.
        quality: 0 to 1.
    """

    confidence: float
    side: float
    turned: float
    brightness: float
    sharpness: float
    quality: float

    def faults(self, face: Candidate) -> list[str]:
        """Why a face does not reach the bar; empty if it does."""
        pose, quality = (face.attributes.get(name, {}) for name in ("pose", "quality"))
        turned = max(abs(_number(pose, "yaw", 0)), abs(_number(pose, "pitch", 0)))
        found = (
            ("LOW_CONFIDENCE", face.detection.score < self.confidence),
            ("SMALL_BOUNDING_BOX", _side(face.detection) < self.side),
            ("EXTREME_POSE", turned > self.turned),
            ("LOW_BRIGHTNESS", _number(quality, "brightness", 1) < self.brightness),
            ("LOW_SHARPNESS", _number(quality, "sharpness", 1) < self.sharpness),
            ("LOW_FACE_QUALITY", _number(quality, "value", 1) < self.quality),
        )
        return [reason for reason, is_so in found if is_so]


_NONE = Bar(0, 0, 180, 0, 0, 0)
_LOW = Bar(0.7, 20, 65, 0.1, 0.05, 0.05)
_BARS: Mapping[QualityFilter, Bar] = {
    "NONE": _NONE,
    "AUTO": _LOW,
    "LOW": _LOW,
    "MEDIUM": Bar(0.85, 40, 50, 0.15, 0.1, 0.25),
    "HIGH": Bar(0.95, 80, 35, 0.2, 0.2, 0.6),
}


@dataclass(frozen=True)
class Best:
    """Chooses the faces that reach a bar: of too many the poor ones go first, then the smallest."""

    bar: QualityFilter
    most: int = MOST_FACES

    def __call__(self, faces: Sequence[Candidate]) -> list[list[str]]:
        """Why each face is left out, see :data:`faceserver.services.choosing.Choose`."""
        reasons = [_BARS[self.bar].faults(face) for face in faces]
        good = [place for place, why in enumerate(reasons) if not why]
        good.sort(key=lambda place: bool(_LOW.faults(faces[place])))  # else largest first
        for place in good[min(self.most, MOST_FACES) :]:
            reasons[place] = [EXCEEDS]
        return reasons


@dataclass(frozen=True)
class Largest:
    """Chooses the largest face among those that reach a bar."""

    bar: QualityFilter

    def __call__(self, faces: Sequence[Candidate]) -> list[list[str]]:
        """Why each face is left out, see :data:`faceserver.services.choosing.Choose`."""
        reasons = [_BARS[self.bar].faults(face) for face in faces]
        good = [place for place, why in enumerate(reasons) if not why]
        for place in good[1:]:
            reasons[place] = [NOT_LARGEST]
        return reasons


def _side(detection: Detection) -> float:
    return min(detection.box.width, detection.box.height)


def _number(fields: Mapping[str, object], name: str, otherwise: float) -> float:
    value = fields.get(name, otherwise)
    return float(value) if isinstance(value, int | float) else otherwise
