"""Filters that ask for nothing but whom faces show: answered from memory, without a row."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from faceserver.store.base import EVERYTHING
from faceserver.store.index.exact import Labels
from faceserver.store.index.owners import NOBODY
from faceserver.store.sqlite.ownertable import OwnerTable
from faceserver.types import Filter


@dataclass(frozen=True, eq=False)
class WhoseFilter:
    """Whose faces fit.

    Attributes:
        person: row id of whose they must be; None for anybody's.
        named: True: somebody's; False: nobody's; None: either.
        without: row ids of whose they must not be.
    """

    person: int | None
    named: bool | None
    without: Labels

    def fits(self, people: Labels) -> NDArray[np.bool_]:
        """Which of faces fit that show these people, by row id: shape (n,)."""
        fitting = ~np.isin(people, self.without)
        if self.named is not None:
            fitting &= (people != NOBODY) == self.named
        if self.person is not None:
            fitting &= people == self.person
        return fitting


def whose_filter(only: Filter, owners: OwnerTable) -> WhoseFilter | None:
    """A filter as one that needs no rows; None where it asks for more than whom faces show."""
    if replace(only, subject=None, named=None, without=()) != EVERYTHING:
        return None
    uuids = [*only.without, *([only.subject] if only.subject else [])]
    rows = owners.rows_of(uuids) if uuids else {}
    without = np.array([rows[uuid] for uuid in only.without if uuid in rows], np.int64)
    person = None if only.subject is None else rows.get(only.subject, _UNKNOWN)
    return WhoseFilter(person, only.named, without)


_UNKNOWN = -1
"""The row id of a person who is not there."""
