"""From counted pairs to a threshold and a similarity, and both into ``model.toml``."""

import math
import tomllib
from collections.abc import Sequence

import numpy as np

from faceserver.errors import InvalidArchive, ModelError
from faceserver.evaluation.histograms import EDGES, WIDTH, Counts, PairCounts
from faceserver.evaluation.verification import (
    false_match_rates,
    false_non_match_rates,
    threshold_at,
)
from faceserver.models.spec import Rate, SimilarityCurve

_STEPS = 100
_EXACT = 1e-9
_RIDGE = 1e-3
_OWN_TABLES = ("distances.similarity", "distances.similarity.rates")


def cautious_threshold(sets: Sequence[PairCounts], target: float) -> float:
    """The threshold at which no set exceeds a false match rate, rounded down to hundredths."""
    least = min(threshold_at(counts.different, target) for counts in sets)
    return math.floor(round(least * 100, 6)) / 100


def fit_similarity(counts: PairCounts, thresholds: Sequence[float]) -> SimilarityCurve:
    """Fit the curve from distance to similarity, and count what thresholds would do.

    Logistic regression by Newton's method, with Platt's targets, which keep a few pairs that are
    perfectly apart from making the curve a step. Both kinds of pairs weigh the same.

    Raises:
        InvalidArchive: pairs of the same person are not nearer than others.
    """
    midpoint, steepness = _fit(counts.same, counts.different)
    matches, misses = false_match_rates(counts.different), false_non_match_rates(counts.same)
    return SimilarityCurve(
        midpoint=round(midpoint, 4),
        steepness=round(steepness, 4),
        same_pairs=int(counts.same.sum()),
        different_pairs=int(counts.different.sum()),
        rates=tuple(
            Rate(
                threshold=round(threshold, 4),
                false_match=round(float(matches[_edge(threshold)]), 6),
                false_non_match=round(float(misses[_edge(threshold)]), 6),
            )
            for threshold in thresholds
        ),
    )


def _edge(threshold: float) -> int:
    return min(max(round(threshold / WIDTH) - 1, 0), len(EDGES) - 1)


def _fit(same: Counts, different: Counts) -> tuple[float, float]:
    """Midpoint and steepness of the curve; all in float64."""
    x = np.concatenate([EDGES - WIDTH / 2, EDGES - WIDTH / 2])
    many, others = int(same.sum()), int(different.sum())
    targets = np.concatenate(
        [
            np.full(len(same), (many + 1) / (many + 2)),
            np.full(len(different), 1 / (others + 2)),
        ]
    )
    weights = np.concatenate([0.5 * same / many, 0.5 * different / others])
    centre = float(weights @ x)
    design = np.stack([x - centre, np.ones_like(x)], axis=1)
    solution = np.zeros(2)
    ridge = _RIDGE / (many + others)
    for _ in range(_STEPS):
        probability = 1 / (1 + np.exp(-np.clip(design @ solution, -500, 500)))
        gradient = design.T @ (weights * (probability - targets))
        gradient[0] += ridge * solution[0]
        spread = weights * probability * (1 - probability)
        hessian = (design * spread[:, None]).T @ design + ridge * np.diag([1, 0])
        step = np.linalg.solve(hessian + 1e-12 * np.eye(2), gradient)
        solution -= step
        if float(np.abs(step).max()) < _EXACT:
            break
    slope, offset = float(solution[0]), float(solution[1])
    if slope >= 0:
        raise InvalidArchive("pairs of the same person are not nearer than others: wrong labels?")
    return centre - offset / slope, -slope


def with_calibration(
    text: str, *, threshold: float | None, about: str, curve: SimilarityCurve
) -> str:
    """A ``model.toml`` with this curve, and if given this threshold, in the place of what it has.

    Args:
        text: the description as it is.
        threshold: squared L2 distance below which two faces are one person; None leaves it.
        about: which data, counts and day the figures come from.
        curve: what distances mean.

    Raises:
        ModelError: its distances stand in one line, to which no table can be added.
    """
    kept: list[str] = []
    table = ""
    for line in text.splitlines():
        if line.startswith("["):
            table = line.strip().strip("[]")
        if table in _OWN_TABLES:
            continue
        kept.append(_replaced(line, threshold, about) if table == "distances" else line)
    lines = [
        "[distances.similarity]",
        f"midpoint = {curve.midpoint}",
        f"steepness = {curve.steepness}",
        f"same_pairs = {curve.same_pairs}",
        f"different_pairs = {curve.different_pairs}",
        "rates = [",
        *(
            f"    {{ threshold = {rate.threshold}, false_match = {rate.false_match}, "
            f"false_non_match = {rate.false_non_match} }},"
            for rate in curve.rates
        ),
        "]",
    ]
    changed = "\n".join([*"\n".join(kept).rstrip().splitlines(), "", *lines, ""])
    try:
        tomllib.loads(changed)
    except tomllib.TOMLDecodeError as error:
        raise ModelError(
            f"give the distances in model.toml a table of their own, [distances]: {error}"
        ) from error
    return changed


def _replaced(line: str, threshold: float | None, about: str) -> str:
    key = line.partition("=")[0].strip()
    if threshold is None or key not in {"threshold", "calibration"}:
        return line
    return f"threshold = {threshold}" if key == "threshold" else f'calibration = "{about}"'
