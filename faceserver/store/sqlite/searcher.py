"""Which labels are near one probe: of the index, or of vectors in SQLite, as exactly as needed.

The index gives the nearest labels, and its owners say whom they show, without a row being read; so
they do for a filter that asks for no more than that. Another filter that leaves few faces is
answered exactly from their vectors in SQLite; so is a search that the index cannot answer, from all
of them.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from faceserver.store.base import EVERYTHING
from faceserver.store.index.exact import Found, Labels, nearest, squared_distances
from faceserver.store.index.owners import NOBODY, Among, first_of_each
from faceserver.store.index.upkeep import IndexKeeper
from faceserver.store.sqlite.facetable import FaceTable
from faceserver.store.sqlite.whosefilter import WhoseFilter, whose_filter
from faceserver.types import Filter, Floats

NARROW = 10_000
"""A filter that leaves so many faces is searched exactly, in about 30 ms at most."""

BEYOND = 4.1
"""Squared L2 distances of unit vectors are at most 4, and a little more for their tolerance."""

_MOST_FROM_GRAPH = 4096
"""Where so many of the nearest do not suffice, reading all vectors is hardly slower."""

LEAST = 128
"""So many faces the graph is asked for at least, where several things are asked about one probe: it
then misses fewer, and the answer to one question holds that to the next."""

_GROWTH = 4

_FEW = 100
"""So many vectors are rather read than looked for in the graph."""

_AMONG_OTHERS = 64
"""So many faces of others are looked for at once, where those of a few people fill the view."""

_PATIENCE = 100_000
"""So many vectors the graph may touch for that: about a tenth of a second."""


@dataclass(frozen=True, eq=False)
class Crowd:
    """What is near, with enough people in it.

    Attributes:
        near: labels and distances.
        is_full: whether no face that is nearer than asked for is missing.
    """

    near: Found
    is_full: bool


class Searcher:
    """The labels near one probe. It keeps what one question has found for the next."""

    def __init__(
        self,
        faces: FaceTable,
        index: IndexKeeper,
        probe: Floats,
        *,
        only: Filter,
        apart_from: str | None = None,
        least: int = 1,
    ) -> None:
        """Take the collection's rows and index, and the question.

        Args:
            faces: the rows.
            index: the index.
            probe: float32, shape (dims,), unit length.
            only: which faces.
            apart_from: id of a face that is passed over.
            least: so many faces the graph is asked for at least.
        """
        self._least = least
        self._faces = faces
        self._index = index
        self._probe = probe
        self._only = only
        self._whose: WhoseFilter | None = None
        self._apart_from = apart_from
        self._passed_over: Labels | None = None
        self._whole: Found | None = None
        self._view: tuple[int, Found] | None = None

    def rounds(self, first: int) -> Iterator[Found]:
        """Yield the nearest, more in each round; in the last there is all that fits."""
        is_all = False
        for found in self._rounds_of_graph(first):
            yield found
            is_all = found.is_all
        if not is_all:
            yield self._all()

    def crowd(self, k: int, max_distance: float, *, named: bool) -> Crowd:
        """What is near, until faces of ``k`` people are in it, or there are no more.

        Args:
            k: so many people; a face of nobody counts as one.
            max_distance: only what is nearer counts.
            named: faces of nobody do not count, and people so far away that finding them would take
                long may be missing.
        """
        counts = not named and max_distance <= BEYOND
        found = None
        for found in self._rounds_of_graph(_GROWTH * k):
            near = self._counted(found.under(max_distance), named=named)
            if found.reaches(max_distance):
                return Crowd(near, is_full=True)
            if not counts and self._holds(near, k):
                return Crowd(near, is_full=False)
        if found is not None:
            near = self._counted(found.under(max_distance), named=named)
            if self._others_fit():
                near, is_sure = self._with_others(near, k, max_distance, named=named)
            else:
                is_sure = self._holds(near, k)
            if is_sure or named:
                return Crowd(near, is_full=False)
        return Crowd(self._counted(self._all().under(max_distance), named=named), is_full=True)

    def people_of(self, labels: Labels) -> Labels:
        """The row ids of whom faces show: int64, shape (n,), 0 for nobody."""
        return self._index.owners.of(labels)

    def keys(self, labels: Labels) -> Labels:
        """A number for each face, the same for all of a person: int64, shape (n,)."""
        people = self.people_of(labels)
        return np.where(people == NOBODY, -labels, people)

    def of_person(self, person: int) -> Labels:
        """The labels of a person's faces that fit, rising."""
        labels = self._fitting(self._index.owners.labels_of(person))
        return np.setdiff1d(labels, self._prepared(), assume_unique=True)

    def exactly(self, labels: Labels) -> Found:
        """These faces with their exact distances, nearest first."""
        if not len(labels):
            return Found(labels, np.empty(0, np.float32))
        return self._scan(self._faces.vectors_of(labels))

    def pass_over(self, labels: Labels) -> None:
        """Look at these no more: they have been deleted."""
        self._passed_over = np.union1d(self._prepared(), labels)
        if self._view is not None:
            size, found = self._view
            self._view = size, found.without(labels)
        if self._whole is not None:
            self._whole = self._whole.without(labels)

    def _rounds_of_graph(self, first: int) -> Iterator[Found]:
        """Yield the nearest of the index, or of a narrow filter all; maybe none at all."""
        self._prepared()
        if self._whole is not None:
            yield self._whole
            return
        size = max(first, self._least)
        if self._only != EVERYTHING:
            size *= _GROWTH
        while size <= _MOST_FROM_GRAPH:
            found = self._from_graph(size)
            if found is None:
                return
            yield found
            if found.is_all or size == _MOST_FROM_GRAPH:
                return
            size = min(size * _GROWTH, _MOST_FROM_GRAPH)

    def _from_graph(self, size: int) -> Found | None:
        if self._view is not None and (self._view[1].is_all or self._view[0] >= size):
            return self._view[1]
        found = self._index.nearest(self._probe, k=size)
        if found is None:
            return None
        if self._only != EVERYTHING:
            found = found.where(np.isin(found.labels, self._fitting(found.labels)))
        found = found.without(self._prepared())
        self._view = size, found
        return found

    def _prepared(self) -> Labels:
        """Read once what the question needs; return what is passed over."""
        if self._passed_over is not None:
            return self._passed_over
        apart = [self._apart_from] if self._apart_from else []
        passed = self._faces.labels_of(apart) if apart else np.empty(0, np.int64)
        self._passed_over = passed
        if self._only != EVERYTHING:
            self._whose = whose_filter(self._only, self._faces.owners)
            labels = self._all_fitting(NARROW + 1)
            if len(labels) <= (NARROW if self._whose is None else _FEW):
                self._whole = self.exactly(np.setdiff1d(labels, passed, assume_unique=True))
        return passed

    def _all_fitting(self, limit: int = -1) -> Labels:
        """The labels of all faces that fit the filter, rising; so many at least, if more do."""
        if self._whose is None:
            return self._faces.labels(only=self._only, limit=limit)
        return self._index.owners.fitting(self._whose.fits)

    def _fitting(self, labels: Labels) -> Labels:
        """Those that fit the filter, rising."""
        if self._only == EVERYTHING:
            return labels
        if self._whose is None:
            return self._faces.fitting(labels, only=self._only)
        return np.sort(labels[self._whose.fits(self.people_of(labels))])

    def _others_fit(self) -> bool:
        """Whether further people can be looked for in memory."""
        whose = self._whose
        return self._only == EVERYTHING or (whose is not None and whose.named is not False)

    def _all(self) -> Found:
        """Every face that fits, by exact distance."""
        if self._whole is None:
            passed = self._prepared()
            fitting = None if self._only == EVERYTHING else self._all_fitting()
            if fitting is not None and len(fitting) <= NARROW:
                whole = self.exactly(fitting)
            else:
                whole = self._scan(self._faces.whole())
            if fitting is not None:
                whole = whole.where(np.isin(whole.labels, fitting))
            self._whole = whole.without(passed)
        return self._whole

    def _scan(self, stored: Iterable[tuple[Labels, Floats]]) -> Found:
        measured = [(labels, squared_distances(part, self._probe)) for labels, part in stored]
        if not measured:
            return Found(np.empty(0, np.int64), np.empty(0, np.float32))
        labels, distances = (np.concatenate(parts) for parts in zip(*measured, strict=True))
        return Found(*nearest(labels, distances, k=len(labels)))

    def _counted(self, found: Found, *, named: bool) -> Found:
        return found.where(self.people_of(found.labels) != NOBODY) if named else found

    def _holds(self, near: Found, k: int) -> bool:
        return len(first_of_each(self.keys(near.labels))) >= k

    def _with_others(
        self, near: Found, k: int, max_distance: float, *, named: bool
    ) -> tuple[Found, bool]:
        """Add faces of further people, who are behind so many of the nearest people's.

        Returns:
            What is near, and whether nobody is missing.
        """
        while not self._holds(near, k):
            left = self._index.owners.others(self.people_of(near.labels), named=named)
            left = self._fitting(left)
            left = np.setdiff1d(left, np.union1d(near.labels, self._prepared()))
            more = self._nearest_of(left)
            if more is None:
                return near, False
            near = near.beside(more.under(max_distance))
            if more.reaches(max_distance):
                break
        return near, True

    def _nearest_of(self, labels: Labels) -> Found | None:
        """The nearest of these; None if finding them would take long."""
        if len(labels) > _FEW:
            among = Among(labels, patience=_PATIENCE)
            found = self._index.nearest(self._probe, k=_AMONG_OTHERS, among=among)
            if found is not None:
                return found
        return self.exactly(labels) if len(labels) <= NARROW else None
