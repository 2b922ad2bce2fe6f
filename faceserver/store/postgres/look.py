"""A look at what is near one probe: faces and people, with the rows that are answered alone."""

from collections.abc import Iterable, Sequence

import numpy as np

from faceserver.runtime.postgres import Transaction
from faceserver.runtime.postgres_transaction import Reader
from faceserver.store.index.exact import squared_distances
from faceserver.store.postgres.rows import FACE, face_from_row, faces_of
from faceserver.store.postgres.searcher import NOISE, NOTHING, Near, Searcher
from faceserver.store.postgres.tables import Tables
from faceserver.store.postgres.vectors import vectors_of
from faceserver.types import Floats, Match, SubjectMatch

_ANYWHERE = 5.0
"""Beyond every distance of unit vectors."""

_MOST_ROUNDS = 8
"""So often further people are asked for; then some may be missing."""

_SPARE_ROWS = 32
"""So many rows more than are answered are read, where noise leaves open which come first."""


class Look:
    """See :class:`faceserver.store.facebase.Look`."""

    def __init__(self, read: Reader, tables: Tables, searcher: Searcher, probe: Floats) -> None:
        """Take what reads, the collection's tables, what finds faces near the probe, and that."""
        self._read = read
        self._tables = tables
        self._searcher = searcher
        self._probe = probe

    def faces(self, *, k: int, max_distance: float) -> list[Match]:
        """The nearest faces."""
        if k < 1:
            return []
        return self._read(lambda transaction: self._faces(transaction, k, max_distance))

    def people(self, *, k: int, max_distance: float) -> list[SubjectMatch]:
        """The nearest people, and how many of their faces are under the distance."""
        if k < 1:
            return []
        return self._read(lambda transaction: self._people(transaction, k, max_distance))

    def named(self, *, k: int) -> list[Match]:
        """The nearest face of each of the nearest people with a name, however far away."""
        if k < 1:
            return []
        return self._read(lambda transaction: self._named(transaction, k))

    def _faces(self, transaction: Transaction, k: int, max_distance: float) -> list[Match]:
        self._tables.read(transaction)
        near = NOTHING
        for near in self._searcher.rounds(transaction, k):
            if _sure(near, range(len(near.ids)), k, max_distance):
                break
        count = int(np.searchsorted(near.distances, max_distance + NOISE))
        wanted = _with_ties(near.distances[:count], k)
        return self._matches(transaction, near.ids[wanted].tolist(), max_distance)[:k]

    def _people(self, transaction: Transaction, k: int, max_distance: float) -> list[SubjectMatch]:
        self._tables.read(transaction)
        near, firsts = self._nearest_people(transaction, k, max_distance, named=False)
        best = self._best(transaction, near, firsts, max_distance)[:k]
        people = dict(zip(near.ids.tolist(), near.people.tolist(), strict=True))
        owners = [people[number] for number, _ in best]
        counts = self._counts(transaction, [owner for owner in owners if owner], max_distance)
        return [
            SubjectMatch(match.face.subject, match, counts.get(owner, 1))
            for (_, match), owner in zip(best, owners, strict=True)
        ]

    def _named(self, transaction: Transaction, k: int) -> list[Match]:
        self._tables.read(transaction)
        near, firsts = self._nearest_people(transaction, k, _ANYWHERE, named=True)
        return [match for _, match in self._best(transaction, near, firsts, _ANYWHERE)[:k]]

    def _nearest_people(
        self, transaction: Transaction, k: int, max_distance: float, *, named: bool
    ) -> tuple[Near, list[int]]:
        """What is near, and the places in it of the nearest faces of k people, or of all."""
        near, firsts = NOTHING, list[int]()
        for found in self._searcher.rounds(transaction, k):
            near = self._with_others(transaction, found, k) if named else found
            firsts = near.firsts(max_distance, named=named)
            if named or _sure(near, firsts, k, max_distance):
                break
        ties = _with_ties(near.distances[firsts], k)
        return near, firsts[ties]

    def _with_others(self, transaction: Transaction, near: Near, k: int) -> Near:
        """Add faces of further people, where those of few fill the view."""
        for _ in range(_MOST_ROUNDS if near.reach != np.inf else 0):
            people = np.unique(near.people[near.people > 0])
            if len(people) >= k:
                break
            more = self._searcher.others(transaction, people.tolist(), 2 * k + _SPARE_ROWS)
            if more is None or not len(more.ids):
                break
            near = near.beside(more)
        return near

    def _best(
        self, transaction: Transaction, near: Near, firsts: Sequence[int], max_distance: float
    ) -> list[tuple[int, Match]]:
        """The faces in these places by exact distance, with their ids in the database."""
        ids = near.ids[list(firsts)].tolist() if firsts else []
        return self._placed(transaction, ids, max_distance)

    def _matches(
        self, transaction: Transaction, ids: Sequence[int], max_distance: float
    ) -> list[Match]:
        return [match for _, match in self._placed(transaction, ids, max_distance)]

    def _placed(
        self, transaction: Transaction, ids: Sequence[int], max_distance: float
    ) -> list[tuple[int, Match]]:
        """The faces of these ids that are under a distance, nearest first."""
        rows = transaction.read(
            f"SELECT {FACE} FROM {faces_of(self._tables)} WHERE f.id = ANY(%s)", list(ids)
        )
        faces = [face_from_row(row, dims=self._tables.row.dims) for row in rows]
        if not faces:
            return []
        vectors = np.stack([face.embedding for face in faces])
        distances = squared_distances(vectors, self._probe).tolist()
        placed = sorted(zip(distances, [row[1] for row in rows], range(len(rows)), strict=True))
        return [
            (rows[number][0], Match(faces[number], distance, rows[number][-1]))
            for distance, _, number in placed
            if distance < max_distance
        ]

    def _counts(
        self, transaction: Transaction, people: Iterable[int], max_distance: float
    ) -> dict[int, int]:
        """How many faces under the distance these people have."""
        wanted = list(people)
        if not wanted:
            return {}
        # By PostgreSQL where it is clear, and here where its arithmetic might tell otherwise.
        rows = transaction.read(
            f"SELECT f.subject, count(*) FILTER (WHERE d.squared < %s),"
            f" array_agg(f.id) FILTER (WHERE d.squared >= %s) FROM {self._tables.faces} f"
            f" JOIN {self._tables.vectors} v ON v.face = f.id"
            " CROSS JOIN LATERAL (SELECT (v.vector <-> %s::vector) ^ 2 AS squared) d"
            " WHERE f.subject = ANY(%s) AND d.squared < %s GROUP BY f.subject",
            max_distance - NOISE,
            max_distance - NOISE,
            self._searcher.probe,
            wanted,
            max_distance + NOISE,
        )
        open_ = [number for row in rows for number in row[2] or []]
        under = self._under(transaction, open_, max_distance)
        return {row[0]: row[1] + len(under & set(row[2] or [])) for row in rows}

    def _under(self, transaction: Transaction, ids: Sequence[int], max_distance: float) -> set[int]:
        if not ids:
            return set()
        rows = transaction.read(
            f"SELECT face, vector FROM {self._tables.vectors} WHERE face = ANY(%s)", list(ids)
        )
        stored = vectors_of([row[1] for row in rows], dims=self._tables.row.dims)
        close = squared_distances(stored, self._probe) < max_distance
        return {row[0] for row, is_under in zip(rows, close.tolist(), strict=True) if is_under}


def _sure(near: Near, chosen: Sequence[int], k: int, max_distance: float) -> bool:
    """Whether the first k of these places hold what is nearest, or all under a distance do."""
    if near.reach >= max_distance:
        return True
    return len(chosen) >= k and bool(near.distances[chosen[k - 1]] < near.reach)


def _with_ties(distances: np.ndarray[tuple[int], np.dtype[np.float64]], k: int) -> slice:
    """The first k, and some of those that hardly differ from the last of them."""
    if len(distances) <= k:
        return slice(0, len(distances))
    end = int(np.searchsorted(distances, distances[k - 1] + NOISE, side="right"))
    return slice(0, min(max(end, k), k + _SPARE_ROWS))
