"""Who is known not to be the same person: suggestions that were refused, and are not made again.

A refusal is remembered as two faces, and follows them: into the person who gets one of them as a
name, and into the person whom that one is merged with.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from faceserver.errors import InvalidRequest, NotFound
from faceserver.services.negatives import every_exemplar
from faceserver.store.base import Collection, Exemplar

_OTHER = "other"

Key = tuple[str, str]
"""A person or a face, by id."""


@dataclass(frozen=True)
class Apart:
    """Two faces of different people.

    Attributes:
        id: to take it back by.
        faces: their ids.
        created: in UTC.
    """

    id: str
    faces: tuple[str, str]
    created: datetime


def keep_apart(collection: Collection, one: str, other: str) -> Apart:
    """Remember that two stored faces show different people, once however often it is said.

    Raises:
        NotFound: one of them is not there.
        InvalidRequest: both are the same face, or show the same person.
    """
    first, second = collection.get(one), collection.get(other)
    if first.subject is None:
        first, second = second, first
    if first.id == second.id or first.subject == second.subject is not None:
        raise InvalidRequest("these are faces of one person: move one of them first")
    for item in every_exemplar(collection, "apart"):
        if {item.face, item.content.get(_OTHER)} == {first.id, second.id}:
            return apart_of(item)
    return apart_of(
        collection.keep(
            Exemplar(
                "apart",
                second.embedding,
                subject=first.subject,
                face=second.id,
                content={_OTHER: first.id},
            )
        )
    )


def apart_of(exemplar: Exemplar) -> Apart:
    """What was remembered."""
    faces = (str(exemplar.content.get(_OTHER, "")), exemplar.face or "")
    return Apart(exemplar.id, faces, exemplar.created)


class ApartPairs:
    """All of a collection that are known to be different people."""

    def __init__(self, collection: Collection) -> None:
        """Read them."""
        self._pairs: dict[Key, set[Key]] = {}
        for item in every_exemplar(collection, "apart"):
            other = str(item.content.get(_OTHER, ""))
            one = [("person", item.subject)] if item.subject else _keys(collection, other)
            self._add(one, _keys(collection, item.face or ""))
        for item in every_exemplar(collection, "refusal"):
            if item.subject is not None and item.face is not None:
                self._add([("person", item.subject)], _keys(collection, item.face))

    def are_apart(self, one: Iterable[Key], other: Iterable[Key]) -> bool:
        """Whether the two sides, each a person or the faces of a group, are different people."""
        wanted = set(other)
        return any(self._pairs.get(key, set()) & wanted for key in one)

    def people_apart_from(self, face_ids: Iterable[str]) -> set[str]:
        """Ids of the people whom a group of faces is known not to show."""
        near = (self._pairs.get(("face", face_id), set()) for face_id in face_ids)
        return {name for keys in near for kind, name in keys if kind == "person"}

    def _add(self, one: list[Key], other: list[Key]) -> None:
        for key in one:
            self._pairs.setdefault(key, set()).update(other)
        for key in other:
            self._pairs.setdefault(key, set()).update(one)


def _keys(collection: Collection, face_id: str) -> list[Key]:
    """A face, and the person whom it shows."""
    try:
        subject = collection.get(face_id).subject
    except NotFound:
        return []
    return [("face", face_id), *([("person", subject)] if subject else [])]
