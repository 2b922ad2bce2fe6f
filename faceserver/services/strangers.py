"""Lasting ids for unknowns: a stranger who was searched for is recognised later.

A stranger is an exemplar whose embedding is the mean of the faces that were seen. Nothing else is
kept: no picture and no crop.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from faceserver.errors import AlreadyExists, NotFound
from faceserver.services.context import Context
from faceserver.store.base import Collection, Exemplar, Page
from faceserver.types import NOWHERE, Face, Floats, Subject

_STEADY = 9
"""So many faces weigh in the mean at most, so that it follows how somebody changes."""


@dataclass(frozen=True)
class Stranger:
    """Somebody whom nobody has named.

    Attributes:
        id: lasting; the person whom a stranger becomes has it too.
        seen: in how many pictures.
        first: when first, in UTC.
        last: when last, in UTC.
        until: remembered so long, in UTC; None without end.
    """

    id: str
    seen: int
    first: datetime
    last: datetime
    until: datetime | None


class Strangers:
    """The strangers of all collections. Safe to call from several threads at once."""

    def __init__(self, context: Context) -> None:
        """Take what the use cases share."""
        self._context = context

    def page(self, collection: str, *, limit: int, cursor: str | None) -> Page[Stranger]:
        """Some of the strangers, in the order they were first seen.

        Raises:
            NotFound: there is no such collection.
            InvalidCursor: the cursor is none.
        """

        def listed(held: Collection) -> Page[Stranger]:
            page = held.exemplars("stranger", limit=limit, cursor=cursor)
            return Page(tuple(map(_stranger, page.items)), page.cursor)

        return self._context.on(collection, listed)

    def get(self, collection: str, stranger_id: str) -> Stranger:
        """One stranger.

        Raises:
            NotFound: there is no such collection or stranger, or nobody remembers any more.
        """
        return self._context.on(collection, lambda held: _stranger(_found(held, stranger_id)))

    def forget(self, collection: str, stranger_id: str) -> None:
        """Forget a stranger.

        Raises:
            NotFound: there is no such collection or stranger.
        """

        def forget(held: Collection) -> None:
            _found(held, stranger_id)
            held.forget([stranger_id])

        self._context.on(collection, forget)

    def name(
        self,
        collection: str,
        stranger_id: str,
        name: str,
        *,
        tags: Sequence[str] = (),
        metadata: Mapping[str, Any] | None = None,
    ) -> tuple[Subject, Face]:
        """Make a stranger a new person, with the stranger's id; return the person and the face.

        Cut off on the way, it goes on when it is called again.

        Raises:
            NotFound: there is no such collection or stranger.
            AlreadyExists: somebody has that name.
            InvalidRequest: a text breaks the rule; see :mod:`faceserver.texts`.
        """

        def promote(held: Collection) -> tuple[Subject, Face]:
            exemplar = _found(held, stranger_id)
            try:
                held.subject(stranger_id)  # it was cut off after this
            except NotFound:
                held.add_subject(name, tags=tags, metadata=metadata, subject_id=stranger_id)
            return _given_to(held, exemplar, stranger_id)

        return self._context.on(collection, promote)

    def give(self, collection: str, stranger_id: str, subject_id: str) -> tuple[Subject, Face]:
        """Say that a stranger is a certain person; return the person and the new face.

        Raises:
            NotFound: there is no such collection, stranger or person.
        """

        def give(held: Collection) -> tuple[Subject, Face]:
            exemplar = _found(held, stranger_id)
            held.subject(subject_id)
            return _given_to(held, exemplar, subject_id)

        return self._context.on(collection, give)


def recognise(
    collection: Collection,
    probes: Sequence[Floats],
    *,
    threshold: float,
    remember: bool = False,
    keep_for: timedelta | None = None,
) -> list[Stranger | None]:
    """Say which strangers the faces of one picture show; each stranger is one face at most.

    Args:
        collection: where they are remembered.
        probes: of people whom nobody knows: float32, shape (dims,), unit length.
        threshold: squared L2 distance below which two faces are taken for one person.
        remember: count that they were seen, and remember those who are new.
        keep_for: remember each so long from now; None without end.

    Returns:
        Of each probe, None where nobody is remembered.
    """
    found = _paired(collection, probes, threshold)
    if not remember:
        return [_stranger(found[row]) if row in found else None for row in range(len(probes))]
    now = datetime.now(UTC)
    until = None if keep_for is None else now + keep_for
    return [
        _stranger(collection.keep(_seen(probe, found.get(row), now=now, until=until)))
        for row, probe in enumerate(probes)
    ]


def _paired(
    collection: Collection, probes: Sequence[Floats], threshold: float
) -> dict[int, Exemplar]:
    """The strangers of the probes, by the probes' places; the nearest pairs come first."""
    pairs = [
        (near.distance, row, near.exemplar)
        for row, probe in enumerate(probes)
        for near in collection.near_exemplars(
            "stranger", probe, max_distance=threshold, k=len(probes)
        )
    ]
    found: dict[int, Exemplar] = {}
    taken: set[str] = set()
    for _, row, exemplar in sorted(pairs, key=lambda pair: pair[0]):
        if row not in found and exemplar.id not in taken:
            found[row] = exemplar
            taken.add(exemplar.id)
    return found


def _seen(
    probe: Floats, known: Exemplar | None, *, now: datetime, until: datetime | None
) -> Exemplar:
    """The stranger after this face was seen."""
    last = {"last": now.isoformat()}
    if known is None:
        return Exemplar("stranger", probe, content={"seen": 1, **last}, created=now, until=until)
    seen = int(known.content["seen"])
    return Exemplar(
        "stranger",
        _unit(min(seen, _STEADY) * known.embedding + probe),
        content={"seen": seen + 1, **last},
        id=known.id,
        created=known.created,
        until=until,
    )


def _given_to(collection: Collection, exemplar: Exemplar, subject: str) -> tuple[Subject, Face]:
    """Store the stranger's embedding as a face of a person, and forget the stranger."""
    face = Face(
        embedding=exemplar.embedding,
        detection=NOWHERE,
        picture=None,
        source=f"stranger {exemplar.id}",
        subject=subject,
        id=exemplar.id,
    )
    try:
        (stored,) = collection.add([face])
    except AlreadyExists:  # it was cut off after this
        collection.move([exemplar.id], subject)
        stored = collection.get(exemplar.id)
    collection.forget([exemplar.id])
    return collection.subject(subject), stored


def _found(collection: Collection, stranger_id: str) -> Exemplar:
    exemplar = collection.exemplar(stranger_id)
    if exemplar.kind != "stranger":
        raise NotFound(f"there is no stranger {stranger_id!r}")
    return exemplar


def _unit(vector: Floats) -> Floats:
    return np.asarray(vector / np.linalg.norm(vector), np.float32)


def _stranger(exemplar: Exemplar) -> Stranger:
    return Stranger(
        id=exemplar.id,
        seen=int(exemplar.content["seen"]),
        first=exemplar.created,
        last=datetime.fromisoformat(exemplar.content["last"]),
        until=exemplar.until,
    )
