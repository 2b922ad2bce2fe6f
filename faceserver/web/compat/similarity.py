"""Our distances as the similarities of other programs, whose users know where "the same" begins."""

import math
from dataclasses import dataclass
from typing import Self

from faceserver.models.distances import SimilarityCurve

_LARGEST_EXPONENT = 500.0
_UNKNOWN_STEEPNESS = 10.0
"""Of a model that was not calibrated: at half its threshold, nearly everything is the same."""


@dataclass(frozen=True)
class Scale:
    """From squared L2 distances to similarities between 0 and 1, and back.

    The curve falls as steeply as the model's own calibration (see
    :class:`~faceserver.models.spec.SimilarityCurve`), and is moved so that the threshold has the
    similarity that a protocol's clients expect of it.

    Attributes:
        threshold: the squared L2 distance below which two faces are taken for one person.
        steepness: of the logistic curve.
        at: the similarity of the threshold, between 0 and 1.
    """

    threshold: float
    steepness: float
    at: float

    @classmethod
    def fitted(cls, threshold: float, curve: SimilarityCurve | None, *, at: float) -> Self:
        """The scale of a model.

        Args:
            threshold: the model's, or the server's instead of it.
            curve: the model's calibration; None where it has none.
            at: the similarity that the threshold shall have.
        """
        steepness = curve.steepness if curve else _UNKNOWN_STEEPNESS / threshold
        return cls(threshold, steepness, at)

    def similarity(self, distance: float) -> float:
        """The similarity of a squared L2 distance: 1 / (1 + exp(k (d - t) - ln(a / (1 - a))))."""
        exponent = self.steepness * (distance - self.threshold) - self._shift
        return 1 / (1 + math.exp(min(exponent, _LARGEST_EXPONENT)))

    def distance(self, similarity: float) -> float:
        """The squared L2 distance of a similarity: 0 to 4, which is as far as unit vectors lie."""
        if similarity >= 1:
            return 0.0
        if similarity <= 0:
            return 4.0
        found = self.threshold + (self._shift - _logit(similarity)) / self.steepness
        return min(max(found, 0.0), 4.0)

    @property
    def _shift(self) -> float:
        return _logit(self.at)


def _logit(share: float) -> float:
    return math.log(share / (1 - share))
