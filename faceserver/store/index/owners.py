"""Whom each face shows, in memory: so a search by person reads no rows that it does not answer."""

from collections.abc import Callable
from typing import Self

import numpy as np
from numpy.typing import NDArray

from faceserver.store.index.exact import Labels
from faceserver.store.sqlite.facetable import FaceTable

NOBODY = 0
"""In the place of a person's row id."""


class Owners:
    """The people of labels: 16 bytes a face. Changes are made one at a time, questions any time."""

    def __init__(self) -> None:
        """Start empty."""
        self._held = (np.empty(0, np.int64), np.empty(0, np.int64), 0)

    @classmethod
    def load(cls, faces: FaceTable) -> Self:
        """Read whom all faces show: of SQLite's indexes alone, and not of the rows themselves."""
        owners = cls()
        labels = faces.labels()
        owners.add(labels, np.full(len(labels), NOBODY, np.int64))
        for named, people in faces.owners.named():
            owners.give(named, people)
        return owners

    def follow(self, faces: FaceTable) -> None:
        """Take in what SQLite has beyond the last label."""
        labels, _ = self._now()
        for more, people in faces.owners.after(int(labels[-1]) if len(labels) else 0):
            self.add(more, people)

    def add(self, labels: Labels, people: Labels) -> None:
        """Add labels higher than all before, and the row ids of the people whom they show.

        Args:
            labels: int64, shape (n,), rising.
            people: int64, shape (n,); :data:`NOBODY` where nobody said.
        """
        *held, before = self._held
        size = before + len(labels)
        if size > len(held[0]):  # room for as many again, so that most additions copy nothing
            room = np.zeros(max(size, 2 * before) - before, np.int64)
            held = [np.concatenate((part[:before], room)) for part in held]
        for part, new in zip(held, (labels, people), strict=True):
            part[before:size] = new
        self._held = (held[0], held[1], size)

    def remove(self, labels: Labels) -> None:
        """Forget labels; what is not there is passed over."""
        held, people = self._now()
        kept = ~np.isin(held, labels)
        self._held = (held[kept], people[kept], int(kept.sum()))

    def give(self, labels: Labels, people: Labels | int) -> None:
        """Say whom faces show; labels that are not there are passed over.

        Args:
            labels: int64, shape (n,).
            people: row ids, int64, shape (n,), or the one of them all.
        """
        held, shown = self._now()
        if not len(held):
            return
        places = np.minimum(np.searchsorted(held, labels), len(held) - 1)
        there = held[places] == labels
        shown[places[there]] = np.broadcast_to(people, labels.shape)[there]

    def of(self, labels: Labels) -> Labels:
        """The people of labels: int64, shape (n,), :data:`NOBODY` for nobody."""
        held, people = self._now()
        if not len(held):
            return np.zeros(len(labels), np.int64)
        places = np.minimum(np.searchsorted(held, labels), len(held) - 1)
        return np.where(held[places] == labels, people[places], NOBODY)

    def labels_of(self, person: int) -> Labels:
        """The labels of a person's faces, rising."""
        held, people = self._now()
        labels: Labels = held[people == person]
        return labels

    def fitting(self, fits: Callable[[Labels], NDArray[np.bool_]]) -> Labels:
        """The labels of the faces whose people fit, rising; it gets shape (n,), and gives it."""
        held, people = self._now()
        labels: Labels = held[fits(people)]
        return labels

    def others(self, seen: Labels, *, named: bool) -> Labels:
        """The labels of everybody but these people, and of nobody's faces unless ``named``."""
        held, people = self._now()
        fitting = ~np.isin(people, seen[seen != NOBODY])
        if named:
            fitting &= people != NOBODY
        labels: Labels = held[fitting]
        return labels

    def _now(self) -> tuple[Labels, Labels]:
        labels, people, size = self._held
        return labels[:size], people[:size]


class Among:
    """Labels to choose from while a graph is searched, for :meth:`HnswIndex.nearest`.

    The graph asks once for each vector that it touches. After ``patience`` questions every answer
    is yes, which ends the search.

    Attributes:
        is_tired: whether that has happened.
    """

    def __init__(self, labels: Labels, *, patience: int) -> None:
        """Take the labels: int64, shape (n,), rising, at least one."""
        self._first = int(labels[0])
        marks = np.zeros(int(labels[-1]) - self._first + 1, np.bool_)
        marks[labels - self._first] = True
        self._marks = marks.tobytes()
        self._left = patience
        self._labels = labels
        self.is_tired = False

    def __len__(self) -> int:
        return len(self._labels)

    def holds(self, labels: Labels) -> NDArray[np.bool_]:
        """Which of many labels may be chosen: shape (n,)."""
        return np.isin(labels, self._labels)

    def __call__(self, label: int) -> bool:
        """Whether a label may be chosen."""
        self._left -= 1
        if self._left < 0:
            self.is_tired = True
            return True
        place = label - self._first
        return 0 <= place < len(self._marks) and self._marks[place] == 1


def first_of_each(keys: NDArray[np.int64]) -> NDArray[np.int64]:
    """The places where each key comes first, rising."""
    _, places = np.unique(keys, return_index=True)
    return np.sort(places)
