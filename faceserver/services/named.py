"""Faces of people, for programs that know no other: in numbered pages, with whom they show."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO

from faceserver.errors import NotFound
from faceserver.services.context import Context
from faceserver.store.base import Collection
from faceserver.types import Face, Filter

_NAMED = Filter(named=True)


@dataclass(frozen=True, eq=False)
class NamedFace:
    """A stored face, and the name of whom it shows."""

    face: Face
    name: str


@dataclass(frozen=True, eq=False)
class NumberedPage:
    """Some of a list.

    Attributes:
        items: in the order they were stored.
        total: how many the whole list has.
    """

    items: tuple[NamedFace, ...]
    total: int


class NamedFaces:
    """The faces of people in all collections. Safe to call from several threads at once."""

    def __init__(self, context: Context) -> None:
        """Take what the use cases share."""
        self._context = context

    def page(self, collection: str, *, number: int, size: int, of: str | None) -> NumberedPage:
        """A page of faces.

        Args:
            collection: whose faces.
            number: of the page, from 0.
            size: how many faces a page has, 1 or more.
            of: only those of the person with exactly this name; None for everybody's.

        Raises:
            NotFound: there is no such collection.
        """

        def list_faces(held: Collection) -> NumberedPage:
            person = None if of is None else held.subject_named(of)
            if of is not None and (person is None or person.name != of.strip()):
                return NumberedPage((), 0)
            only = Filter(subject=person.id) if person else _NAMED
            faces = held.faces(limit=size, only=only, skip=number * size).items
            return NumberedPage(_with_names(held, faces), held.count(only))

        return self._context.reading(collection, list_faces)

    def get(self, collection: str, face_id: str) -> NamedFace:
        """One face.

        Raises:
            NotFound: there is no such collection, or no face of a person with that id.
        """

        def find(held: Collection) -> NamedFace:
            for found in _with_names(held, [held.get(face_id)]):
                return found
            raise NotFound(f"the face {face_id!r} is not of a named person")

        return self._context.on(collection, find)

    def delete(self, collection: str, face_ids: Sequence[str]) -> list[NamedFace]:
        """Delete faces; return those of them that there were.

        Raises:
            NotFound: there is no such collection.
        """

        def delete(held: Collection) -> list[NamedFace]:
            found = [
                named
                for face_id in dict.fromkeys(face_ids)
                for named in _with_names(held, _there(held, face_id))
            ]
            held.delete([named.face.id for named in found])
            return found

        return self._context.on(collection, delete)

    def delete_person(self, collection: str, name: str) -> int:
        """Delete whoever has a name, with all faces; return how many faces there were.

        Raises:
            NotFound: there is no such collection.
        """

        def delete(held: Collection) -> int:
            person = held.subject_named(name)
            return held.delete_subject(person.id) if person else 0

        return self._context.on(collection, delete)

    def delete_all(self, collection: str) -> tuple[int, int]:
        """Delete all people and their faces; return how many of both there were.

        Raises:
            NotFound: there is no such collection.
        """
        return self._context.on(collection, lambda held: held.delete_subjects())

    def open_picture(self, collection: str, face_id: str) -> IO[bytes]:
        """The picture of a face, or its crop where that alone is kept, as a stream to be closed.

        Raises:
            NotFound: there is no such collection or face, or nothing of the picture is kept.
        """
        face = self.get(collection, face_id).face
        name = face.picture or face.crop
        if not name:
            raise NotFound("the picture of this face was not kept")
        return self._context.pictures.open(name)


def _there(held: Collection, face_id: str) -> list[Face]:
    try:
        return [held.get(face_id)]
    except NotFound:
        return []


def _with_names(held: Collection, faces: Sequence[Face]) -> tuple[NamedFace, ...]:
    """The faces with names; those of people who were deleted just now are left out."""
    names: dict[str, str | None] = {}
    for subject in dict.fromkeys(face.subject for face in faces if face.subject):
        try:
            names[subject] = held.subject(subject).name
        except NotFound:
            names[subject] = None
    named = ((face, names.get(face.subject or "")) for face in faces)
    return tuple(NamedFace(face, name) for face, name in named if name is not None)
