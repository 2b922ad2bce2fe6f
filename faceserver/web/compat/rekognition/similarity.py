"""Similarities of 0 to 100, where the model's threshold lies at 80, the clients' default."""

from dataclasses import dataclass
from typing import Self

from faceserver.models.distances import SimilarityCurve
from faceserver.services.collections import Described
from faceserver.web.compat.similarity import Scale

DEFAULT = 80.0
_AT_THE_THRESHOLD = 0.8
_DECIMALS = 4
_MARGIN = 1e-6
"""Squared L2: searches find what is nearer than a distance, similarities are to be reached."""


@dataclass(frozen=True)
class Percent:
    """Between squared L2 distances and similarities of 0 to 100."""

    scale: Scale

    @classmethod
    def of(cls, threshold: float, curve: SimilarityCurve | None) -> Self:
        """The scale of a model; see :meth:`Scale.fitted`."""
        return cls(Scale.fitted(threshold, curve, at=_AT_THE_THRESHOLD))

    @classmethod
    def of_collection(cls, described: Described) -> Self:
        """The scale of a collection's model."""
        return cls.of(described.threshold or 1.0, described.similarity)

    def similarity(self, distance: float) -> float:
        """The similarity of a distance."""
        return round(100 * self.scale.similarity(distance), _DECIMALS)

    def distance(self, similarity: float) -> float:
        """A distance below which everything lies that is at least so similar."""
        return self.scale.distance(similarity / 100) + _MARGIN
