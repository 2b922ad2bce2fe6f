"""The people of a collection on the disk."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Unpack

from faceserver.errors import InvalidRequest
from faceserver.store.base import Page
from faceserver.store.index.owners import NOBODY
from faceserver.store.index.upkeep import IndexKeeper
from faceserver.store.listing import Order
from faceserver.store.sqlite.facetable import FaceTable
from faceserver.store.sqlite.mergetable import MergeTable
from faceserver.store.sqlite.subjecttable import SubjectTable
from faceserver.store.subjects import NewSubject, SubjectChange, checked_change, new_subject
from faceserver.types import Filter, Merge, MergeRecord, Subject


class DurableSubjects:
    """The part of a collection; see :class:`faceserver.store.subjectbase.SubjectCollection`."""

    index: IndexKeeper
    _faces: FaceTable
    _subjects: SubjectTable
    _merges: MergeTable
    _changing: Callable[[], AbstractContextManager[None]]
    _trim_exemplars: Callable[[], None]

    def add_subject(self, name: str, **given: Unpack[NewSubject]) -> Subject:
        """Add a person."""
        subject = new_subject(name, **given)
        with self._changing():
            self._subjects.insert(subject)
        return self._subjects.get(subject.id) if subject.cover else subject

    def subject(self, subject_id: str) -> Subject:
        """Return one person."""
        return self._subjects.get(subject_id)

    def subject_named(self, name: str) -> Subject | None:
        """Return the person of a name, without regard to case, None if there is none."""
        return self._subjects.named(name)

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
        return self._subjects.page(
            limit=limit, cursor=cursor, tags=tags, called=called, hidden=hidden, order=order
        )

    def change_subject(self, subject_id: str, **given: Unpack[SubjectChange]) -> Subject:
        """Change what is given of a person: rename, tag, describe, hide, show by another face."""
        with self._changing():
            self._subjects.change(subject_id, checked_change(given))
        return self._subjects.get(subject_id)

    def delete_subject(self, subject_id: str, *, keep_faces: bool = False) -> int:
        """Delete a person, and every face of this person; return how many faces there were."""
        with self._changing():
            labels = self._faces.labels(only=Filter(subject=subject_id))
            self._subjects.delete(subject_id, keep_faces=keep_faces)
            if keep_faces:
                self.index.owners.give(labels, NOBODY)
            else:
                self.index.remove(labels)
            self._trim_exemplars()
        return len(labels)

    def delete_subjects(self) -> tuple[int, int]:
        """Delete all people and their faces; return how many of both there were."""
        with self._changing():
            labels = self._faces.labels(only=Filter(named=True))
            people = self._subjects.delete_all()
            self.index.remove(labels)
        return people, len(labels)

    def merge(self, subject_id: str, *, into: str) -> Merge:
        """Give all faces of a person to another one."""
        if subject_id == into:
            raise InvalidRequest("a subject cannot be merged into itself")
        with self._changing():
            merge = self._merges.merge(subject_id, into=into)
            self.index.owners.give(*self._faces.owners.labels_showing(into))
        return merge

    def merges(self) -> list[Merge]:
        """Those that can be undone, the latest first."""
        return self._merges.all()

    def undo(self, merge_id: str) -> Subject:
        """Take a merge back: the person is there again."""
        with self._changing():
            subject_id = self._merges.undo(merge_id)
            self.index.owners.give(*self._faces.owners.labels_showing(subject_id))
        return self._subjects.get(subject_id)

    def merge_records(self) -> list[MergeRecord]:
        """Those that can be undone, the latest first, as an export takes them along."""
        return self._merges.records()

    def add_merge(self, record: MergeRecord) -> bool:
        """Take in a merge that an export brings, so that it can be undone here too."""
        with self._changing():
            return self._merges.insert(record)

    def count_subjects(
        self, *, tags: Sequence[str] = (), called: str = "", hidden: bool | None = None
    ) -> int:
        """How many people are stored who fit."""
        return self._subjects.count(tags=tags, called=called, hidden=hidden)
