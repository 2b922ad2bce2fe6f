"""Which faces are near one probe: by the index, or by every distance.

Few faces, be it all of a collection or those that a filter leaves, are compared one by one.
Among more the index is asked, which may miss some; what it finds is measured again with the exact
vectors. Where a question needs more than the index gives, all are compared after all.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from faceserver.runtime.postgres import Transaction
from faceserver.store.base import EVERYTHING
from faceserver.store.postgres.facefilter import checks_of, conditions_of
from faceserver.store.postgres.tables import DEFAULT_EF, Tables, index_state
from faceserver.store.postgres.vectors import text_of
from faceserver.types import Filter, Floats

NARROW = 10_000
"""A filter that leaves so many faces is searched exactly, in about 30 ms at most."""

ERROR = 0.01
"""So far off may be the squared distances by which the index sorts: of half precision."""

NOISE = 1e-5
"""So far off may be those that PostgreSQL computes."""

_EF_FOR_MANY = 200
"""So many candidates are looked at in one go where as many faces are wanted."""

_MOST_FROM_INDEX = 4096
"""Where so many of the nearest do not suffice, comparing all is hardly slower."""

_GROWTH = 4

_SPARE = 32
"""So many more than are wanted are measured, for the index sorts by half precision."""

_LEAST = 40

_MOST_COMPARED = 20_000
"""So many of all that were compared are looked at first."""

_ALL = 2**62

_SETTINGS = """
    SET LOCAL hnsw.iterative_scan = strict_order; SET LOCAL hnsw.max_scan_tuples = 200000;
    SET LOCAL hnsw.scan_mem_multiplier = 4; SET LOCAL enable_sort = off;
    SET LOCAL enable_seqscan = off; SET LOCAL hnsw.ef_search = {ef:d}
"""
"""Sorting would be the other way to answer; the planner is not to be tempted."""


@dataclass(frozen=True, eq=False)
class Near:
    """Faces near a probe, nearest first, equal ones in the order they came.

    Attributes:
        ids: in the database, int64, shape (n,).
        people: ids of whom they show, 0 for nobody, int64, shape (n,).
        distances: squared L2, float64, shape (n,), off by ``NOISE`` at most.
        reach: all that is nearer than this is among them, as far as the index found it; infinite
            where there are no more.
    """

    ids: np.ndarray[tuple[int], np.dtype[np.int64]]
    people: np.ndarray[tuple[int], np.dtype[np.int64]]
    distances: np.ndarray[tuple[int], np.dtype[np.float64]]
    reach: float

    def keys(self) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        """Who it is: people by their ids, and faces of nobody each for itself, below 0."""
        return np.where(self.people > 0, self.people, -self.ids)

    def firsts(self, max_distance: float, *, named: bool) -> list[int]:
        """The places of each one's nearest face, of those that may be under a distance.

        Args:
            max_distance: squared L2.
            named: faces of nobody do not count.
        """
        count = int(np.searchsorted(self.distances, max_distance + NOISE))
        _, places = np.unique(self.keys()[:count], return_index=True)
        return [place for place in sorted(places.tolist()) if self.people[place] or not named]

    def beside(self, other: "Near") -> "Near":
        """Both together, nearest first."""
        ids = np.concatenate((self.ids, other.ids))
        people = np.concatenate((self.people, other.people))
        distances = np.concatenate((self.distances, other.distances))
        order = np.argsort(distances, kind="stable")
        return Near(ids[order], people[order], distances[order], self.reach)


NOTHING = Near(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0), np.inf)


class Searcher:
    """What is near one probe. It keeps what one question has found for the next."""

    def __init__(
        self,
        tables: Tables,
        probe: Floats,
        *,
        only: Filter,
        apart_from: str | None,
        exact_up_to: int,
    ) -> None:
        """Take the collection's tables and the question.

        Args:
            tables: of the collection.
            probe: float32, shape (dims,), unit length.
            only: which faces.
            apart_from: id of a face that is passed over.
            exact_up_to: so many faces of a collection are compared one by one.
        """
        self._tables = tables
        self.probe = text_of(probe)
        self._only = only
        self._apart_from = apart_from
        self._exact_up_to = exact_up_to
        self._by_index: bool | None = None
        self._ef = DEFAULT_EF
        self._seen: Near | None = None

    def rounds(self, transaction: Transaction, first: int) -> Iterator[Near]:
        """Yield the nearest, more in each round; in the last there is all that fits.

        Args:
            transaction: of a collection that is held.
            first: so many are wanted at least.
        """
        if self._seen is not None:
            yield self._seen
        size = max(first + _SPARE, _LEAST)
        while self._uses_index(transaction) and size <= _MOST_FROM_INDEX:
            if self._seen is None or len(self._seen.ids) < size:
                self._seen = self._indexed(transaction, size)
                yield self._seen
                if len(self._seen.ids) < size:
                    break  # the index has no more
            size *= _GROWTH
        for limit in (_MOST_COMPARED, _ALL):
            if self._seen is None or self._seen.reach != np.inf:
                self._seen = self._exact(transaction, limit)
                yield self._seen

    def others(self, transaction: Transaction, people: Sequence[int], size: int) -> Near | None:
        """The nearest faces of further people, apart from these; None without an index."""
        if not self._uses_index(transaction):
            return None
        return self._indexed(transaction, size, apart_from_people=people)

    def _uses_index(self, transaction: Transaction) -> bool:
        """Whether there are too many to compare them all, and an index to ask."""
        if self._by_index is None:
            most = NARROW if self._only != EVERYTHING else self._exact_up_to
            where, values = conditions_of(self._only, self._tables)
            ((count,),) = transaction.read(
                f"SELECT count(*) FROM (SELECT 1 FROM {self._tables.faces} f WHERE {where}"
                " LIMIT %s) AS few",
                *values,
                most + 1,
            )
            ef = index_state(transaction, self._tables.row.space) if count > most else None
            self._by_index, self._ef = ef is not None, ef or DEFAULT_EF
        return self._by_index

    def _indexed(
        self,
        transaction: Transaction,
        size: int,
        *,
        apart_from_people: Sequence[int] | None = None,
    ) -> Near:
        """The nearest as the index finds them, with exact distances.

        Args:
            transaction: of a collection that is held.
            size: at most so many.
            apart_from_people: faces of these people do not count, nor do those of nobody.
        """
        row = self._tables.row
        ef = max(self._ef, min(size, _EF_FOR_MANY))
        transaction.run(_SETTINGS.format(ef=ef))
        where, values = checks_of(self._only, self._tables)
        if apart_from_people is not None:
            where += " AND f.subject <> ALL(%s)"  # which is not true of nobody either
            values.append(list(apart_from_people))
        half = f"halfvec({row.dims:d})"
        # The faces are looked at one after the other as the index gives them, until there are
        # enough: OFFSET keeps the planner from any other order.
        rows = transaction.read(
            f"SELECT f.id, f.subject, v.vector <-> %s::vector, f.place, v.half FROM"
            f" (SELECT face, vector, vector::{half} <-> %s::{half} AS half"
            f" FROM {self._tables.vectors} ORDER BY vector::{half} <-> %s::{half}) v"
            f" CROSS JOIN LATERAL (SELECT f.id, f.subject, f.place FROM {self._tables.faces} f"
            f" WHERE f.id = v.face AND {where} AND {self._apart()} OFFSET 0) f LIMIT %s",
            *(self.probe, self.probe, self.probe),
            *values,
            *self._apart_values(),
            size,
        )
        transaction.run("SET LOCAL enable_sort = on; SET LOCAL enable_seqscan = on")
        reach = max((row[4] for row in rows), default=0.0) ** 2 - ERROR
        return _near([row[:4] for row in rows], reach=reach)

    def _exact(self, transaction: Transaction, limit: int) -> Near:
        """The nearest of those that fit, by exact distance."""
        where, values = conditions_of(self._only, self._tables)
        rows = transaction.read(
            f"SELECT f.id, f.subject, v.vector <-> %s::vector AS distance, f.place"
            f" FROM {self._tables.faces} f JOIN {self._tables.vectors} v ON v.face = f.id"
            f" WHERE {where} AND {self._apart()} ORDER BY distance LIMIT %s",
            self.probe,
            *values,
            *self._apart_values(),
            limit,
        )
        if len(rows) < limit:
            return _near(rows, reach=np.inf)
        return _near(rows, reach=rows[-1][2] ** 2)

    def _apart(self) -> str:
        return "true" if self._apart_from is None else "f.uuid <> %s"

    def _apart_values(self) -> list[object]:
        return [] if self._apart_from is None else [self._apart_from]


def _near(rows: list[tuple[int, int | None, float, int]], *, reach: float) -> Near:
    ids = np.fromiter((row[0] for row in rows), np.int64, len(rows))
    people = np.fromiter((row[1] or 0 for row in rows), np.int64, len(rows))
    distances = np.fromiter((row[2] for row in rows), np.float64, len(rows)) ** 2
    places = np.fromiter((row[3] for row in rows), np.int64, len(rows))
    order = np.lexsort((places, distances))
    return Near(ids[order], people[order], distances[order], reach)
