"""1:1 verification: how often two photographs of one person are missed, and two people confused."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faceserver.evaluation.data import Pair
from faceserver.evaluation.histograms import BINS, EDGES, WIDTH, Counts, PairCounts, bins_of
from faceserver.types import Floats

TARGETS = (1e-2, 1e-3, 1e-4, 1e-5)
_LEAST_FALSE = 3
"""A rate is measured where so many pairs of different people would lie below the threshold."""

_TAIL = (10, 1000)
"""Between the rates of so many pairs the tail is fitted that is drawn on."""

_ROUNDS = 200
_INTERVAL = (2.5, 97.5)

Curve = NDArray[np.float64]


@dataclass(frozen=True)
class Operating:
    """What a model does at one false match rate.

    Attributes:
        false_match_rate: that was asked for.
        threshold: the largest squared L2 distance at which it is kept.
        true_accept_rate: share of the pairs of the same person below the threshold.
        interval: of the true accept rate, 95 %, by resampling people.
    """

    false_match_rate: float
    threshold: float
    true_accept_rate: float
    interval: tuple[float, float]


@dataclass(frozen=True)
class Verification:
    """Figures of all pairs.

    Attributes:
        same_pairs: how many pairs of the same person there are.
        different_pairs: how many of different people.
        area: under the ROC curve, 0 to 1.
        equal_error_rate: where both rates are equal.
        equal_error_threshold: there.
        operating: at each false match rate that the pairs suffice for.
    """

    same_pairs: int
    different_pairs: int
    area: float
    equal_error_rate: float
    equal_error_threshold: float
    operating: tuple[Operating, ...]


def verify(counts: PairCounts, *, seed: int = 1) -> Verification:
    """Compute the figures; the same counts always give the same."""
    matches, misses = false_match_rates(counts.different), false_non_match_rates(counts.same)
    crossing = int(np.argmin(np.abs(matches - misses)))
    total = int(counts.different.sum())
    targets = [target for target in TARGETS if total * target >= _LEAST_FALSE]
    resampled = _resampled(counts, targets, np.random.default_rng(seed))
    return Verification(
        same_pairs=int(counts.same.sum()),
        different_pairs=total,
        area=_area(matches, 1 - misses),
        equal_error_rate=float((matches[crossing] + misses[crossing]) / 2),
        equal_error_threshold=float(EDGES[crossing]),
        operating=tuple(
            _operating(matches, misses, target, resampled[:, number])
            for number, target in enumerate(targets)
        ),
    )


def false_match_rates(different: Counts) -> Curve:
    """Share of the pairs of different people below each threshold of ``EDGES``, shape (BINS,)."""
    return np.asarray(np.cumsum(different) / max(different.sum(), 1), np.float64)


def false_non_match_rates(same: Counts) -> Curve:
    """Share of the pairs of the same person that are not below each threshold, shape (BINS,)."""
    return np.asarray(1 - np.cumsum(same) / max(same.sum(), 1), np.float64)


def false_match_at(counts: PairCounts, threshold: float) -> float:
    """Share of the pairs of different people below a threshold."""
    return float(np.concatenate([[0.0], false_match_rates(counts.different)])[_edges(threshold)])


def false_non_match_at(counts: PairCounts, threshold: float) -> float:
    """Share of the pairs of the same person that are not below a threshold."""
    return float(np.concatenate([[1.0], false_non_match_rates(counts.same)])[_edges(threshold)])


def _edges(threshold: float) -> int:
    """How many bins lie below a threshold."""
    return min(max(round(threshold / WIDTH), 0), BINS)


def threshold_at(different: Counts, target: float) -> float:
    """The largest threshold at which the false match rate is at most the target; 0 if none is."""
    below = int(np.searchsorted(false_match_rates(different), target, side="right"))
    return 0.0 if below == 0 else float(EDGES[below - 1])


def threshold_beyond(different: Counts, target: float) -> float:
    """A threshold for a rate that the pairs do not suffice to measure, by extrapolation.

    In the tail the logarithm of the rate is about a straight line of the distance: it is fitted
    and drawn on.
    """
    rates, total = false_match_rates(different), int(different.sum())
    inside = (rates * total >= _TAIL[0]) & (rates * total <= _TAIL[1])
    if target * total >= _TAIL[0] or inside.sum() < 2:
        return threshold_at(different, target)
    slope, offset = np.polyfit(EDGES[inside], np.log(rates[inside]), 1)
    if slope <= 0:
        return threshold_at(different, target)
    return float(np.clip((np.log(target) - offset) / slope, 0, 4))


def per_comparison(false_alarms: float, gallery: int) -> float:
    """The false match rate at which a search among so many people gives so many false alarms.

    A search alarms falsely if any of its comparisons does: 1 - (1 - rate)^gallery, solved for the
    rate, as if comparisons were independent.
    """
    return float(-np.expm1(np.log1p(-false_alarms) / gallery))


def _operating(matches: Curve, misses: Curve, target: float, resampled: Curve) -> Operating:
    below = int(np.searchsorted(matches, target, side="right")) - 1
    low, high = np.percentile(resampled, _INTERVAL)
    return Operating(
        false_match_rate=target,
        threshold=float(EDGES[below]) if below >= 0 else 0.0,
        true_accept_rate=float(1 - misses[below]) if below >= 0 else 0.0,
        interval=(float(low), float(high)),
    )


def _resampled(counts: PairCounts, targets: list[float], random: np.random.Generator) -> Curve:
    """True accept rates of people drawn with replacement, shape (rounds, targets).

    Pairs of one person are not independent of each other, so people are drawn and not pairs.
    """
    parts = len(counts.same_of)
    found = np.zeros((_ROUNDS, len(targets)))
    for number in range(_ROUNDS):
        weights = np.bincount(random.integers(0, parts, parts), minlength=parts)
        matches = false_match_rates(weights @ counts.different_of)
        accepted = 1 - false_non_match_rates(weights @ counts.same_of)
        for place, target in enumerate(targets):
            below = int(np.searchsorted(matches, target, side="right")) - 1
            found[number, place] = accepted[below] if below >= 0 else 0.0
    return found


def _area(matches: Curve, accepted: Curve) -> float:
    """By trapezes: pairs in one bin count as half above each other."""
    x, y = np.concatenate([[0.0], matches]), np.concatenate([[0.0], accepted])
    return float(np.sum(np.diff(x) * (y[1:] + y[:-1]) / 2))


@dataclass(frozen=True)
class Folds:
    """Accuracy as LFW's protocol has it: each tenth judged by the threshold of the other nine."""

    accuracy: float
    standard_error: float


def folds(vectors: Floats, pairs: Sequence[Pair]) -> Folds | None:
    """Compute the mean accuracy over the folds, and its standard error; None without folds.

    Args:
        vectors: float32, shape (n, dims), unit length.
        pairs: of their rows.
    """
    if len({pair.fold for pair in pairs}) < 2:
        return None
    first, second, label, fold = np.array(pairs).T
    same = label.astype(bool)
    distances = np.square(vectors[first] - vectors[second]).sum(axis=1)
    scores = []
    for number in np.unique(fold):
        held = fold == number
        threshold = _best_threshold(distances[~held], same[~held])
        scores.append(float(np.mean((distances[held] < threshold) == same[held])))
    error = float(np.std(scores, ddof=1)) / len(scores) ** 0.5
    return Folds(accuracy=float(np.mean(scores)), standard_error=error)


def _best_threshold(distances: Floats, same: NDArray[np.bool_]) -> float:
    right = np.cumsum(np.bincount(bins_of(distances[same]), minlength=BINS))
    wrong = np.cumsum(np.bincount(bins_of(distances[~same]), minlength=BINS))
    return float(EDGES[int(np.argmax(right - wrong))])
