"""What a collection on the disk remembers beside its faces."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from threading import Lock
from typing import Any, Self

from faceserver.store.base import Page
from faceserver.store.exemplars import Exemplar, ExemplarKind, NearExemplar, accept_exemplar
from faceserver.store.faces import check_embedding
from faceserver.store.sqlite.exemplartable import ExemplarTable
from faceserver.types import Floats


class DurableExemplars:
    """The part of a collection; see :class:`faceserver.store.exemplars.ExemplarCollection`."""

    dims: int
    reading: Callable[[], AbstractContextManager[None]]
    _exemplars: ExemplarTable
    _changing: Callable[[], AbstractContextManager[None]]
    _turns: Lock

    def for_reading(self) -> Self:
        """The same: no other server shares it."""
        return self

    def one_at_a_time(self) -> AbstractContextManager[Any]:
        """What is in the block no other thread does meanwhile."""
        return self._turns

    def keep(self, exemplar: Exemplar) -> Exemplar:
        """Remember an exemplar, in the place of the one that has its id."""
        new = accept_exemplar(exemplar, dims=self.dims)
        with self._changing():
            self._exemplars.keep(new)
        return new

    def exemplar(self, exemplar_id: str) -> Exemplar:
        """Return one."""
        with self.reading():
            return self._exemplars.get(exemplar_id)

    def exemplars(
        self,
        kind: ExemplarKind,
        *,
        limit: int,
        cursor: str | None = None,
        subject: str | None = None,
    ) -> Page[Exemplar]:
        """List those of a kind in the order they were first kept."""
        with self.reading():
            return self._exemplars.page(kind, limit=limit, cursor=cursor, subject=subject)

    def near_exemplars(
        self, kind: ExemplarKind, probe: Floats, *, max_distance: float, k: int = 100
    ) -> list[NearExemplar]:
        """Find the nearest of a kind, exactly."""
        check_embedding(probe, dims=self.dims)
        with self.reading():
            return self._exemplars.near(kind, probe, max_distance=max_distance, k=k)

    def forget(self, exemplar_ids: list[str]) -> int:
        """Forget these; return how many there were."""
        with self._changing():
            return self._exemplars.forget(exemplar_ids)

    def _trim_exemplars(self) -> None:
        """Let go of the vectors that have gone with their faces or people."""
        if self._exemplars.holds_any():
            self._exemplars.trim()
