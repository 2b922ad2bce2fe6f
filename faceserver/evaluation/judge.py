"""Judges an embedder on a labelled set: everything that is measured, as one value."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from faceserver.errors import InvalidArchive
from faceserver.evaluation.data import LabelledSet, Pair
from faceserver.evaluation.embedding import Vectors
from faceserver.evaluation.histograms import PairCounts, count_all, count_different, count_pairs
from faceserver.evaluation.identification import Identification, identify
from faceserver.evaluation.verification import Folds, Verification, folds, verify


@dataclass(frozen=True, eq=False)
class Judgement:
    """What one candidate does on one set.

    Attributes:
        candidate: detector and embedder, as reports call them.
        threshold: below this squared L2 distance the model takes two faces for one person.
        labelled: the set.
        found: its photographs in which a face was found; the worst pairs are of these.
        failures: the others, and why.
        counts: its pairs by their distances.
        verification: 1:1 figures.
        identification: 1:N figures; None where only pairs are known.
        folds: accuracy by LFW's protocol; None where the set has no folds.
    """

    candidate: str
    threshold: float
    labelled: LabelledSet
    found: tuple[Path, ...]
    failures: tuple[tuple[Path, str], ...]
    counts: PairCounts
    verification: Verification
    identification: Identification | None
    folds: Folds | None

    @property
    def failure_to_detect(self) -> float:
        """Share of the photographs of single people in which no face was found."""
        return 1 - len(self.found) / len(self.labelled.photographs)


def judge(candidate: str, threshold: float, vectors: Vectors, labelled: LabelledSet) -> Judgement:
    """Measure what a candidate has made of a set's photographs; see :class:`Judgement`.

    Raises:
        InvalidArchive: there are no pairs of the same person, or none of different people.
    """
    found = tuple(path for path in labelled.photographs if path in vectors.place)
    rows = vectors.rows[[vectors.place[path] for path in found]]
    people = [
        person
        for path, person in zip(labelled.photographs, labelled.people, strict=False)
        if path in vectors.place
    ]
    pairs = _known_pairs(labelled, found)
    counts = count_pairs(rows, pairs) if labelled.pairs else count_all(rows, people)
    for path in labelled.groups:
        count_different(counts, vectors.groups.get(path, rows[:0]))
    same, different = int(counts.same.sum()), int(counts.different.sum())
    if not same or not different:
        raise InvalidArchive(
            f"{labelled.name}: there must be pairs of the same person and pairs of different "
            f"people: found {same} and {different}"
        )
    return Judgement(
        candidate=candidate,
        threshold=threshold,
        labelled=labelled,
        found=found,
        failures=tuple(
            (path, vectors.failures[path])
            for path in labelled.all_photographs
            if path in vectors.failures
        ),
        counts=counts,
        verification=verify(counts),
        identification=identify(rows, people) if people else None,
        folds=folds(rows, pairs),
    )


def _known_pairs(labelled: LabelledSet, found: Sequence[Path]) -> list[Pair]:
    """The pairs of which both faces were found, by the rows of their vectors."""
    row = {path: number for number, path in enumerate(found)}
    at = np.array([row.get(path, -1) for path in labelled.photographs])
    known = [pair._replace(a=int(at[pair.a]), b=int(at[pair.b])) for pair in labelled.pairs]
    return [pair for pair in known if pair.a >= 0 and pair.b >= 0]
