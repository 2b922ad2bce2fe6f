"""What every store offers: collections of faces and of the people they show.

A :class:`Store` holds :class:`Collection` s; all that concerns faces is a method of a collection.
Every call is one transaction: it happens as a whole or, where it raises, not at all; on return it
survives a crash. Every object here is safe to call from several threads at once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar

from faceserver.types import (
    Filter,
    Floats,
    Match,
    Merge,
    NewFace,
    StoredFace,
    Subject,
    SubjectMatch,
)

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
class StoreStatus:
    """What ``/health`` tells about the store.

    Attributes:
        faces: how many are stored, in all collections.
        indexed: how many of them the indexes hold.
        collections: each, by name.
    """

    faces: int
    indexed: int
    collections: tuple[CollectionStatus, ...] = ()


@dataclass(frozen=True)
class Receipt:
    """What a purge has removed.

    Attributes:
        collections: the names of those that are gone; the default one is emptied and stays.
        faces: how many were removed.
        subjects: likewise.
        pictures: files of pictures and crops.
        index_files: files of indexes.
        at: when, in UTC.
    """

    collections: tuple[str, ...]
    faces: int
    subjects: int
    pictures: int
    index_files: int
    at: datetime


class Collection(Protocol):
    """Faces of one embedding model, and the people they show.

    Once the store has changed the collection to another model, this object is out of date: what
    reads or changes faces raises ModelChanged, and :meth:`Store.collection` gives the new one. So
    nobody finds embeddings of one model with a probe of another.

    Attributes:
        name: of the collection.
        model: whose embeddings it holds.
        dims: length of the embeddings.
    """

    name: str
    model: str
    dims: int

    def add(self, faces: Sequence[NewFace]) -> list[StoredFace]:
        """Store all of the faces or none; on return they survive a crash.

        Returns:
            The stored faces, in the same order, with their ids.

        Raises:
            ValueError: an embedding is not float32, of another length, or not of unit length.
            NotFound: a face names a subject that is not there.
            AlreadyExists: a face brings an id that is taken.
            StoreFull: no space is left.
        """
        ...

    def get(self, face_id: str) -> StoredFace:
        """Return one face.

        Raises:
            NotFound: the collection holds none of that id.
        """
        ...

    def faces(
        self, *, limit: int, cursor: str | None = None, only: Filter = EVERYTHING
    ) -> Page[StoredFace]:
        """List faces in the order they were stored.

        Args:
            limit: at most so many, 1 or more.
            cursor: from the page before; None begins.
            only: which faces.

        Raises:
            InvalidRequest: the cursor is none.
        """
        ...

    def delete(self, face_ids: Sequence[str]) -> int:
        """Delete faces; a picture goes with the last face that is in it.

        Returns:
            How many of them there were; unknown ids are passed over.
        """
        ...

    def delete_all(self) -> int:
        """Delete all faces and subjects; return how many faces there were.

        To leave no trace on the disk either, see :meth:`Store.purge`.
        """
        ...

    def move(self, face_ids: Sequence[str], subject: str | None) -> int:
        """Say whom faces show.

        Args:
            face_ids: the faces; unknown ids are passed over.
            subject: the person's id, or None for nobody.

        Returns:
            How many of the faces there are.

        Raises:
            NotFound: there is no such person.
        """
        ...

    def tag(self, face_id: str, tags: Sequence[str]) -> StoredFace:
        """Give a face these tags instead of those it has.

        Raises:
            NotFound: the collection holds no such face.
        """
        ...

    def search(
        self, probe: Floats, *, k: int, max_distance: float, only: Filter = EVERYTHING
    ) -> list[Match]:
        """Find the nearest faces.

        Args:
            probe: float32, shape (dims,), unit length.
            k: at most so many.
            max_distance: squared L2; only faces strictly nearer are returned.
            only: which faces.

        Returns:
            Matches, nearest first; fewer than k, or none, where there are no more.
        """
        ...

    def search_subjects(
        self, probe: Floats, *, k: int, max_distance: float, only: Filter = EVERYTHING
    ) -> list[SubjectMatch]:
        """Find the nearest people; a face of nobody stands for a person of its own.

        Args:
            probe: float32, shape (dims,), unit length.
            k: at most so many people.
            max_distance: squared L2; only faces strictly nearer are considered and counted.
            only: which faces.

        Returns:
            People by their nearest face, nearest first.
        """
        ...

    def add_subject(
        self,
        name: str,
        *,
        tags: Sequence[str] = (),
        metadata: Mapping[str, Any] | None = None,
        subject_id: str | None = None,
        created: datetime | None = None,
    ) -> Subject:
        """Add a person.

        Args:
            name: not empty; unique in the collection, without regard to case.
            tags: to filter by.
            metadata: whatever JSON can hold.
            subject_id: set when the person comes back from an export.
            created: likewise.

        Raises:
            InvalidRequest: the name is empty, or the metadata is not JSON.
            AlreadyExists: the name or the id is taken.
        """
        ...

    def subject(self, subject_id: str) -> Subject:
        """Return one person.

        Raises:
            NotFound: there is none of that id in the collection.
        """
        ...

    def subject_named(self, name: str) -> Subject | None:
        """Return the person of a name, without regard to case, None if there is none."""
        ...

    def subjects(
        self, *, limit: int, cursor: str | None = None, tags: Sequence[str] = ()
    ) -> Page[Subject]:
        """List people in the order they were stored.

        Args:
            limit: at most so many, 1 or more.
            cursor: from the page before; None begins.
            tags: they have each of these.

        Raises:
            InvalidRequest: the cursor is none.
        """
        ...

    def change_subject(
        self,
        subject_id: str,
        *,
        name: str | None = None,
        tags: Sequence[str] | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> Subject:
        """Change what is given of a person: rename, tag, describe.

        Raises:
            InvalidRequest: the name is empty, or the metadata is not JSON.
            NotFound: there is no such person.
            AlreadyExists: another person has the name.
        """
        ...

    def delete_subject(self, subject_id: str) -> int:
        """Delete a person, and every face of this person; return how many faces there were.

        Raises:
            NotFound: there is no such person.
        """
        ...

    def merge(self, subject_id: str, *, into: str) -> Merge:
        """Give all faces of a person to another one, who keeps name, tags and metadata.

        Raises:
            InvalidRequest: both are the same.
            NotFound: one of them is not there.
        """
        ...

    def merges(self) -> list[Merge]:
        """Those that can be undone, the latest first."""
        ...

    def undo(self, merge_id: str) -> Subject:
        """Take a merge back: the person is there again, with id, name, tags and metadata.

        Of the faces that were moved, those come back that still belong to whom they went to.

        Raises:
            NotFound: there is no such merge.
            CannotUndo: its time is over, who got the faces is gone, or the name is taken now.
        """
        ...

    def count(self) -> int:
        """How many faces are stored."""
        ...

    def status(self) -> CollectionStatus:
        """The state of the index."""
        ...


class ModelChange(Protocol):
    """A collection on its way to another model; the old embeddings serve until the switch.

    Faces that are added meanwhile become pending; of those that are deleted nothing is left.

    Attributes:
        model: what is changed to.
        dims: length of its embeddings.
    """

    model: str
    dims: int

    def pending(self, *, limit: int, cursor: str | None = None) -> Page[StoredFace]:
        """List faces that have no new embedding yet, in the order they were stored.

        Args:
            limit: at most so many, 1 or more.
            cursor: from the page before; None begins.

        Raises:
            InvalidRequest: the cursor is none.
            ModelChanged: the switch is over.
        """
        ...

    def put(self, vectors: Mapping[str, Floats]) -> int:
        """Keep new embeddings, all or none; on return they survive a crash.

        Args:
            vectors: by the ids of their faces: float32, shape (dims,), unit length.

        Returns:
            How many were taken: unknown faces, and those that have one, are passed over.

        Raises:
            ValueError: one is not float32, of another length, or not of unit length.
            ModelChanged: the collection is not changing to this model any more.
            StoreFull: no space is left.
        """
        ...

    def finish(self) -> Collection:
        """Switch every face and the collection to the new model at once; return the new one.

        Raises:
            ChangeIncomplete: faces are pending.
            ModelChanged: the collection is not changing to this model any more.
            StoreFull: no space is left; nothing has changed.
        """
        ...


class Store(Protocol):
    """All collections of a data folder."""

    def collection(self, name: str = DEFAULT) -> Collection:
        """Return a collection.

        Raises:
            NotFound: there is none of that name.
        """
        ...

    def collections(self) -> list[str]:
        """The names of all collections, in alphabetical order."""
        ...

    def create(self, name: str, *, model: str, dims: int) -> Collection:
        """Make a collection for the embeddings of one model.

        Raises:
            InvalidRequest: the name is empty, too long, or has other characters than letters,
                digits, ``-``, ``_`` and ``.``.
            AlreadyExists: there is one of that name.
        """
        ...

    def purge(self, name: str | None = None) -> Receipt:
        """Remove a collection, or all, so that nothing is left on the disk.

        Rows, vectors, pictures that no other collection shows, index files and free pages go.
        The default collection is emptied and stays. Takes as long as writing the rest anew.

        Raises:
            NotFound: there is no collection of that name.
            StoreFull: the rows are gone, but there is no space to write the rest anew.
        """
        ...

    def change_model(self, name: str, *, model: str, dims: int) -> ModelChange:
        """Begin to change a collection's model, or go on with it after an interruption.

        What there is of a change to yet another model is dropped.

        Raises:
            NotFound: there is no collection of that name.
            Conflict: it has this model.
        """
        ...

    def abandon_change(self, name: str) -> None:
        """Drop what there is of a change of a collection's model; without one do nothing.

        Raises:
            NotFound: there is no collection of that name.
        """
        ...

    def status(self) -> StoreStatus:
        """Figures for ``/health``."""
        ...

    def close(self) -> None:
        """Save the indexes and let go of the files; closing twice does nothing."""
        ...
