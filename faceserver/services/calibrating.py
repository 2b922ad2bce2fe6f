"""What a model's distances mean, measured on labelled pairs of photographs."""

import csv
import tomllib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np

from faceserver.errors import ImageError, InvalidArchive, ModelError, NoFace
from faceserver.models.spec import Rate, SimilarityCurve
from faceserver.types import Floats
from faceserver.vision.analyzer import Analyzer

_SUFFIXES = {".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}
_LABELS = {"same": True, "different": False, "1": True, "0": False}
_MAX_PIXELS = 178_956_970  # Pillow's own ceiling: these are the user's own files
_STEPS = 100
_EXACT = 1e-9
_RIDGE = 1e-3
_OWN_TABLES = {"distances.similarity", "distances.similarity.rates"}


@dataclass(frozen=True)
class Pair:
    """Two photographs, and whether their largest faces are of one person."""

    a: Path
    b: Path
    same: bool


@dataclass(frozen=True)
class Labelled:
    """What is known of photographs.

    Attributes:
        pairs: of photographs, by their largest faces.
        groups: photographs in which all faces are of different people.
    """

    pairs: tuple[Pair, ...]
    groups: tuple[Path, ...] = ()

    def photographs(self) -> list[Path]:
        """Each photograph once."""
        of_pairs = (path for pair in self.pairs for path in (pair.a, pair.b))
        return list(dict.fromkeys((*of_pairs, *self.groups)))


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


def read_labels(path: Path) -> Labelled:
    """The pairs of a list, or all pairs of a folder.

    Args:
        path: a CSV of two paths, relative to it, and ``same`` or ``different``; or a folder with a
            subfolder for each person. Photographs directly in the folder show groups.

    Raises:
        InvalidArchive: it is neither, or a line of it is at fault.
    """
    return _of_folder(path) if path.is_dir() else Labelled(tuple(_of_csv(path)))


def measure(
    analyzer: Analyzer, labelled: Labelled, *, advance: Callable[[int], None] = lambda _: None
) -> Measured:
    """Embed each photograph's faces once, and compute the distances of all pairs.

    Args:
        analyzer: finds and embeds.
        labelled: the photographs and what is known of them.
        advance: told of each photograph that is done.

    Raises:
        InvalidArchive: there are no pairs of the same person, or none of different people.
    """
    vectors: dict[Path, Floats] = {}
    skipped: list[tuple[Path, str]] = []
    for path in labelled.photographs():
        try:
            vectors[path] = _embedded(analyzer, path)
        except (ImageError, NoFace, OSError) as error:
            skipped.append((path, str(error)))
        advance(1)
    known = [pair for pair in labelled.pairs if pair.a in vectors and pair.b in vectors]
    measured = [(pair.same, _distance(vectors[pair.a][0], vectors[pair.b][0])) for pair in known]
    for path in labelled.groups:
        faces = combinations(vectors.get(path, ()), 2)
        measured += [(False, _distance(one, other)) for one, other in faces]
    same, different = (
        np.array([value for label, value in measured if label is kind], np.float32)
        for kind in (True, False)
    )
    if not len(same) or not len(different):
        raise InvalidArchive(
            "there must be pairs of the same person and pairs of different people: found "
            f"{len(same)} and {len(different)}"
        )
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


def with_similarity(text: str, curve: SimilarityCurve) -> str:
    """A ``model.toml`` with this curve in the place of the one that it has.

    Raises:
        ModelError: its distances stand in one line, to which no table can be added.
    """
    kept: list[str] = []
    is_old = False
    for line in text.splitlines():
        if line.startswith("["):
            is_old = line.strip().strip("[]") in _OWN_TABLES
        if not is_old:
            kept.append(line)
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


def _embedded(analyzer: Analyzer, path: Path) -> Floats:
    data = path.read_bytes()
    _, faces = analyzer.read(data, max_bytes=max(len(data), 1), max_pixels=_MAX_PIXELS)
    if not faces:
        raise faces.none()
    return analyzer.embed(faces)


def _distance(one: Floats, other: Floats) -> float:
    return float(np.square(one - other).sum())


def _of_folder(folder: Path) -> Labelled:
    people = [path for path in sorted(folder.iterdir()) if path.is_dir()]
    photographs = [path for person in people for path in _pictures_in(person)]
    pairs = (Pair(a, b, a.parent == b.parent) for a, b in combinations(photographs, 2))
    return Labelled(tuple(pairs), tuple(_pictures_in(folder)))


def _pictures_in(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.iterdir()) if path.suffix.lower() in _SUFFIXES]


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
