"""A collection on the disk: rows in SQLite, and an index that follows them."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from threading import Lock
from typing import Any

from faceserver.errors import ModelChanged
from faceserver.runtime import metrics
from faceserver.runtime.rwlock import SharedLock
from faceserver.store.base import EVERYTHING, CollectionStatus, Page
from faceserver.store.faces import accept, check_embedding, sorted_tags
from faceserver.store.index.exact import Labels
from faceserver.store.index.owners import NOBODY
from faceserver.store.index.upkeep import IndexKeeper
from faceserver.store.lifetime import Lifetime
from faceserver.store.sqlite.changetable import ChangeTable
from faceserver.store.sqlite.collectiontable import CollectionRow
from faceserver.store.sqlite.exemplars import DurableExemplars
from faceserver.store.sqlite.exemplartable import ExemplarTable
from faceserver.store.sqlite.facetable import FaceTable
from faceserver.store.sqlite.look import Look
from faceserver.store.sqlite.mergetable import MergeTable
from faceserver.store.sqlite.searcher import LEAST, Searcher
from faceserver.store.sqlite.subjects import DurableSubjects
from faceserver.store.sqlite.subjecttable import SubjectTable
from faceserver.types import Face, Filter, Floats, Match, SubjectMatch


class DurableCollection(DurableSubjects, DurableExemplars):
    """Faces on the disk; see :class:`faceserver.store.base.Collection`. Made by the store."""

    def __init__(
        self,
        row: CollectionRow,
        faces: FaceTable,
        subjects: SubjectTable,
        index: IndexKeeper,
        change: ChangeTable,
        *,
        merges: MergeTable,
        exemplars: ExemplarTable,
        changing: Callable[[], AbstractContextManager[None]],
        empty: Callable[[], tuple[int, int]],
        lifetime: Lifetime,
    ) -> None:
        """Take the parts.

        Args:
            row: the collection.
            faces: its faces' rows.
            subjects: its people's rows.
            index: finds faces by vector.
            change: the new vectors, where its model is being changed.
            merges: rows of the merges that can be undone.
            exemplars: rows of what is remembered beside the faces.
            changing: held while something changes; removes the pictures that nobody is in any more.
            empty: deletes all rows; returns how many faces and subjects.
            lifetime: ends when the store deletes the collection.
        """
        self.row = row
        self.name = row.name
        self.model = row.model
        self.dims = row.dims
        self.created = row.created
        self.index = index
        self.lifetime = lifetime
        self._faces = faces
        self._subjects = subjects
        self._merges = merges
        self._exemplars = exemplars
        self._change = change
        self._store_changing = changing
        self._empty = empty
        self._switching = SharedLock()
        self._retired = False
        self._turns = Lock()

    @metrics.stage("store")
    def add(self, faces: Sequence[Face]) -> list[Face]:
        """Store all of the faces or none; on return they survive a crash."""
        new = accept(faces, dims=self.dims)
        if not new:
            return []
        with self._changing():
            self._faces.insert(new)
            self.index.follow()
        return new

    def get(self, face_id: str) -> Face:
        """Return one face."""
        with self.reading():
            return self._faces.get(face_id)

    def faces(
        self, *, limit: int, cursor: str | None = None, only: Filter = EVERYTHING, skip: int = 0
    ) -> Page[Face]:
        """List faces in the order they were stored."""
        with self.reading():
            return self._faces.page(limit=limit, cursor=cursor, only=only, skip=skip)

    def delete(self, face_ids: Sequence[str]) -> int:
        """Delete faces; a picture goes with the last face that is in it."""
        with self._changing():
            labels = self._faces.labels_of(face_ids)
            self._faces.delete(labels)
            self.index.remove(labels)
            self._trim_exemplars()
        return len(labels)

    def delete_all(self) -> int:
        """Delete all faces and subjects; return how many faces there were."""
        with self._changing():
            faces, _ = self._empty()
            self.index.clear()
            self._trim_exemplars()
        return faces

    def move(self, face_ids: Sequence[str], subject: str | None) -> int:
        """Say whom faces show; return how many of them there are."""
        with self._changing():
            labels = self._faces.labels_of(face_ids)
            self._faces.move(labels, subject)
            person = self._faces.owners.labels_showing(subject)[1] if subject else NOBODY
            self.index.owners.give(labels, person)
        return len(labels)

    def tag(self, face_id: str, tags: Sequence[str]) -> Face:
        """Give a face these tags instead of those it has."""
        with self._changing():
            self._faces.tag(face_id, sorted_tags(tags))
            return self._faces.get(face_id)

    def identify(self, face_id: str, external_id: str | None) -> Face:
        """Say what another system calls a face."""
        with self._changing():
            self._faces.identify(face_id, external_id)
            return self._faces.get(face_id)

    @metrics.stage("search")
    def search(
        self, probe: Floats, *, k: int, max_distance: float, only: Filter = EVERYTHING
    ) -> list[Match]:
        """Find the nearest faces; exactly as long as they are few."""
        return self._looked(probe, only=only).faces(k=k, max_distance=max_distance)

    @metrics.stage("search")
    def search_subjects(
        self, probe: Floats, *, k: int, max_distance: float, only: Filter = EVERYTHING
    ) -> list[SubjectMatch]:
        """Find the nearest people; a face of nobody stands for a person of its own."""
        return self._looked(probe, only=only).people(k=k, max_distance=max_distance)

    def look(
        self, probe: Floats, *, only: Filter = EVERYTHING, apart_from: str | None = None
    ) -> Look:
        """Ask several things about one probe."""
        return self._looked(probe, only=only, apart_from=apart_from, least=LEAST)

    def count(self, only: Filter = EVERYTHING) -> int:
        """How many faces are stored that fit a filter."""
        return self._faces.count(only)

    def status(self) -> CollectionStatus:
        """The state of the index, and of a change of the model."""
        state = self._change.state()
        if state is None:
            return self.index.status()
        return replace(self.index.status(), changing_to=state[0], changed=state[1])

    def labels(self) -> Labels:
        """The row ids of all faces, rising."""
        return self._faces.labels()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Held while vectors are read: they are all of this collection's model.

        Raises:
            ModelChanged: they are of another model now.
        """
        with self._switching.shared():
            self._check_model()
            yield

    def alone(self) -> AbstractContextManager[None]:
        """Held while the model is switched: nobody reads."""
        return self._switching.exclusive()

    def retire(self) -> None:
        """Refuse everything from now on: the rows are of another model."""
        self._retired = True
        self.index.clear()

    def _looked(self, probe: Floats, *, only: Filter, **more: Any) -> Look:
        check_embedding(probe, dims=self.dims)
        searcher = Searcher(self._faces, self.index, probe, only=only, **more)
        return Look(self._faces, searcher, probe, reading=self.reading)

    @contextmanager
    def _changing(self) -> Iterator[None]:
        with self._store_changing():
            self._check_model()
            yield

    def _check_model(self) -> None:
        self.lifetime.check()
        if self._retired:
            raise ModelChanged(f"the collection {self.name!r} no longer uses {self.model}")
