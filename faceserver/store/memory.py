"""The store that keeps nothing: exact, simple, and the judge of the others."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from copy import copy
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from threading import RLock
from typing import Any
from uuid import uuid4

from faceserver.errors import (
    AlreadyExists,
    CannotUndo,
    ChangeIncomplete,
    Conflict,
    InvalidRequest,
    ModelChanged,
    NotFound,
)
from faceserver.store.base import (
    DEFAULT,
    EVERYTHING,
    CollectionStatus,
    Item,
    Page,
    Receipt,
    StoreStatus,
)
from faceserver.store.cursor import cursor_after, row_of
from faceserver.store.durable import UNDO_FOR, check_collection_name
from faceserver.store.faces import accept, check_embedding, sorted_tags
from faceserver.store.searcher import by_subject, ranked
from faceserver.store.subjecttable import check_name, checked_metadata, name_key
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


@dataclass(frozen=True)
class _Merged:
    merge: Merge
    gone: Subject
    faces: frozenset[str]


class MemoryCollection:
    """Faces in a dict; every distance is computed. See :class:`faceserver.store.base.Collection`.

    Pictures are not its business: what lies in files is for who has files.
    """

    def __init__(
        self, name: str, *, model: str, dims: int, undo_for: timedelta, lock: RLock
    ) -> None:
        """Start empty."""
        self.name = name
        self.model = model
        self.dims = dims
        self._undo_for = undo_for
        self.lock: AbstractContextManager[object] = lock
        self._row = 0
        self.change: MemoryChange | None = None
        self._faces: dict[int, StoredFace] = {}
        self._subjects: dict[int, Subject] = {}
        self._merges: dict[str, _Merged] = {}

    def add(self, faces: Sequence[NewFace]) -> list[StoredFace]:
        """Hold all of the faces or none."""
        new = accept(faces, dims=self.dims)
        with self.lock:
            ids = [face.id for face in new]
            if len({*ids, *(face.id for face in self._faces.values())}) < len(ids) + self.count():
                raise AlreadyExists("a face of that id is there")
            for subject in {face.subject for face in new if face.subject}:
                self.subject(subject)
            for face in new:
                self._faces[self._next_row()] = face
        return new

    def get(self, face_id: str) -> StoredFace:
        """Return one face."""
        return self._faces[self._face_row(face_id)]

    def faces(
        self, *, limit: int, cursor: str | None = None, only: Filter = EVERYTHING
    ) -> Page[StoredFace]:
        """List faces in the order they were stored."""
        after = row_of(cursor)
        with self.lock:
            rows = [row for row in self._faces if row > after and self._fits(row, only)]
            return _page(self._faces, rows, limit)

    def delete(self, face_ids: Sequence[str]) -> int:
        """Delete faces."""
        with self.lock:
            rows = self._rows_of(face_ids)
            for row in rows:
                del self._faces[row]
            return len(rows)

    def delete_all(self) -> int:
        """Delete all faces and subjects; return how many faces there were."""
        with self.lock:
            faces = len(self._faces)
            for held in (self._faces, self._subjects, self._merges):
                held.clear()
            return faces

    def move(self, face_ids: Sequence[str], subject: str | None) -> int:
        """Say whom faces show; return how many of them there are."""
        with self.lock:
            if subject is not None:
                self.subject(subject)
            rows = self._rows_of(face_ids)
            self._show(rows, subject)
            return len(rows)

    def tag(self, face_id: str, tags: Sequence[str]) -> StoredFace:
        """Give a face these tags instead of those it has."""
        with self.lock:
            row = self._face_row(face_id)
            self._faces[row] = replace(self._faces[row], tags=sorted_tags(tags))
            return self._faces[row]

    def search(
        self, probe: Floats, *, k: int, max_distance: float, only: Filter = EVERYTHING
    ) -> list[Match]:
        """Find the nearest faces, exactly."""
        return self._near(probe, max_distance, only)[: max(k, 0)]

    def search_subjects(
        self, probe: Floats, *, k: int, max_distance: float, only: Filter = EVERYTHING
    ) -> list[SubjectMatch]:
        """Find the nearest people, exactly."""
        groups = by_subject(self._near(probe, max_distance, only))[: max(k, 0)]
        return [SubjectMatch(group[0].face.subject, group[0], len(group)) for group in groups]

    def add_subject(
        self,
        name: str,
        *,
        tags: Sequence[str] = (),
        metadata: Mapping[str, Any] | None = None,
        subject_id: str | None = None,
        created: datetime | None = None,
    ) -> Subject:
        """Add a person."""
        subject = Subject(
            id=subject_id or uuid4().hex,
            name=check_name(name),
            tags=sorted_tags(tags),
            metadata=checked_metadata(metadata or {}),
            created=(created or datetime.now(UTC)).astimezone(UTC),
            faces=0,
        )
        with self.lock:
            self._check_name_is_free(subject.name)
            if any(other.id == subject.id for other in self._subjects.values()):
                raise AlreadyExists(f"the subject {subject.id!r} is there")
            self._subjects[self._next_row()] = subject
        return subject

    def subject(self, subject_id: str) -> Subject:
        """Return one person."""
        with self.lock:
            return self._counted(self._subjects[self._subject_row(subject_id)])

    def subject_named(self, name: str) -> Subject | None:
        """Return the person of a name, without regard to case, None if there is none."""
        with self.lock:
            for subject in self._subjects.values():
                if name_key(subject.name) == name_key(name.strip()):
                    return self._counted(subject)
            return None

    def subjects(
        self, *, limit: int, cursor: str | None = None, tags: Sequence[str] = ()
    ) -> Page[Subject]:
        """List people in the order they were stored."""
        with self.lock:
            people = {row: self._counted(subject) for row, subject in self._subjects.items()}
            after = row_of(cursor)
            rows = [row for row in people if row > after and set(tags) <= {*people[row].tags}]
            return _page(people, rows, limit)

    def change_subject(
        self,
        subject_id: str,
        *,
        name: str | None = None,
        tags: Sequence[str] | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> Subject:
        """Change what is given of a person."""
        with self.lock:
            row = self._subject_row(subject_id)
            subject = self._subjects[row]
            if name is not None:
                self._check_name_is_free(check_name(name), apart_from=subject_id)
                subject = replace(subject, name=check_name(name))
            if tags is not None:
                subject = replace(subject, tags=sorted_tags(tags))
            if metadata is not None:
                subject = replace(subject, metadata=checked_metadata(metadata))
            self._subjects[row] = subject
            return self._counted(subject)

    def delete_subject(self, subject_id: str) -> int:
        """Delete a person, and every face of this person; return how many faces there were."""
        with self.lock:
            del self._subjects[self._subject_row(subject_id)]
            rows = self._rows_showing(subject_id)
            for row in rows:
                del self._faces[row]
            for merged in list(self._merges.values()):
                if merged.merge.into == subject_id:
                    del self._merges[merged.merge.id]
            return len(rows)

    def merge(self, subject_id: str, *, into: str) -> Merge:
        """Give all faces of a person to another one."""
        if subject_id == into:
            raise InvalidRequest("a subject cannot be merged into itself")
        with self.lock:
            gone, rows, now = self.subject(subject_id), self._rows_showing(subject_id), _now()
            self.subject(into)
            merge = Merge(
                uuid4().hex, into, gone.id, gone.name, len(rows), now, now + self._undo_for
            )
            ids = frozenset(self._faces[row].id for row in rows)
            self._merges[merge.id] = _Merged(merge, gone, ids)
            self._show(rows, into)
            del self._subjects[self._subject_row(subject_id)]
            return merge

    def merges(self) -> list[Merge]:
        """Those that can be undone, the latest first."""
        with self.lock:
            now = _now()
            held = [merged.merge for merged in self._merges.values() if merged.merge.until > now]
            return held[::-1]

    def undo(self, merge_id: str) -> Subject:
        """Take a merge back."""
        with self.lock:
            if merge_id not in self._merges:
                raise NotFound(f"there is no merge {merge_id!r}")
            merged = self._merges[merge_id]
            if merged.merge.until <= _now():
                raise CannotUndo("the time to undo it is over")
            try:
                self.subject(merged.merge.into)
                self._check_name_is_free(merged.gone.name)
            except (NotFound, AlreadyExists) as error:
                raise CannotUndo(f"it cannot be undone now: {error}") from error
            moved = self._rows_showing(merged.merge.into)
            rows = [row for row in moved if self._faces[row].id in merged.faces]
            self._subjects[self._next_row()] = merged.gone
            self._show(rows, merged.gone.id)
            del self._merges[merge_id]
            return self.subject(merged.gone.id)

    def count(self) -> int:
        """How many faces are held."""
        return len(self._faces)

    def status(self) -> CollectionStatus:
        """Every face is found at once."""
        faces, change = self.count(), self.change
        status = CollectionStatus(self.name, self.model, self.dims, faces=faces, indexed=faces)
        if change is None:
            return status
        return replace(status, changing_to=change.model, changed=faces - len(change.missing()))

    def pages(
        self, face_ids: Collection[str], *, limit: int, cursor: str | None
    ) -> Page[StoredFace]:
        """List these faces in the order they were stored."""
        after = row_of(cursor)
        with self.lock:
            rows = [row for row in self._rows_of(face_ids) if row > after]
            return _page(self._faces, rows, limit)

    def ids(self) -> set[str]:
        """The ids of all faces."""
        with self.lock:
            return {face.id for face in self._faces.values()}

    def retire(self) -> None:
        """Refuse everything from now on: the faces are in another object."""
        self.lock = _Gone(f"the collection {self.name!r} is not of {self.model} any more")

    def with_vectors(
        self, vectors: Mapping[str, Floats], *, model: str, dims: int
    ) -> "MemoryCollection":
        """The same with these embeddings, by the ids of the faces."""
        changed = copy(self)
        changed.model, changed.dims = model, dims
        changed._faces = {
            row: replace(face, embedding=vectors[face.id]) for row, face in self._faces.items()
        }
        return changed

    def _near(self, probe: Floats, max_distance: float, only: Filter) -> list[Match]:
        check_embedding(probe, dims=self.dims)
        with self.lock:
            fitting = {row: face for row, face in self._faces.items() if self._fits(row, only)}
        return ranked(fitting, probe, max_distance=max_distance)

    def _fits(self, row: int, only: Filter) -> bool:
        face = self._faces[row]
        tags = {*face.tags}
        if face.subject:
            tags |= {*self._subjects[self._subject_row(face.subject)].tags}
        return (
            only.subject in (None, face.subject)
            and only.external_id in (None, face.external_id)
            and only.picture in (None, face.picture)
            and tags >= {*only.tags}
        )

    def _counted(self, subject: Subject) -> Subject:
        return replace(subject, faces=len(self._rows_showing(subject.id)))

    def _show(self, rows: Sequence[int], subject: str | None) -> None:
        for row in rows:
            self._faces[row] = replace(self._faces[row], subject=subject)

    def _check_name_is_free(self, name: str, *, apart_from: str | None = None) -> None:
        for other in self._subjects.values():
            if name_key(other.name) == name_key(name) and other.id != apart_from:
                raise AlreadyExists(f"there is a subject named {name!r}")

    def _next_row(self) -> int:
        self._row += 1
        return self._row

    def _rows_of(self, face_ids: Collection[str]) -> list[int]:
        wanted = set(face_ids)
        return [row for row, face in self._faces.items() if face.id in wanted]

    def _rows_showing(self, subject_id: str) -> list[int]:
        return [row for row, face in self._faces.items() if face.subject == subject_id]

    def _face_row(self, face_id: str) -> int:
        with self.lock:
            for row in self._rows_of([face_id]):
                return row
        raise NotFound(f"there is no face {face_id!r}")

    def _subject_row(self, subject_id: str) -> int:
        for row, subject in self._subjects.items():
            if subject.id == subject_id:
                return row
        raise NotFound(f"there is no subject {subject_id!r}")


class MemoryChange:
    """New embeddings in a dict; see :class:`faceserver.store.base.ModelChange`."""

    def __init__(
        self,
        collections: dict[str, MemoryCollection],
        collection: MemoryCollection,
        *,
        model: str,
        dims: int,
    ) -> None:
        """Start without any."""
        self.model = model
        self.dims = dims
        self._collections = collections
        self._collection = collection
        self._vectors: dict[str, Floats] = {}

    def missing(self) -> set[str]:
        """The ids of the faces that have no new embedding."""
        return self._collection.ids() - self._vectors.keys()

    def pending(self, *, limit: int, cursor: str | None = None) -> Page[StoredFace]:
        """List faces that have no new embedding yet, in the order they were stored."""
        return self._collection.pages(self.missing(), limit=limit, cursor=cursor)

    def put(self, vectors: Mapping[str, Floats]) -> int:
        """Keep new embeddings."""
        for vector in vectors.values():
            check_embedding(vector, dims=self.dims)
        with self._collection.lock:
            self._check_wanted()
            taken = self.missing() & vectors.keys()
            self._vectors |= {face_id: vectors[face_id].copy() for face_id in taken}
            return len(taken)

    def finish(self) -> MemoryCollection:
        """Switch."""
        held = self._collection
        with held.lock:
            self._check_wanted()
            if missing := self.missing():
                raise ChangeIncomplete(f"{len(missing)} faces have no new vector yet")
            changed = held.with_vectors(self._vectors, model=self.model, dims=self.dims)
            changed.change = None
            self._collections[held.name] = changed
            held.retire()
            return changed

    def _check_wanted(self) -> None:
        if self._collection.change is not self:
            raise ModelChanged(f"the collection is not changing to {self.model} any more")


class _Gone(AbstractContextManager[None]):
    """A lock that nobody gets."""

    def __init__(self, reason: str) -> None:
        self._reason = reason

    def __enter__(self) -> None:
        raise ModelChanged(self._reason)

    def __exit__(self, *_: object) -> None:
        pass


class MemoryStore:
    """Collections in memory; see :class:`faceserver.store.base.Store`."""

    def __init__(self, *, dims: int, model: str = "memory", undo_for: timedelta = UNDO_FOR) -> None:
        """Start with an empty default collection, for embeddings of ``dims`` numbers."""
        self._undo_for = undo_for
        self._lock = RLock()
        self._collections: dict[str, MemoryCollection] = {}
        self.create(DEFAULT, model=model, dims=dims)

    def collection(self, name: str = DEFAULT) -> MemoryCollection:
        """Return a collection."""
        if name not in self._collections:
            raise NotFound(f"there is no collection {name!r}")
        return self._collections[name]

    def collections(self) -> list[str]:
        """The names of all collections, in alphabetical order."""
        return sorted(self._collections)

    def create(self, name: str, *, model: str, dims: int) -> MemoryCollection:
        """Make a collection."""
        check_collection_name(name)
        if name in self._collections:
            raise AlreadyExists(f"there is a collection {name!r}")
        made = MemoryCollection(
            name, model=model, dims=dims, undo_for=self._undo_for, lock=self._lock
        )
        self._collections[name] = made
        return made

    def purge(self, name: str | None = None) -> Receipt:
        """Remove a collection, or all."""
        with self._lock:
            chosen = [self.collection(part) for part in ([name] if name else self.collections())]
            subjects = sum(len(part.subjects(limit=2**31).items) for part in chosen)
            faces = sum(part.delete_all() for part in chosen)
            gone = tuple(part.name for part in chosen if part.name != DEFAULT)
            for part in gone:
                del self._collections[part]
        return Receipt(gone, faces, subjects, pictures=0, index_files=0, at=_now())

    def change_model(self, name: str, *, model: str, dims: int) -> MemoryChange:
        """Begin to change a collection's model, or go on with it."""
        with self._lock:
            held = self.collection(name)
            if (held.model, held.dims) == (model, dims):
                raise Conflict(f"the collection {name!r} is of the model {model} already")
            if held.change is None or (held.change.model, held.change.dims) != (model, dims):
                held.change = MemoryChange(self._collections, held, model=model, dims=dims)
            return held.change

    def abandon_change(self, name: str) -> None:
        """Drop what there is of a change of a collection's model."""
        self.collection(name).change = None

    def status(self) -> StoreStatus:
        """Every face is in the index at once."""
        parts = tuple(self._collections[name].status() for name in self.collections())
        faces = sum(part.faces for part in parts)
        return StoreStatus(faces=faces, indexed=faces, collections=parts)

    def close(self) -> None:
        """Do nothing: there is nothing to save."""


def _page(held: Mapping[int, Item], rows: Sequence[int], limit: int) -> Page[Item]:
    items = tuple(held[row] for row in rows[:limit])
    return Page(items, cursor_after(rows[limit - 1]) if len(rows) > limit else None)


def _now() -> datetime:
    return datetime.now(UTC)
