"""Our squared L2 distances of unit vectors as the metrics that DeepFace names."""

import math
from collections.abc import Callable, Mapping

from faceserver.models.distances import SimilarityCurve
from faceserver.web.compat.similarity import Scale

METRICS: Mapping[str, Callable[[float], float]] = {
    "cosine": lambda squared: squared / 2,
    "euclidean": math.sqrt,
    "euclidean_l2": math.sqrt,
    "angular": lambda squared: math.acos(min(max(1 - squared / 2, -1.0), 1.0)) / math.pi,
}
"""From a squared distance d to 1 - cos (which is d / 2 of unit vectors), sqrt(d), or the angle as a
part of half a turn."""

_SURE, _HALF = 51.0, 49.0


def confidence(squared: float, threshold: float, curve: SimilarityCurve | None) -> float:
    """How sure the answer is, in percent: 51 to 100 of the same person, 0 to 49 of others."""
    similarity = Scale.fitted(threshold, curve, at=0.5).similarity(squared)
    if squared < threshold:
        return round(_SURE + (2 * similarity - 1) * _HALF, 2)
    return round(2 * similarity * _HALF, 2)
