"""What stores answer with: pages, figures, receipts."""

from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from faceserver.types import Filter

DEFAULT = "default"
"""The collection that is always there; it is bound to the model that the store is opened with."""

EVERYTHING = Filter()

Item = TypeVar("Item")


@dataclass(frozen=True)
class Page(Generic[Item]):
    """Some of a list, in the order they were stored.

    Attributes:
        items: at most as many as were asked for.
        cursor: where the next page begins, None after the last. What is deleted or added meanwhile
            makes no other item come twice or go missing.
    """

    items: tuple[Item, ...]
    cursor: str | None


@dataclass(frozen=True)
class CollectionStatus:
    """The state of a collection's index.

    Attributes:
        name: the collection's.
        model: whose embeddings it holds.
        dims: their length.
        faces: how many are stored.
        indexed: how many of them the index holds.
        index: ``exact`` computes every distance, ``graph`` is HNSW, ``building`` is a graph that is
            not complete yet: searches compute every distance until it is.
        progress: how much of the graph is built, 0 to 1.
        ef: candidates that a search of the graph looks at; None without a graph.
        recall: how often the graph finds the nearest face, as measured on stored faces, 0 to 1;
            None until it is measured.
        changing_to: the model that it is being changed to; None if it is not.
        changed: how many faces have an embedding of that model already.
    """

    name: str
    model: str
    dims: int
    faces: int
    indexed: int
    index: str = "exact"
    progress: float = 1.0
    ef: int | None = None
    recall: float | None = None
    changing_to: str | None = None
    changed: int = 0


@dataclass(frozen=True)
class Loss:
    """What the disk has lost of what was committed.

    Attributes:
        changes: transactions that are gone.
        faces: that were stored in them, as far as they were not deleted again.
    """

    changes: int = 0
    faces: int = 0

    def __bool__(self) -> bool:
        """Whether anything is gone."""
        return self.changes > 0

    def __str__(self) -> str:
        """What is gone, and what to do about it."""
        changes = "change" if self.changes == 1 else "changes"
        faces = "face" if self.faces == 1 else "faces"
        return (
            f"the last {self.changes} committed {changes} are missing, and with them up to "
            f"{self.faces} {faces}: the disk has lost them, or somebody put an older file in "
            "place; `faceserver restore` puts a backup back, `faceserver check --repair` takes "
            "the gallery as it is"
        )


NO_LOSS = Loss()


@dataclass(frozen=True)
class StoreStatus:
    """What ``/health`` tells about the store.

    Attributes:
        faces: how many are stored, in all collections.
        indexed: how many of them the indexes hold.
        collections: each, by name.
        loss: what the disk has lost, until somebody takes the gallery as it is.
    """

    faces: int
    indexed: int
    collections: tuple[CollectionStatus, ...] = ()
    loss: Loss = NO_LOSS


@dataclass(frozen=True)
class Receipt:
    """What a purge has removed.

    Attributes:
        collections: the names of those that are gone; the default one is emptied and stays.
        faces: how many were removed.
        subjects: likewise.
        pictures: files of pictures and crops, those included that no face was in any more.
        index_files: files of indexes.
        at: when, in UTC.
        aside: folders inside the data folder where repair or restore had set something of it aside;
            nothing of it is left there.
        unknown: likewise, but of galleries that cannot be opened: nobody knows whether they hold
            the collection. A purge of everything removes them.
        beyond: where something of it may be left that no purge reaches; nowhere in a data folder.
    """

    collections: tuple[str, ...]
    faces: int
    subjects: int
    pictures: int
    index_files: int
    at: datetime
    aside: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    beyond: tuple[str, ...] = ()


@dataclass(frozen=True)
class Link:
    """A URL by which a client gets a picture from where it lies, for a short time."""

    url: str
