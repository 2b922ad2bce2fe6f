"""A collection in memory: its faces, and the people they show."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from copy import copy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import RLock
from typing import Protocol, Unpack
from uuid import uuid4

from faceserver.errors import AlreadyExists, CannotUndo, InvalidRequest, ModelChanged, NotFound
from faceserver.store.base import CollectionStatus, Page
from faceserver.store.listing import Order
from faceserver.store.memory.exemplars import MemoryExemplars
from faceserver.store.memory.listing import fits, page_of_people
from faceserver.store.names import name_key
from faceserver.store.subjects import (
    COVER_AMONG,
    NewSubject,
    SubjectChange,
    checked_change,
    cover_rank,
    new_subject,
)
from faceserver.types import Floats, Merge, MergeRecord, Subject


class Underway(Protocol):
    """What a collection asks of the change of its model."""

    model: str
    dims: int

    def missing(self) -> set[str]:
        """The ids of the faces that have no new embedding."""
        ...


class MemoryCollection(MemoryExemplars):
    """Faces and people in dicts; see :class:`faceserver.store.base.Collection`."""

    def __init__(
        self, name: str, *, model: str, dims: int, undo_for: timedelta, lock: RLock
    ) -> None:
        """Start empty."""
        super().__init__(name, model=model, dims=dims, lock=lock)
        self.change: Underway | None = None
        self._undo_for = undo_for
        self._merges: dict[str, MergeRecord] = {}

    def delete_all(self) -> int:
        """Delete all faces and subjects; return how many faces there were."""
        with self.lock:
            faces = len(self._faces)
            for held in (self._faces, self._subjects, self._merges, self._exemplars):
                held.clear()
            return faces

    def add_subject(self, name: str, **given: Unpack[NewSubject]) -> Subject:
        """Add a person."""
        subject = new_subject(name, **given)
        with self.lock:
            self.lifetime.check()
            self._check_name_is_free(subject.name)
            if self._is_id_taken(subject.id):
                raise AlreadyExists(f"the subject {subject.id!r} already exists")
            self._subjects[self._next_row()] = subject
            return self._counted(subject)

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
        self,
        *,
        limit: int,
        cursor: str | None = None,
        tags: Sequence[str] = (),
        called: str = "",
        hidden: bool | None = None,
        order: Order = "stored",
    ) -> Page[Subject]:
        """List people."""
        with self.lock:
            people = {
                row: self._counted(person)
                for row, person in self._subjects.items()
                if fits(person, tags, called, hidden)
            }
            return page_of_people(people, order, limit=limit, cursor=cursor)

    def change_subject(self, subject_id: str, **given: Unpack[SubjectChange]) -> Subject:
        """Change what is given of a person."""
        with self.lock:
            row = self._subject_row(subject_id)
            subject = self._subjects[row]
            change = checked_change(given)
            if (name := change.get("name")) is not None:
                self._check_name_is_free(name, apart_from=subject_id)
                subject = replace(subject, name=name)
            if (tags := change.get("tags")) is not None:
                subject = replace(subject, tags=tuple(tags))
            if (metadata := change.get("metadata")) is not None:
                subject = replace(subject, metadata=metadata)
            if (hidden := change.get("hidden")) is not None:
                subject = replace(subject, hidden=hidden)
            if (cover := change.get("cover")) is not None:
                self._check_cover(subject_id, cover)
                subject = replace(subject, cover=cover or None, cover_chosen=bool(cover))
            self._subjects[row] = subject
            return self._counted(subject)

    def delete_subject(self, subject_id: str, *, keep_faces: bool = False) -> int:
        """Delete a person, and every face of this person; return how many faces there were."""
        with self.lock:
            del self._subjects[self._subject_row(subject_id)]
            rows = self._rows_showing(subject_id)
            if keep_faces:
                self._show(rows, None)
            else:
                for row in rows:
                    del self._faces[row]
            self._forget_merges_into(subject_id)
            return len(rows)

    def _forget_merges_into(self, subject_id: str) -> None:
        """Also those of a person who was merged into somebody who was merged into this one."""
        for record in list(self._merges.values()):
            if record.merge.into == subject_id:
                self._merges.pop(record.merge.id, None)
                self._forget_merges_into(record.gone.id)

    def delete_subjects(self) -> tuple[int, int]:
        """Delete all people and every face of theirs; return how many of both there were."""
        with self.lock:
            people = list(self._subjects.values())
            return len(people), sum(self.delete_subject(person.id) for person in people)

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
            ids = tuple(self._faces[row].id for row in rows)
            about = tuple(self._about(gone.id, into))
            gone = replace(self._subjects[self._subject_row(gone.id)], faces=0)
            self._merges[merge.id] = MergeRecord(merge, gone, ids, about)
            self._show(rows, into)
            del self._subjects[self._subject_row(subject_id)]
            return merge

    def merges(self) -> list[Merge]:
        """Those that can be undone, the latest first."""
        return [record.merge for record in self.merge_records()]

    def merge_records(self) -> list[MergeRecord]:
        """Those that can be undone, the latest first, as an export takes them along."""
        with self.lock:
            now = _now()
            held = [self._current(record) for record in reversed(self._merges.values())]
            return [record for record in held if record.merge.until > now]

    def add_merge(self, record: MergeRecord) -> bool:
        """Take in a merge that an export brings, so that it can be undone here too."""
        with self.lock:
            merge = record.merge
            taken = merge.id in self._merges or self._is_id_taken(record.gone.id)
            if taken or merge.until <= _now():
                return False
            self._merges[merge.id] = record
            self._merges = dict(sorted(self._merges.items(), key=lambda item: item[1].merge.at))
            return True

    def undo(self, merge_id: str) -> Subject:
        """Take a merge back."""
        with self.lock:
            if merge_id not in self._merges:
                raise NotFound(f"there is no merge {merge_id!r}")
            record = self._merges[merge_id]
            self._check_can_be_undone(record)
            moved = self._rows_showing(record.merge.into)
            rows = [row for row in moved if self._faces[row].id in record.faces]
            self._subjects[self._next_row()] = record.gone
            self._show(rows, record.gone.id)
            self._about(record.merge.into, record.gone.id, only=frozenset(record.exemplars))
            del self._merges[merge_id]
            return self.subject(record.gone.id)

    def count_subjects(
        self, *, tags: Sequence[str] = (), called: str = "", hidden: bool | None = None
    ) -> int:
        """How many people are held who fit."""
        with self.lock:
            return sum(fits(person, tags, called, hidden) for person in self._subjects.values())

    def status(self) -> CollectionStatus:
        """Every face is found at once."""
        faces, change = self.count(), self.change
        status = CollectionStatus(self.name, self.model, self.dims, faces=faces, indexed=faces)
        if change is None:
            return status
        return replace(status, changing_to=change.model, changed=faces - len(change.missing()))

    def retire(self) -> None:
        """Refuse everything from now on: the faces are in another object."""
        self.lock = _Gone(f"the collection {self.name!r} no longer uses {self.model}")

    def with_vectors(
        self, vectors: Mapping[str, Floats], *, model: str, dims: int
    ) -> "MemoryCollection":
        """The same with these embeddings, by the ids of the faces."""
        changed = copy(self)
        changed.model, changed.dims = model, dims
        changed._exemplars = self._with_new_vectors(vectors)
        changed._faces = {
            row: replace(face, embedding=vectors[face.id]) for row, face in self._faces.items()
        }
        return changed

    def _counted(self, subject: Subject) -> Subject:
        faces = [self._faces[row] for row in self._rows_showing(subject.id)]
        shown = [face for face in faces if face.picture or face.crop]
        chosen = subject.cover is not None and subject.cover in {face.id for face in shown}
        best = max(shown[:COVER_AMONG], key=cover_rank).id if shown else None
        cover = subject.cover if chosen else best
        return replace(subject, faces=len(faces), cover=cover, cover_chosen=chosen)

    def _check_cover(self, subject_id: str, face_id: str) -> None:
        if not face_id:
            return
        for row in self._rows_of([face_id]):
            face = self._faces[row]
            if face.subject == subject_id and (face.picture or face.crop):
                return
        raise NotFound(f"the subject {subject_id!r} has no face {face_id!r} with a picture")

    def _current(self, record: MergeRecord) -> MergeRecord:
        """The record without faces and exemplars that are gone by now."""
        there = self.ids()
        faces = tuple(face_id for face_id in record.faces if face_id in there)
        known = {item.id for item in self._living().values()}
        about = tuple(item for item in record.exemplars if item in known)
        merge = replace(record.merge, faces=len(faces))
        return replace(record, merge=merge, faces=faces, exemplars=about)

    def _check_can_be_undone(self, record: MergeRecord) -> None:
        if record.merge.until <= _now():
            raise CannotUndo("it could only be undone for a while")
        try:
            self.subject(record.merge.into)
            self._check_name_is_free(record.gone.name)
        except (NotFound, AlreadyExists) as error:
            raise CannotUndo(f"it cannot be undone now: {error}") from error
        if self._is_id_taken(record.gone.id):
            raise CannotUndo(
                f"it cannot be undone now: the subject {record.gone.id!r} already exists"
            )

    def _is_id_taken(self, subject_id: str) -> bool:
        return any(subject.id == subject_id for subject in self._subjects.values())

    def _check_name_is_free(self, name: str, *, apart_from: str | None = None) -> None:
        for other in self._subjects.values():
            if name_key(other.name) == name_key(name) and other.id != apart_from:
                raise AlreadyExists(f"a subject named {name!r} already exists")


class _Gone(AbstractContextManager[None]):
    """A lock that nobody gets."""

    def __init__(self, reason: str) -> None:
        self._reason = reason

    def __enter__(self) -> None:
        raise ModelChanged(self._reason)

    def __exit__(self, *_: object) -> None:
        pass


def _now() -> datetime:
    return datetime.now(UTC)
