"""What a model's distances mean, measured on labelled pairs of photographs."""

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np

from faceserver import images
from faceserver.analyzer import Analyzer
from faceserver.errors import ImageError, InvalidArchive, NoFace
from faceserver.models import Rate, SimilarityCurve
from faceserver.types import Floats

_SUFFIXES = {".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}
_LABELS = {"same": True, "different": False, "1": True, "0": False}
_MAX_PIXELS = 178_956_970  # Pillow's own ceiling: these are the user's own files
_STEPS = 100
_EXACT = 1e-9
_RIDGE = 1e-3


@dataclass(frozen=True)
class Pair:
    """Two photographs, and whether their largest faces are of one person."""

    a: Path
    b: Path
    same: bool


@dataclass(frozen=True, eq=False)
class Measured:
    """Squared L2 distances of pairs.

    Attributes:
        same: of the same person, float32, shape (n,).
        different: of different people, float32, shape (m,).
        skipped: photographs without a face, or that cannot be read, and why.
    """

    same: Floats
    different: Floats
    skipped: tuple[tuple[Path, str], ...] = ()


def read_pairs(path: Path) -> list[Pair]:
    """The pairs of a list, or all pairs of a folder with a subfolder for each person.

    Args:
        path: a CSV of two paths, relative to it, and ``same`` or ``different``; or the folder.

    Raises:
        InvalidArchive: it is neither, or lacks one of the two kinds of pairs.
    """
    pairs = _of_folder(path) if path.is_dir() else list(_of_csv(path))
    if {pair.same for pair in pairs} != {True, False}:
        raise InvalidArchive(
            f"{path} must have pairs of the same person and pairs of different people"
        )
    return pairs


def measure(
    analyzer: Analyzer, pairs: Sequence[Pair], *, advance: Callable[[int], None] = lambda _: None
) -> Measured:
    """Embed the largest face of each photograph once, and compute the pairs' distances.

    Args:
        analyzer: finds and embeds.
        pairs: what to measure.
        advance: told of each photograph that is done.

    Raises:
        InvalidArchive: too many photographs had to be skipped: a kind of pairs is gone.
    """
    vectors: dict[Path, Floats] = {}
    skipped: list[tuple[Path, str]] = []
    for path in dict.fromkeys(path for pair in pairs for path in (pair.a, pair.b)):
        try:
            vectors[path] = _largest(analyzer, path)
        except (ImageError, NoFace, OSError) as error:
            skipped.append((path, str(error)))
        advance(1)
    distances: dict[bool, list[float]] = {True: [], False: []}
    for pair in pairs:
        if pair.a in vectors and pair.b in vectors:
            difference = vectors[pair.a] - vectors[pair.b]
            distances[pair.same].append(float(difference @ difference))
    if not distances[True] or not distances[False]:
        raise InvalidArchive("too few of the photographs show a face: one kind of pairs is gone")
    same, different = (np.array(distances[kind], np.float32) for kind in (True, False))
    return Measured(same, different, tuple(skipped))


def calibrate(measured: Measured, thresholds: Iterable[float]) -> SimilarityCurve:
    """Fit the curve from distance to similarity, and count what thresholds would do.

    Logistic regression by Newton's method, with Platt's targets, which keep a few pairs that are
    perfectly apart from making the curve a step. Both kinds of pairs weigh the same.
    """
    midpoint, steepness = _fit(
        measured.same.astype(np.float64), measured.different.astype(np.float64)
    )
    return SimilarityCurve(
        midpoint=round(midpoint, 4),
        steepness=round(steepness, 4),
        same_pairs=len(measured.same),
        different_pairs=len(measured.different),
        rates=tuple(
            Rate(
                threshold=round(threshold, 4),
                false_match=round(float(np.mean(measured.different < threshold)), 6),
                false_non_match=round(float(np.mean(measured.same >= threshold)), 6),
            )
            for threshold in thresholds
        ),
    )


def roc_area(measured: Measured) -> float:
    """The area under the ROC curve: how often a pair of the same person is the nearer one."""
    ordered = np.sort(measured.different)
    below = np.searchsorted(ordered, measured.same, side="left")
    equal = np.searchsorted(ordered, measured.same, side="right") - below
    return float(1 - np.mean(below + equal / 2) / len(ordered))


def _fit(same: np.ndarray, different: np.ndarray) -> tuple[float, float]:
    """Midpoint and steepness of the curve; all in float64."""
    x = np.concatenate([same, different])
    targets = np.concatenate(
        [
            np.full(len(same), (len(same) + 1) / (len(same) + 2)),
            np.full(len(different), 1 / (len(different) + 2)),
        ]
    )
    weights = np.concatenate(
        [np.full(len(same), 0.5 / len(same)), np.full(len(different), 0.5 / len(different))]
    )
    design = np.stack([x - x.mean(), np.ones_like(x)], axis=1)
    solution = np.zeros(2)
    for _ in range(_STEPS):
        probability = 1 / (1 + np.exp(-np.clip(design @ solution, -500, 500)))
        gradient = design.T @ (weights * (probability - targets)) + _RIDGE * np.array(
            [solution[0], 0]
        ) / len(x)
        spread = weights * probability * (1 - probability)
        hessian = (design * spread[:, None]).T @ design + _RIDGE * np.diag([1, 0]) / len(x)
        step = np.linalg.solve(hessian + 1e-12 * np.eye(2), gradient)
        solution -= step
        if float(np.abs(step).max()) < _EXACT:
            break
    slope, offset = float(solution[0]), float(solution[1])
    if slope >= 0:
        raise InvalidArchive("pairs of the same person are not nearer than others: wrong labels?")
    return float(x.mean()) - offset / slope, -slope


def _largest(analyzer: Analyzer, path: Path) -> Floats:
    data = path.read_bytes()
    image = images.decode(data, max_bytes=max(len(data), 1), max_pixels=_MAX_PIXELS)
    faces = analyzer.find(image)
    if not faces:
        raise NoFace("no face was found")
    vectors = analyzer.embed(faces[:1])
    return np.asarray(vectors[0], np.float32)


def _of_folder(folder: Path) -> list[Pair]:
    photographs = [
        path
        for person in sorted(folder.iterdir())
        if person.is_dir()
        for path in sorted(person.iterdir())
        if path.suffix.lower() in _SUFFIXES
    ]
    return [Pair(a, b, a.parent == b.parent) for a, b in combinations(photographs, 2)]


def _of_csv(path: Path) -> Iterator[Pair]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        try:
            rows = list(csv.reader(file, strict=True))
        except (csv.Error, UnicodeDecodeError) as error:
            raise InvalidArchive(f"{path} cannot be read as a list: {error}") from error
    for number, row in enumerate(rows, start=1):
        if not row:
            continue
        if len(row) != 3 or row[2].strip().lower() not in _LABELS:
            raise InvalidArchive(
                f"{path}, line {number}: two paths and 'same' or 'different' are expected"
            )
        a, b, label = (part.strip() for part in row)
        yield Pair(path.parent / a, path.parent / b, _LABELS[label.lower()])
