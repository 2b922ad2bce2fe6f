"""CompreFace's similarities: (tanh((c0 - d) * c1) + 1) / 2 of the distance d of two unit vectors.

Each of its models has its own two coefficients; half lies at c0. Here c0 is the model's threshold,
and c1 makes the curve as steep there as the model's own calibration.
"""

import math
from dataclasses import dataclass
from typing import Self

from faceserver.models.distances import SimilarityCurve
from faceserver.web.compat.similarity import Scale

_UNITS = 100_000


@dataclass(frozen=True)
class Coefficients:
    """The two numbers of a model.

    Attributes:
        middle: c0, the L2 distance of similarity 1/2.
        steepness: c1.
    """

    middle: float
    steepness: float

    @classmethod
    def of(cls, threshold: float, curve: SimilarityCurve | None) -> Self:
        """The coefficients of a model.

        Args:
            threshold: squared L2 distance below which two faces are taken for one person.
            curve: the model's calibration; None where it has none.
        """
        # The slope of k (d * d - t) at d = sqrt(t) is 2 k sqrt(t); that of 2 c1 (d - c0) is 2 c1.
        slope = Scale.fitted(threshold, curve, at=0.5).steepness
        middle = math.sqrt(threshold)
        return cls(middle, slope * middle)

    def similarity(self, distance: float) -> float:
        """The similarity of a squared L2 distance, rounded as CompreFace rounds."""
        apart = math.sqrt(max(distance, 0.0))
        return rounded((math.tanh((self.middle - apart) * self.steepness) + 1) / 2)


def rounded(value: float) -> float:
    """A number with five decimals, halves up."""
    return math.floor(value * _UNITS + 0.5) / _UNITS
