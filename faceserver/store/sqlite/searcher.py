"""Searches of one collection: with filters, by face and by person, exact where it matters.

The index gives the nearest labels, more of them with each round, until enough of their faces fit.
A filter that leaves few faces is answered exactly from their vectors in SQLite; so is a search that
the index cannot answer, from all of them.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count

import numpy as np

from faceserver.store.base import EVERYTHING
from faceserver.store.index.exact import Labels, nearest, squared_distances
from faceserver.store.index.hnsw import DISTANCE_ERROR
from faceserver.store.index.upkeep import IndexKeeper
from faceserver.store.sqlite.facetable import FaceTable
from faceserver.types import Filter, Floats, Match, StoredFace, SubjectMatch

NARROW = 10_000
"""A filter that leaves so many faces is searched exactly, in about 30 ms at most."""

_MOST_FROM_GRAPH = 4096
"""Where so many of the nearest do not suffice, reading all vectors is hardly slower."""

_GROWTH = 4


@dataclass(frozen=True)
class _Question:
    probe: Floats
    max_distance: float
    only: Filter


class Searcher:
    """Finds faces and people near a probe."""

    def __init__(self, faces: FaceTable, index: IndexKeeper) -> None:
        """Take the collection's rows and its index."""
        self._faces = faces
        self._index = index

    def matches(self, probe: Floats, *, k: int, max_distance: float, only: Filter) -> list[Match]:
        """The nearest faces; see :meth:`faceserver.store.base.Collection.search`."""
        if k < 1:
            return []
        question = _Question(probe, max_distance, only)
        found: list[Match] = []
        for found in self._rounds(question, wanted=k):
            if len(found) >= k:
                break
        return found[:k]

    def people(
        self, probe: Floats, *, k: int, max_distance: float, only: Filter
    ) -> list[SubjectMatch]:
        """The nearest people; see :meth:`faceserver.store.base.Collection.search_subjects`."""
        if k < 1:
            return []
        question = _Question(probe, max_distance, only)
        groups: list[list[Match]] = []
        complete = True
        for found in self._rounds(question, wanted=_GROWTH * k):
            groups = by_subject(found)
            complete = len(groups) < k
            if not complete:
                break
        return [
            SubjectMatch(
                subject=group[0].face.subject,
                best=group[0],
                faces=len(group) if complete else self._count(question, group),
            )
            for group in groups[:k]
        ]

    def _rounds(self, question: _Question, *, wanted: int) -> Iterator[list[Match]]:
        """Yield the nearest matches, more in each round; after the last there are no more."""
        look = _Look(self._faces, self._index, question)
        limit = question.max_distance + DISTANCE_ERROR
        first = wanted if question.only == EVERYTHING else _GROWTH * wanted
        for size in (first * _GROWTH**turn for turn in count()):
            labels, distances = look.nearest(size)
            near = labels[distances < limit]
            faces = self._faces.labelled(near.tolist(), only=question.only)
            yield ranked(faces, question.probe, max_distance=question.max_distance)
            if len(near) < size:
                return

    def _count(self, question: _Question, group: Sequence[Match]) -> int:
        """How many faces of a group's person lie under the threshold; the group may lack some."""
        subject = group[0].face.subject
        if subject is None:
            return 1
        labels = self._faces.labels(only=replace(question.only, subject=subject))
        return sum(
            int((squared_distances(vectors, question.probe) < question.max_distance).sum())
            for _, vectors in self._faces.vectors_of(labels)
        )


class _Look:
    """The nearest labels to one probe, as many as are asked for, from where they can be had."""

    def __init__(self, faces: FaceTable, index: IndexKeeper, question: _Question) -> None:
        self._faces = faces
        self._index = index
        self._question = question
        self._scanned: tuple[Labels, Floats] | None = None
        if question.only == EVERYTHING:
            return
        labels = faces.labels(only=question.only, limit=NARROW + 1)
        if len(labels) <= NARROW:
            self._scanned = self._scan(faces.vectors_of(labels))

    def nearest(self, size: int) -> tuple[Labels, Floats]:
        """Labels and squared distances of the nearest, of the filter's faces and maybe others."""
        if self._scanned is None and size <= _MOST_FROM_GRAPH:
            found = self._index.nearest(self._question.probe, k=size)
            if found is not None:
                return found
        if self._scanned is None:
            self._scanned = self._scan(self._faces.all_vectors())
        labels, distances = self._scanned
        return labels[:size], distances[:size]

    def _scan(self, stored: Iterable[tuple[Labels, Floats]]) -> tuple[Labels, Floats]:
        probe = self._question.probe
        measured = [(labels, squared_distances(vectors, probe)) for labels, vectors in stored]
        if not measured:
            return np.empty(0, np.int64), np.empty(0, np.float32)
        labels, distances = (np.concatenate(parts) for parts in zip(*measured, strict=True))
        near = distances < self._question.max_distance
        return nearest(labels[near], distances[near], k=int(near.sum()))


def ranked(faces: dict[int, StoredFace], probe: Floats, *, max_distance: float) -> list[Match]:
    """The faces by their exact distance; equal ones in the order they came."""
    if not faces:
        return []
    vectors = np.stack([face.embedding for face in faces.values()])
    labels, distances = nearest(
        np.array(list(faces), np.int64), squared_distances(vectors, probe), k=len(faces)
    )
    return [
        Match(faces[label], distance)
        for label, distance in zip(labels.tolist(), distances.tolist(), strict=True)
        if distance < max_distance
    ]


def by_subject(matches: Iterable[Match]) -> list[list[Match]]:
    """The matches of each person together, in the order of their first; nobody's each alone."""
    groups: dict[str, list[Match]] = {}
    for match in matches:
        groups.setdefault(match.face.subject or f"face {match.face.id}", []).append(match)
    return list(groups.values())
