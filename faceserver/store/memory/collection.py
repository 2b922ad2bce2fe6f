"""A collection in memory: its faces, and the people they show."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from copy import copy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import RLock
from typing import Any, Protocol
from uuid import uuid4

from faceserver.errors import AlreadyExists, CannotUndo, InvalidRequest, ModelChanged, NotFound
from faceserver.store.base import CollectionStatus, Page
from faceserver.store.cursor import row_of
from faceserver.store.faces import sorted_tags
from faceserver.store.memory.exemplars import MemoryExemplars
from faceserver.store.memory.faces import page_of
from faceserver.store.names import check_name, name_key
from faceserver.store.subjects import checked_metadata, new_subject
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
        subject = new_subject(
            name, tags=tags, metadata=metadata, subject_id=subject_id, created=created
        )
        with self.lock:
            self.lifetime.check()
            self._check_name_is_free(subject.name)
            if self._is_id_taken(subject.id):
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
        self,
        *,
        limit: int,
        cursor: str | None = None,
        tags: Sequence[str] = (),
        called: str = "",
    ) -> Page[Subject]:
        """List people in the order they were stored."""
        with self.lock:
            people = {row: self._counted(subject) for row, subject in self._subjects.items()}
            after = row_of(cursor)
            rows = [
                row
                for row, person in people.items()
                if row > after
                and set(tags) <= {*person.tags}
                and name_key(called.strip()) in name_key(person.name)
            ]
            return page_of(people, rows, limit)

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
            gone = replace(gone, faces=0, cover=None)
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

    def count_subjects(self) -> int:
        """How many people are held."""
        return len(self._subjects)

    def status(self) -> CollectionStatus:
        """Every face is found at once."""
        faces, change = self.count(), self.change
        status = CollectionStatus(self.name, self.model, self.dims, faces=faces, indexed=faces)
        if change is None:
            return status
        return replace(status, changing_to=change.model, changed=faces - len(change.missing()))

    def retire(self) -> None:
        """Refuse everything from now on: the faces are in another object."""
        self.lock = _Gone(f"the collection {self.name!r} is not of {self.model} any more")

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
        shown = [face.id for face in faces if face.picture or face.crop]
        return replace(subject, faces=len(faces), cover=shown[0] if shown else None)

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
            raise CannotUndo("the time to undo it is over")
        try:
            self.subject(record.merge.into)
            self._check_name_is_free(record.gone.name)
        except (NotFound, AlreadyExists) as error:
            raise CannotUndo(f"it cannot be undone now: {error}") from error
        if self._is_id_taken(record.gone.id):
            raise CannotUndo(f"it cannot be undone now: the subject {record.gone.id!r} is there")

    def _is_id_taken(self, subject_id: str) -> bool:
        return any(subject.id == subject_id for subject in self._subjects.values())

    def _check_name_is_free(self, name: str, *, apart_from: str | None = None) -> None:
        for other in self._subjects.values():
            if name_key(other.name) == name_key(name) and other.id != apart_from:
                raise AlreadyExists(f"there is a subject named {name!r}")


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
