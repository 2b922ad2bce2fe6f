"""What a collection in memory remembers beside its faces."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime
from threading import Lock, RLock
from typing import Any, Self

import numpy as np

from faceserver.errors import AlreadyExists, NotFound
from faceserver.store.base import Page
from faceserver.store.cursor import row_of
from faceserver.store.exemplars import Exemplar, ExemplarKind, NearExemplar, accept_exemplar
from faceserver.store.faces import check_embedding
from faceserver.store.index.exact import nearest, squared_distances
from faceserver.store.memory.faces import MemoryFaces, page_of
from faceserver.types import Floats


class MemoryExemplars(MemoryFaces):
    """Exemplars in a dict; see :class:`faceserver.store.exemplars.ExemplarCollection`.

    Those of a face or a person that is gone are taken out when they would be looked at.
    """

    def __init__(self, name: str, *, model: str, dims: int, lock: RLock) -> None:
        """Start empty."""
        super().__init__(name, model=model, dims=dims, lock=lock)
        self._exemplars: dict[int, Exemplar] = {}
        self._turns = Lock()

    def for_reading(self) -> Self:
        """The same: no other server shares it."""
        return self

    def one_at_a_time(self) -> AbstractContextManager[Any]:
        """What is in the block no other thread does meanwhile."""
        return self._turns

    def keep(self, exemplar: Exemplar) -> Exemplar:
        """Remember an exemplar, in the place of the one that has its id."""
        new = accept_exemplar(exemplar, dims=self.dims)
        with self.lock:
            self.lifetime.check()
            if new.subject is not None:
                self._subject_row(new.subject)
            if new.face is not None:
                self._face_row(new.face)
            held = {item.id: (row, item) for row, item in self._living().items()}
            row, old = held[new.id] if new.id in held else (self._next_row(), new)
            if old.kind != new.kind:
                raise AlreadyExists(f"there is another example {new.id!r}")
            self._exemplars[row] = new
        return new

    def exemplar(self, exemplar_id: str) -> Exemplar:
        """Return one."""
        with self.lock:
            for item in self._living().values():
                if item.id == exemplar_id:
                    return item
        raise NotFound(f"there is no example {exemplar_id!r}")

    def exemplars(
        self,
        kind: ExemplarKind,
        *,
        limit: int,
        cursor: str | None = None,
        subject: str | None = None,
    ) -> Page[Exemplar]:
        """List those of a kind in the order they were first kept."""
        after = row_of(cursor)
        with self.lock:
            rows = [
                row
                for row, item in self._living().items()
                if row > after and item.kind == kind and subject in (None, item.subject)
            ]
            return page_of(self._exemplars, rows, limit)

    def near_exemplars(
        self, kind: ExemplarKind, probe: Floats, *, max_distance: float, k: int = 100
    ) -> list[NearExemplar]:
        """Find the nearest of a kind, exactly."""
        check_embedding(probe, dims=self.dims)
        with self.lock:
            held = {row: item for row, item in self._living().items() if item.kind == kind}
        if not held:
            return []
        rows, distances = nearest(
            np.array(list(held), np.int64),
            squared_distances(np.stack([item.embedding for item in held.values()]), probe),
            k=min(k, len(held)),
        )
        return [
            NearExemplar(held[row], distance)
            for row, distance in zip(rows.tolist(), distances.tolist(), strict=True)
            if distance < max_distance
        ]

    def forget(self, exemplar_ids: list[str]) -> int:
        """Forget these; return how many there were."""
        with self.lock:
            wanted = set(exemplar_ids)
            rows = [row for row, item in self._living().items() if item.id in wanted]
            for row in rows:
                del self._exemplars[row]
            return len(rows)

    def _about(self, before: str, after: str, *, only: frozenset[str] | None = None) -> list[str]:
        """Let what is about one person be about another; return the ids of what was."""
        rows = [
            row
            for row, item in self._living().items()
            if item.subject == before and (only is None or item.id in only)
        ]
        for row in rows:
            self._exemplars[row] = replace(self._exemplars[row], subject=after)
        return [self._exemplars[row].id for row in rows]

    def _with_new_vectors(self, vectors: Mapping[str, Floats]) -> dict[int, Exemplar]:
        """Those of stored faces, with the faces' new embeddings."""
        return {
            row: replace(item, embedding=vectors[item.face])
            for row, item in self._living().items()
            if item.face is not None
        }

    def _living(self) -> dict[int, Exemplar]:
        """Those that are there still, in the order they were first kept."""
        now, faces = datetime.now(UTC), {face.id for face in self._faces.values()}
        people = {person.id for person in self._subjects.values()}
        for row, item in list(self._exemplars.items()):
            is_orphan = not ({item.face} <= {None, *faces} and {item.subject} <= {None, *people})
            if is_orphan or item.is_over(now):
                del self._exemplars[row]
        return dict(sorted(self._exemplars.items()))
