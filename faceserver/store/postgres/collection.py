"""A collection in PostgreSQL."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Unpack

from faceserver.errors import InvalidRequest
from faceserver.runtime import metrics
from faceserver.runtime.postgres import Postgres, Transaction
from faceserver.store.base import EVERYTHING, CollectionStatus, Page
from faceserver.store.faces import accept, check_embedding, sorted_tags
from faceserver.store.lifetime import Lifetime
from faceserver.store.listing import Order
from faceserver.store.names import check_external_id
from faceserver.store.postgres import changetable, facetable, mergetable, subjecttable
from faceserver.store.postgres.exemplars import PostgresExemplars
from faceserver.store.postgres.look import Look
from faceserver.store.postgres.searcher import Searcher
from faceserver.store.postgres.tables import CollectionRow, Tables, is_indexed
from faceserver.store.subjects import NewSubject, SubjectChange, checked_change, new_subject
from faceserver.types import Face, Filter, Floats, Match, Merge, MergeRecord, Subject, SubjectMatch


class PostgresCollection(PostgresExemplars):
    """Faces in tables; see :class:`faceserver.store.base.Collection`. Made by the store."""

    def __init__(
        self,
        database: Postgres,
        row: CollectionRow,
        lifetime: Lifetime,
        *,
        exact_up_to: int,
        undo_for: timedelta,
        seen_to: Callable[[], None],
    ) -> None:
        """Take the parts.

        Args:
            database: where the tables are.
            row: the collection.
            lifetime: ends when it is deleted.
            exact_up_to: so many faces are searched exactly.
            undo_for: so long a merge can be undone.
            seen_to: called after faces were deleted; removes pictures that nobody is in any more.
        """
        super().__init__(database, Tables(row, lifetime))
        self.row = row
        self.name, self.model, self.dims, self.created = row.name, row.model, row.dims, row.created
        self.lifetime = lifetime
        self._exact_up_to = exact_up_to
        self._undo_for = undo_for
        self._seen_to = seen_to

    @metrics.stage("store")
    def add(self, faces: Sequence[Face]) -> list[Face]:
        """Store all of the faces or none; on return they survive a crash."""
        new = accept(faces, dims=self.dims)
        if new:
            self._write(partial(facetable.insert, faces=new))
        return new

    def get(self, face_id: str) -> Face:
        """Return one face."""
        return self._read(partial(facetable.get, face_id=face_id))

    def faces(
        self, *, limit: int, cursor: str | None = None, only: Filter = EVERYTHING, skip: int = 0
    ) -> Page[Face]:
        """List faces in the order they were stored."""
        return self._read(partial(facetable.page, limit=limit, cursor=cursor, only=only, skip=skip))

    def delete(self, face_ids: Sequence[str]) -> int:
        """Delete faces; a picture goes with the last face that is in it."""

        def delete(transaction: Transaction, tables: Tables) -> int:
            numbers = facetable.numbers_of(transaction, tables, face_ids)
            return facetable.delete(transaction, tables, "id = ANY(%s)", numbers)

        return self._deleting(delete)

    def delete_all(self) -> int:
        """Delete all faces and subjects; return how many faces there were."""

        def delete(transaction: Transaction, tables: Tables) -> int:
            transaction.run(f"DELETE FROM {tables.merges}")
            transaction.read(f"SELECT id FROM {tables.subjects} ORDER BY id FOR UPDATE")
            faces = facetable.delete(transaction, tables, "true")
            for table in (tables.exemplars, tables.subjects):
                transaction.run(f"DELETE FROM {table}")
            return faces

        return self._deleting(delete)

    def move(self, face_ids: Sequence[str], subject: str | None) -> int:
        """Say whom faces show; return how many of them there are."""
        return self._write(partial(facetable.move, face_ids=face_ids, subject=subject))

    def tag(self, face_id: str, tags: Sequence[str]) -> Face:
        """Give a face these tags instead of those it has."""
        return self._put(face_id, "tags", list(sorted_tags(tags)))

    def identify(self, face_id: str, external_id: str | None) -> Face:
        """Say what another system calls a face."""
        if external_id is not None:
            check_external_id(external_id)
        return self._put(face_id, "external_id", external_id)

    @metrics.stage("search")
    def search(
        self, probe: Floats, *, k: int, max_distance: float, only: Filter = EVERYTHING
    ) -> list[Match]:
        """Find the nearest faces; exactly as long as they are few."""
        return self.look(probe, only=only).faces(k=k, max_distance=max_distance)

    @metrics.stage("search")
    def search_subjects(
        self, probe: Floats, *, k: int, max_distance: float, only: Filter = EVERYTHING
    ) -> list[SubjectMatch]:
        """Find the nearest people; a face of nobody stands for a person of its own."""
        return self.look(probe, only=only).people(k=k, max_distance=max_distance)

    def look(
        self, probe: Floats, *, only: Filter = EVERYTHING, apart_from: str | None = None
    ) -> Look:
        """Ask several things about one probe."""
        check_embedding(probe, dims=self.dims)
        searcher = Searcher(
            self.tables, probe, only=only, apart_from=apart_from, exact_up_to=self._exact_up_to
        )
        return Look(self._read_by, self.tables, searcher, probe)

    def add_subject(self, name: str, **given: Unpack[NewSubject]) -> Subject:
        """Add a person."""
        subject = new_subject(name, **given)
        self._write(partial(subjecttable.insert, subject=subject))
        return self.subject(subject.id) if subject.cover else subject

    def subject(self, subject_id: str) -> Subject:
        """Return one person."""
        return self._read(partial(subjecttable.get, subject_id=subject_id))

    def subject_named(self, name: str) -> Subject | None:
        """Return the person of a name, without regard to case, None if there is none."""
        return self._read(partial(subjecttable.named, name=name))

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
        return self._read(
            partial(
                subjecttable.page,
                limit=limit,
                cursor=cursor,
                tags=tags,
                called=called,
                hidden=hidden,
                order=order,
            )
        )

    def change_subject(self, subject_id: str, **given: Unpack[SubjectChange]) -> Subject:
        """Change what is given of a person: rename, tag, describe, hide, show by another face."""
        checked = checked_change(given)

        def change(transaction: Transaction, tables: Tables) -> Subject:
            subjecttable.change(transaction, tables, subject_id, checked)
            return subjecttable.get(transaction, tables, subject_id)

        return self._write(change)

    def delete_subject(self, subject_id: str, *, keep_faces: bool = False) -> int:
        """Delete a person, and every face of this person; return how many faces there were."""
        return self._deleting(
            partial(subjecttable.remove, subject_id=subject_id, keep_faces=keep_faces)
        )

    def delete_subjects(self) -> tuple[int, int]:
        """Delete all people and every face of theirs; return how many of both there were."""
        deleted = self._write(subjecttable.remove_all)
        if deleted[1]:
            self._seen_to()
        return deleted

    def merge(self, subject_id: str, *, into: str) -> Merge:
        """Give all faces of a person to another one."""
        if subject_id == into:
            raise InvalidRequest("a subject cannot be merged into itself")
        return self._write(
            partial(mergetable.merge, subject_id=subject_id, into=into, undo_for=self._undo_for)
        )

    def merges(self) -> list[Merge]:
        """Those that can be undone, the latest first."""
        return [record.merge for record in self.merge_records()]

    def undo(self, merge_id: str) -> Subject:
        """Take a merge back: the person is there again."""

        def undo(transaction: Transaction, tables: Tables) -> Subject:
            subject_id = mergetable.undo(transaction, tables, merge_id)
            return subjecttable.get(transaction, tables, subject_id)

        return self._write(undo)

    def merge_records(self) -> list[MergeRecord]:
        """Those that can be undone, the latest first, as an export takes them along."""
        return self._read(mergetable.records)

    def add_merge(self, record: MergeRecord) -> bool:
        """Take in a merge that an export brings, so that it can be undone here too."""
        return self._write(partial(mergetable.insert, record=record))

    def count(self, only: Filter = EVERYTHING) -> int:
        """How many faces are stored that fit a filter."""
        return self._read(partial(facetable.count, only=only))

    def count_subjects(
        self, *, tags: Sequence[str] = (), called: str = "", hidden: bool | None = None
    ) -> int:
        """How many people are stored who fit."""
        return self._read(partial(subjecttable.count, tags=tags, called=called, hidden=hidden))

    def status(self) -> CollectionStatus:
        """The state of the index, and of a change of the model."""
        return self._read(self._status)

    def _status(self, transaction: Transaction, tables: Tables) -> CollectionStatus:
        faces = facetable.count(transaction, tables)
        wants_index = faces > self._exact_up_to
        has_index = wants_index and is_indexed(transaction, self.row.space)
        ((ef, recall),) = transaction.read(
            "SELECT ef, recall FROM spaces WHERE id = %s", self.row.space
        )
        status = CollectionStatus(
            self.name,
            self.model,
            self.dims,
            faces=faces,
            indexed=faces,
            index="graph" if has_index else "building" if wants_index else "exact",
            progress=1.0 if has_index or not wants_index else 0.0,
            ef=ef if has_index else None,
            recall=recall if has_index else None,
        )
        change = changetable.state(transaction, tables)
        if change is None:
            return status
        return replace(status, changing_to=change[0], changed=change[1])

    def _put(self, face_id: str, column: str, value: object) -> Face:
        def put(transaction: Transaction, tables: Tables) -> Face:
            facetable.put(transaction, tables, face_id, column, value)
            return facetable.get(transaction, tables, face_id)

        return self._write(put)

    def _deleting(self, work: Callable[[Transaction, Tables], int]) -> int:
        deleted = self._write(work)
        if deleted:
            self._seen_to()
        return deleted
