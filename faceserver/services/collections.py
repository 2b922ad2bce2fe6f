"""Collections: made, described, deleted."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from faceserver.errors import NotFound
from faceserver.models.aliases import resolved
from faceserver.models.distances import SimilarityCurve
from faceserver.services.context import Context
from faceserver.store.base import CollectionStatus, Receipt, StoreStatus


@dataclass(frozen=True)
class Described:
    """A collection.

    Attributes:
        status: of its index.
        subjects: how many people it holds.
        threshold: below this squared L2 distance two faces are taken for one person; None where
            the collection's model is not known.
        similarity: what its distances mean; None where nobody measured it, or likewise.
        created: when it was made, in UTC.
    """

    status: CollectionStatus
    subjects: int
    threshold: float | None
    similarity: SimilarityCurve | None
    created: datetime


class Collections:
    """All collections. Safe to call from several threads at once."""

    def __init__(self, context: Context) -> None:
        """Take what the use cases share."""
        self._context = context

    def names(self) -> list[str]:
        """The names of all collections, in alphabetical order."""
        return self._context.store.collections()

    def status(self) -> StoreStatus:
        """Figures of all collections; cheap, for ``/health``."""
        return self._context.store.status()

    def create(self, name: str, model: str | None = None) -> Described:
        """Make a collection of a model, of the one that the server is set to if none is named.

        Raises:
            InvalidRequest: it cannot have that name.
            NotFound: there is no such model.
            AlreadyExists: there is one of that name.
        """
        analyzers = self._context.analyzers
        wanted = self._own_name(model) if model else analyzers.default.embedder.name
        dims = analyzers.dims(wanted)
        if dims is None:
            known = ", ".join(analyzers.names())
            raise NotFound(f"there is no embedding model {wanted!r}; there are: {known}")
        self._context.store.create(name, model=wanted, dims=dims)
        return self.describe(name)

    def _own_name(self, model: str) -> str:
        """A model's own name, from one that other programs have for it."""
        known = self._context.analyzers.names()
        found = resolved(model, known)
        return found if found in known else found.rsplit("/", 1)[-1]

    def ensure(self, name: str) -> None:
        """Make a collection of the server's model, unless there is one of that name.

        Raises:
            InvalidRequest: it cannot have that name.
        """
        if name not in self.names():
            self.create(name)

    def describe(self, name: str) -> Described:
        """What is known of a collection.

        Raises:
            NotFound: there is none of that name.
        """
        collection = self._context.store.collection(name)
        distances = self._context.analyzers.distances(collection.model)
        return Described(
            status=collection.status(),
            subjects=collection.count_subjects(),
            threshold=self._context.limits.max_distance
            or (distances.threshold if distances else None),
            similarity=distances.similarity if distances else None,
            created=collection.created,
        )

    def describe_some(self, names: Iterable[str]) -> list[Described]:
        """What is known of these collections; one that was deleted meanwhile is passed over."""
        found = []
        for name in names:
            try:
                found.append(self.describe(name))
            except NotFound:
                continue
        return found

    def delete(self, name: str) -> Receipt:
        """Remove a collection so that nothing of it is left on the disk.

        The default one is emptied and stays.

        Raises:
            NotFound: there is none of that name.
        """
        return self._context.store.purge(name)
