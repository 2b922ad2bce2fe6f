"""From counted pairs to a threshold and a similarity, and both into ``model.toml``."""

import json
import math
import tomllib
from collections.abc import Sequence

import numpy as np

from faceserver.errors import InvalidArchive, ModelError
from faceserver.evaluation.histograms import BINS, EDGES, WIDTH, Counts, PairCounts, joined
from faceserver.evaluation.judge import Judgement
from faceserver.evaluation.verification import (
    Curve,
    false_match_at,
    false_non_match_at,
    threshold_beyond,
)
from faceserver.models.distances import Distances, Measured, Rate, SimilarityCurve

_STEPS = 100
_EXACT = 1e-9
_RIDGE = 1e-3
_OWN_TABLES = ("distances.similarity", "distances.similarity.rates", "distances.measured")


def cautious_threshold(sets: Sequence[PairCounts], target: float) -> float:
    """The threshold at which no set exceeds a false match rate, rounded down to hundredths."""
    least = min(threshold_beyond(counts.different, target) for counts in sets)
    return math.floor(round(least * 100, 6)) / 100


def fit_similarity(sets: Sequence[PairCounts], thresholds: Sequence[float]) -> SimilarityCurve:
    """Fit the curve from distance to similarity, and count what thresholds would do.

    Logistic regression by Newton's method, with Platt's targets, which keep a few pairs that are
    perfectly apart from making the curve a step. Each set weighs the same, so that none decides
    because it has more photographs, and in it both kinds of pairs.

    Raises:
        InvalidArchive: pairs of the same person are not nearer than others.
    """
    midpoint, steepness = _fit(sets)
    counts = joined(sets)
    return SimilarityCurve(
        midpoint=round(midpoint, 4),
        steepness=round(steepness, 4),
        same_pairs=int(counts.same.sum()),
        different_pairs=int(counts.different.sum()),
        rates=tuple(
            Rate(
                threshold=round(threshold, 4),
                false_match=round(false_match_at(counts, threshold), 6),
                false_non_match=round(false_non_match_at(counts, threshold), 6),
            )
            for threshold in thresholds
        ),
    )


def measured(judgement: Judgement, threshold: float) -> Measured:
    """What is kept of a judgement in ``model.toml``."""
    counts = judgement.counts
    at = {point.false_match_rate: point for point in judgement.verification.operating}
    return Measured(
        name=judgement.labelled.name,
        photographs=len(judgement.labelled.photographs),
        not_detected=round(judgement.failure_to_detect, 4),
        same_pairs=int(counts.same.sum()),
        different_pairs=int(counts.different.sum()),
        false_match=round(false_match_at(counts, threshold), 6),
        false_non_match=round(false_non_match_at(counts, threshold), 6),
        true_accept=round(at[1e-3].true_accept_rate, 4) if 1e-3 in at else None,
    )


def _fit(sets: Sequence[PairCounts]) -> tuple[float, float]:
    """Midpoint and steepness of the curve; all in float64."""
    same, many = _shares([each.same for each in sets])
    different, others = _shares([each.different for each in sets])
    x = np.concatenate([EDGES - WIDTH / 2, EDGES - WIDTH / 2])
    targets = np.repeat([(many + 1) / (many + 2), 1 / (others + 2)], BINS)
    weights = np.concatenate([same, different]) / 2
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


def _shares(sets: Sequence[Counts]) -> tuple[Curve, int]:
    """The mean of the sets' shares in each bin, and how many pairs they have in all."""
    shares = np.mean([counts / counts.sum() for counts in sets], axis=0)
    return shares, int(sum(counts.sum() for counts in sets))


def with_calibration(text: str, distances: Distances) -> str:
    """A ``model.toml`` with these distances in the place of those that it has.

    Raises:
        ModelError: its distances stand in one line, to which no table can be added.
    """
    kept: list[str] = []
    table = ""
    for line in text.splitlines():
        if line.startswith("["):
            table = line.strip().strip("[]")
        if table not in _OWN_TABLES:
            kept.append(_replaced(line, distances) if table == "distances" else line)
    while kept and not kept[-1]:
        kept.pop()
    changed = "\n".join([*kept, *_similarity_lines(distances), *_measured_lines(distances), ""])
    try:
        tomllib.loads(changed)
    except tomllib.TOMLDecodeError as error:
        raise ModelError(
            f"give the distances in model.toml a table of their own, [distances]: {error}"
        ) from error
    return changed


def _replaced(line: str, distances: Distances) -> str:
    key = line.partition("=")[0].strip()
    if key == "threshold":
        return f"threshold = {distances.threshold}"
    return f"calibration = {json.dumps(distances.calibration)}" if key == "calibration" else line


def _similarity_lines(distances: Distances) -> list[str]:
    curve = distances.similarity
    if curve is None:
        return []
    return [
        "",
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


def _measured_lines(distances: Distances) -> list[str]:
    lines = []
    for each in distances.measured:
        found = each.model_dump(exclude_none=True)
        shown = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in found.items()]
        lines += ["", "[[distances.measured]]", *shown]
    return lines
