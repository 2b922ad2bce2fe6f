"""The faces of a collection in memory."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime
from threading import RLock

import numpy as np

from faceserver.errors import AlreadyExists, NotFound
from faceserver.store.base import EVERYTHING, Item, Page
from faceserver.store.cursor import cursor_after, row_of
from faceserver.store.faces import accept, check_embedding, sorted_tags
from faceserver.store.index.exact import nearest, squared_distances
from faceserver.store.lifetime import Lifetime
from faceserver.types import Face, Filter, Floats, Match, Subject, SubjectMatch

_ANYWHERE = 5.0
"""Beyond every distance."""


class MemoryFaces:
    """Faces in a dict; every distance is computed. See :class:`faceserver.store.base.Collection`.

    Pictures are not its business: what lies in files is for who has files.
    """

    def __init__(self, name: str, *, model: str, dims: int, lock: RLock) -> None:
        """Start empty."""
        self.name = name
        self.model = model
        self.dims = dims
        self.lock: AbstractContextManager[object] = lock
        self.created = datetime.now(UTC)
        self.lifetime = Lifetime()
        self._row = 0
        self._faces: dict[int, Face] = {}
        self._subjects: dict[int, Subject] = {}

    def add(self, faces: Sequence[Face]) -> list[Face]:
        """Hold all of the faces or none."""
        new = accept(faces, dims=self.dims)
        with self.lock:
            self.lifetime.check()
            ids = [face.id for face in new]
            if len({*ids, *(face.id for face in self._faces.values())}) < len(ids) + self.count():
                raise AlreadyExists("a face with this id already exists")
            for subject in {face.subject for face in new if face.subject}:
                self._subject_row(subject)
            for face in new:
                self._faces[self._next_row()] = face
        return new

    def get(self, face_id: str) -> Face:
        """Return one face."""
        return self._faces[self._face_row(face_id)]

    def faces(
        self, *, limit: int, cursor: str | None = None, only: Filter = EVERYTHING, skip: int = 0
    ) -> Page[Face]:
        """List faces in the order they were stored."""
        after = row_of(cursor)
        with self.lock:
            rows = [row for row in self._faces if row > after and self._fits(row, only)]
            return page_of(self._faces, rows[skip:], limit)

    def delete(self, face_ids: Sequence[str]) -> int:
        """Delete faces."""
        with self.lock:
            rows = self._rows_of(face_ids)
            for row in rows:
                del self._faces[row]
            return len(rows)

    def move(self, face_ids: Sequence[str], subject: str | None) -> int:
        """Say whom faces show; return how many of them there are."""
        with self.lock:
            if subject is not None:
                self._subject_row(subject)
            rows = self._rows_of(face_ids)
            self._show(rows, subject)
            return len(rows)

    def tag(self, face_id: str, tags: Sequence[str]) -> Face:
        """Give a face these tags instead of those it has."""
        with self.lock:
            row = self._face_row(face_id)
            self._faces[row] = replace(self._faces[row], tags=sorted_tags(tags))
            return self._faces[row]

    def identify(self, face_id: str, external_id: str | None) -> Face:
        """Say what another system calls a face."""
        with self.lock:
            row = self._face_row(face_id)
            self._faces[row] = replace(self._faces[row], external_id=external_id)
            return self._faces[row]

    def search(
        self, probe: Floats, *, k: int, max_distance: float, only: Filter = EVERYTHING
    ) -> list[Match]:
        """Find the nearest faces, exactly."""
        return self.look(probe, only=only).faces(k=k, max_distance=max_distance)

    def search_subjects(
        self, probe: Floats, *, k: int, max_distance: float, only: Filter = EVERYTHING
    ) -> list[SubjectMatch]:
        """Find the nearest people, exactly."""
        return self.look(probe, only=only).people(k=k, max_distance=max_distance)

    def look(
        self, probe: Floats, *, only: Filter = EVERYTHING, apart_from: str | None = None
    ) -> "MemoryLook":
        """Ask several things about one probe."""
        return MemoryLook(lambda most: self._near(probe, most, only, apart_from))

    def count(self, only: Filter = EVERYTHING) -> int:
        """How many faces are held that fit a filter."""
        with self.lock:
            return sum(self._fits(row, only) for row in self._faces)

    def pages(self, face_ids: Collection[str], *, limit: int, cursor: str | None) -> Page[Face]:
        """List these faces in the order they were stored."""
        after = row_of(cursor)
        with self.lock:
            rows = [row for row in self._rows_of(face_ids) if row > after]
            return page_of(self._faces, rows, limit)

    def ids(self) -> set[str]:
        """The ids of all faces."""
        with self.lock:
            return {face.id for face in self._faces.values()}

    def _near(
        self, probe: Floats, max_distance: float, only: Filter, apart_from: str | None = None
    ) -> list[Match]:
        check_embedding(probe, dims=self.dims)
        with self.lock:
            fitting = {
                row: face
                for row, face in self._faces.items()
                if self._fits(row, only) and face.id != apart_from
            }
            names = {person.id: person.name for person in self._subjects.values()}
        return _ranked(fitting, names, probe, max_distance=max_distance)

    def _fits(self, row: int, only: Filter) -> bool:
        face = self._faces[row]
        tags = {*face.tags}
        if face.subject:
            tags |= {*self._subjects[self._subject_row(face.subject)].tags}
        return (
            only.subject in (None, face.subject)
            and only.external_id in (None, face.external_id)
            and only.picture in (None, face.picture)
            and only.named in (None, face.subject is not None)
            and face.subject not in only.without
            and tags >= {*only.tags}
            and all(each.fits(face.attributes.get(each.name)) for each in only.where)
        )

    def _show(self, rows: Sequence[int], subject: str | None) -> None:
        for row in rows:
            self._faces[row] = replace(self._faces[row], subject=subject)

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


def page_of(held: Mapping[int, Item], rows: Sequence[int], limit: int) -> Page[Item]:
    """The first items in these rows, and where the others begin."""
    items = tuple(held[row] for row in rows[:limit])
    return Page(items, cursor_after(rows[limit - 1]) if len(rows) > limit else None)


class MemoryLook:
    """What is near one probe, exactly; see :class:`faceserver.store.facebase.Look`."""

    def __init__(self, near: Callable[[float], list[Match]]) -> None:
        """Take what gives all faces under a distance, nearest first."""
        self._near = near

    def faces(self, *, k: int, max_distance: float) -> list[Match]:
        """The nearest faces."""
        return self._near(max_distance)[: max(k, 0)]

    def people(self, *, k: int, max_distance: float) -> list[SubjectMatch]:
        """The nearest people, and how many of their faces are under the distance."""
        groups = _by_subject(self._near(max_distance))[: max(k, 0)]
        return [SubjectMatch(group[0].face.subject, group[0], len(group)) for group in groups]

    def named(self, *, k: int) -> list[Match]:
        """The nearest face of each of the nearest people with a name, however far away."""
        groups = _by_subject(match for match in self._near(_ANYWHERE) if match.face.subject)
        return [group[0] for group in groups[: max(k, 0)]]


def _ranked(
    faces: Mapping[int, Face], names: Mapping[str, str], probe: Floats, *, max_distance: float
) -> list[Match]:
    """The faces by their distance; equal ones in the order they came."""
    if not faces:
        return []
    vectors = np.stack([face.embedding for face in faces.values()])
    labels, distances = nearest(
        np.array(list(faces), np.int64), squared_distances(vectors, probe), k=len(faces)
    )
    return [
        Match(faces[label], distance, names.get(faces[label].subject or ""))
        for label, distance in zip(labels.tolist(), distances.tolist(), strict=True)
        if distance < max_distance
    ]


def _by_subject(matches: Iterable[Match]) -> list[list[Match]]:
    """The matches of each person together, in the order of their first; nobody's each alone."""
    groups: dict[str, list[Match]] = {}
    for match in matches:
        groups.setdefault(match.face.subject or f"face {match.face.id}", []).append(match)
    return list(groups.values())
