"""A look at what is near one probe: faces and people, with the rows that are answered alone."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

import numpy as np

from faceserver.store.index.exact import Found, Labels, squared_distances
from faceserver.store.index.owners import NOBODY, first_of_each
from faceserver.store.sqlite.facetable import FaceTable, Shown
from faceserver.store.sqlite.searcher import BEYOND, Crowd, Searcher
from faceserver.types import Floats, Match, SubjectMatch

_ANYWHERE = 5.0
"""Beyond every distance."""

_SPARE_ROWS = 32
"""So many rows more than are answered are read, where noise leaves open which come first."""

_Placed = tuple[int, Match]
"""A face with its label."""


class Look:
    """See :class:`faceserver.store.facebase.Look`. What one question has read serves the next."""

    def __init__(
        self,
        faces: FaceTable,
        searcher: Searcher,
        probe: Floats,
        *,
        reading: Callable[[], AbstractContextManager[None]],
    ) -> None:
        """Take the collection's rows, the labels near the probe, and what is held while reading."""
        self._faces = faces
        self._searcher = searcher
        self._probe = probe
        self._reading = reading
        self._read: dict[int, Shown] = {}

    def faces(self, *, k: int, max_distance: float) -> list[Match]:
        """The nearest faces."""
        matches: list[_Placed] = []
        if k < 1:
            return []
        with self._reading():
            for found in self._searcher.rounds(k):
                near = found.under(max_distance)
                matches = self._nearest(near, k, max_distance)
                if len(matches) >= k or found.reaches(max_distance):
                    break
        return [match for _, match in matches[:k]]

    def people(self, *, k: int, max_distance: float) -> list[SubjectMatch]:
        """The nearest people, and how many of their faces are under the distance."""
        if k < 1:
            return []
        with self._reading():
            crowd, best = self._nearest_people(k, max_distance, named=False)
            counts = self._counts(crowd, [label for label, _ in best], max_distance)
        return [
            SubjectMatch(match.face.subject, match, faces)
            for (_, match), faces in zip(best, counts, strict=True)
        ]

    def named(self, *, k: int) -> list[Match]:
        """The nearest face of each of the nearest people with a name, however far away."""
        if k < 1:
            return []
        with self._reading():
            _, best = self._nearest_people(k, _ANYWHERE, named=True)
        return [match for _, match in best if match.face.subject]

    def _nearest(self, near: Found, k: int, max_distance: float) -> list[_Placed]:
        """The nearest of these by exact distance, as far as they are under it and still there."""
        matches: list[_Placed] = []
        start = 0
        while len(matches) < k and start < len(near.labels):
            end = min(start + k - len(matches), len(near.labels))
            if near.error:
                limit = near.distances[end - 1] + 2 * near.error
                end += int((near.distances[end : end + _SPARE_ROWS] <= limit).sum())
            rows = self._rows(near.labels[start:end])
            matches = sorted([*matches, *self._matches(rows, max_distance)], key=_by_distance)
            start = end
        return matches

    def _nearest_people(
        self, k: int, max_distance: float, *, named: bool
    ) -> tuple[Crowd, list[_Placed]]:
        while True:
            crowd = self._searcher.crowd(k, max_distance, named=named)
            chosen, gaps = self._candidates(crowd.near, k)
            rows = self._first_rows(chosen, gaps, exact=not crowd.near.error)
            best: dict[str, _Placed] = {}
            for label, match in sorted(self._matches(rows, max_distance), key=_by_distance):
                best.setdefault(match.face.subject or f"face {match.face.id}", (label, match))
            there = self._searcher.keys(np.array(list(rows), np.int64))
            gone = chosen[~np.isin(self._searcher.keys(chosen), there)]
            if len(best) >= k or not len(gone):
                return crowd, list(best.values())[:k]
            self._searcher.pass_over(gone)  # deleted, or given to another person, just now

    def _candidates(self, near: Found, k: int) -> tuple[Labels, Floats]:
        """The faces that may be the nearest of the nearest people, and how far behind each is.

        Distances that are not exact leave open who comes first of those that hardly differ.
        """
        keys = self._searcher.keys(near.labels)
        firsts = first_of_each(keys)
        people = firsts[:k]
        window = 2 * near.error
        if near.error and len(people):
            following = firsts[k : k + _SPARE_ROWS]
            close = near.distances[following] <= near.distances[people[-1]] + window
            people = np.concatenate((people, following[close]))
        else:
            return near.labels[people], np.zeros(len(people), np.float32)
        order = np.argsort(keys[people])
        known = keys[people][order]
        places = np.minimum(np.searchsorted(known, keys), len(known) - 1)
        gaps = near.distances - near.distances[people][order][places]
        wanted = (known[places] == keys) & (gaps <= window)
        return near.labels[wanted], gaps[wanted]

    def _first_rows(self, labels: Labels, gaps: Floats, *, exact: bool) -> dict[int, Shown]:
        """The rows of these faces, of equal ones of a person the first alone."""
        if exact or all(label in self._read for label in labels.tolist()):
            return self._rows(labels)
        limit = int((gaps == 0).sum()) + _SPARE_ROWS
        return self._faces.without_twins(labels, gaps, limit=limit)

    def _rows(self, labels: Labels) -> dict[int, Shown]:
        new = [label for label in labels.tolist() if label not in self._read]
        if new:
            self._read |= self._faces.with_names(np.array(new, np.int64))
        return {label: self._read[label] for label in labels.tolist() if label in self._read}

    def _matches(self, rows: dict[int, Shown], max_distance: float) -> list[_Placed]:
        if not rows:
            return []
        vectors = np.stack([face.embedding for face, _ in rows.values()])
        distances = squared_distances(vectors, self._probe).tolist()
        return [
            (label, Match(face, distance, name))
            for (label, (face, name)), distance in zip(rows.items(), distances, strict=True)
            if distance < max_distance
        ]

    def _counts(self, crowd: Crowd, best: Sequence[int], max_distance: float) -> list[int]:
        """How many faces under the distance the people have whose nearest faces these are."""
        people = self._searcher.people_of(np.array(best, np.int64))
        if crowd.is_full:
            near = self._exact_at(crowd.near, max_distance)
        elif max_distance > BEYOND:
            return [
                1 if person == NOBODY else len(self._searcher.of_person(person))
                for person in people.tolist()
            ]
        else:
            parts = [self._searcher.of_person(person) for person in people[people != NOBODY]]
            near = self._searcher.exactly(np.concatenate([np.empty(0, np.int64), *parts]))
            near = near.where(near.distances < max_distance)
        owners = self._searcher.people_of(near.labels)
        return [
            1 if person == NOBODY else int((owners == person).sum()) for person in people.tolist()
        ]

    def _exact_at(self, near: Found, max_distance: float) -> Found:
        """Those that are under the distance, with certainty."""
        sure = near.distances < max_distance - near.error
        if not near.error:
            return near.where(sure)
        open_ = self._searcher.exactly(near.labels[~sure])
        return near.where(sure).beside(open_.where(open_.distances < max_distance))


def _by_distance(placed: _Placed) -> tuple[float, int]:
    label, match = placed
    return match.distance, label
