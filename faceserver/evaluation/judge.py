"""Judges models on labelled sets: everything that is measured, as one value."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from faceserver.errors import InvalidArchive
from faceserver.evaluation.data import LabelledSet
from faceserver.evaluation.embedding import Embedded, Which, embed_set
from faceserver.evaluation.histograms import PairCounts, count_all, count_different, count_pairs
from faceserver.evaluation.identification import Identification, identify
from faceserver.evaluation.verification import Folds, Verification, folds, verify
from faceserver.vision.analyzer import Analyzer


@dataclass(frozen=True)
class Candidate:
    """A model, or a way of using one, that is to be judged."""

    name: str
    analyzer: Analyzer


@dataclass(frozen=True, eq=False)
class Judgement:
    """What one candidate does on one set.

    Attributes:
        candidate: its name.
        labelled: the set.
        embedded: what was found in it.
        counts: its pairs by their distances.
        verification: 1:1 figures.
        identification: 1:N figures; None where only pairs are known.
        folds: accuracy by LFW's protocol; None where the set has no folds.
    """

    candidate: str
    labelled: LabelledSet
    embedded: Embedded
    counts: PairCounts
    verification: Verification
    identification: Identification | None
    folds: Folds | None


def judge(
    candidate: Candidate,
    labelled: LabelledSet,
    *,
    which: Which = "largest",
    advance: Callable[[int], None] = lambda _: None,
) -> Judgement:
    """Measure a candidate on a set.

    Raises:
        InvalidArchive: there are no pairs of the same person, or none of different people.
    """
    embedded = embed_set(candidate.analyzer, labelled, which=which, advance=advance)
    people = [labelled.people[place] for place in embedded.places] if labelled.people else []
    by_fold = None
    if people:
        counts = count_all(embedded.vectors, people, embedded.places)
    else:
        known = _known_pairs(labelled, embedded)
        counts = count_pairs(embedded.vectors, [pair[:3] for pair in known])
        _name_places(counts, embedded)
        by_fold = _folds(embedded, known)
    for group in embedded.groups:
        count_different(counts, group)
    same, different = int(counts.same.sum()), int(counts.different.sum())
    if not same or not different:
        raise InvalidArchive(
            f"{labelled.name}: there must be pairs of the same person and pairs of different "
            f"people: found {same} and {different}"
        )
    return Judgement(
        candidate=candidate.name,
        labelled=labelled,
        embedded=embedded,
        counts=counts,
        verification=verify(counts),
        identification=identify(embedded.vectors, people) if people else None,
        folds=by_fold,
    )


def _known_pairs(labelled: LabelledSet, embedded: Embedded) -> Sequence[tuple[int, int, bool, int]]:
    """The pairs of which both faces were found, by the rows of their vectors."""
    row = {place: number for number, place in enumerate(embedded.places)}
    known = [
        (row[pair.a], row[pair.b], pair.same, pair.fold)
        for pair in labelled.pairs
        if pair.a in row and pair.b in row
    ]
    if not known:
        raise InvalidArchive(f"{labelled.name}: no pair is left in which both faces were found")
    return known


def _name_places(counts: PairCounts, embedded: Embedded) -> None:
    for kept in (counts.false_non_matches, counts.false_matches):
        kept[:] = [
            type(pair)(embedded.places[pair.a], embedded.places[pair.b], pair.distance)
            for pair in kept
        ]


def _folds(embedded: Embedded, known: Sequence[tuple[int, int, bool, int]]) -> Folds | None:
    first, second, same, fold = (np.array(column) for column in zip(*known, strict=True))
    if len(np.unique(fold)) < 2:
        return None
    apart = np.square(embedded.vectors[first] - embedded.vectors[second]).sum(axis=1)
    return folds(apart, same.astype(bool), fold)
