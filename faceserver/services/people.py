"""People: added, listed, changed, deleted, merged, and merges taken back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from faceserver.errors import NotFound
from faceserver.services.context import Context
from faceserver.store.base import Collection, Page
from faceserver.store.listing import Order
from faceserver.store.names import folded
from faceserver.types import Merge, Subject

_AT_ONCE = 1_000

_ALIKE = 200
"""So many people are told by their likeness to a face; the others follow by name."""


@dataclass(frozen=True)
class Wanted:
    """Which people are meant: those who fit all that is set.

    Attributes:
        tags: they have each of these.
        called: their names hold this text, whatever its case and accents.
        hidden: False: they are not hidden; True: they are.
    """

    tags: Sequence[str] = ()
    called: str = ""
    hidden: bool | None = None

    def fits(self, person: Subject) -> bool:
        """Whether the person is meant."""
        return (
            {*self.tags} <= {*person.tags}
            and folded(self.called.strip()) in folded(person.name)
            and self.hidden in {None, person.hidden}
        )


EVERYBODY = Wanted()


class People:
    """The people of all collections. Safe to call from several threads at once."""

    def __init__(self, context: Context) -> None:
        """Take what the use cases share."""
        self._context = context

    def add(
        self,
        collection: str,
        name: str,
        *,
        tags: Sequence[str] = (),
        metadata: Mapping[str, Any] | None = None,
    ) -> Subject:
        """Add a person.

        Raises:
            NotFound: there is no such collection.
            AlreadyExists: somebody has that name.
            InvalidRequest: a text breaks the rule; see :mod:`faceserver.texts`.
        """
        return self._context.on(
            collection, lambda held: held.add_subject(name, tags=tags, metadata=metadata)
        )

    def page(
        self,
        collection: str,
        only: Wanted = EVERYBODY,
        *,
        limit: int,
        cursor: str | None = None,
        order: Order = "stored",
    ) -> Page[Subject]:
        """Some of the people.

        Args:
            collection: whose people.
            only: which of them.
            limit: at most so many.
            cursor: from the page before; None begins.
            order: who comes first.

        Raises:
            NotFound: there is no such collection.
            InvalidCursor: the cursor is none, or of another order.
        """
        return self._context.reading(
            collection,
            lambda held: held.subjects(
                limit=limit,
                cursor=cursor,
                tags=only.tags,
                called=only.called,
                hidden=only.hidden,
                order=order,
            ),
        )

    def count(self, collection: str, only: Wanted = EVERYBODY) -> int:
        """How many people there are who fit.

        Raises:
            NotFound: there is no such collection.
        """
        return self._context.on(
            collection,
            lambda held: held.count_subjects(
                tags=only.tags, called=only.called, hidden=only.hidden
            ),
        )

    def alike(
        self, collection: str, face_id: str, only: Wanted = EVERYBODY, *, limit: int
    ) -> Page[Subject]:
        """People by their likeness to a stored face, the most alike first, however unlike.

        Behind those who have the nearest faces stand the others by name. There is one page.

        Raises:
            NotFound: there is no such collection or face.
        """

        def alike(held: Collection) -> Page[Subject]:
            look = held.look(held.get(face_id).embedding, apart_from=face_id)
            nearest = [match.face.subject for match in look.named(k=_ALIKE)]
            people = (_person(held, subject) for subject in nearest if subject)
            found = [person for person in people if person is not None and only.fits(person)]
            known = {person.id for person in found}
            others = held.subjects(
                limit=limit + len(known),
                order="name",
                tags=only.tags,
                called=only.called,
                hidden=only.hidden,
            )
            found += [person for person in others.items if person.id not in known]
            return Page(tuple(found[:limit]), None)

        return self._context.on(collection, alike)

    def every(self, collection: str) -> list[Subject]:
        """All people, in the order they were stored.

        Raises:
            NotFound: there is no such collection.
        """
        people: list[Subject] = []
        cursor: str | None = None
        while True:
            page = self.page(collection, limit=_AT_ONCE, cursor=cursor)
            people += page.items
            cursor = page.cursor
            if cursor is None:
                return people

    def named(self, collection: str, name: str) -> Subject | None:
        """The person of a name, None if there is none.

        Raises:
            NotFound: there is no such collection.
        """
        return self._context.on(collection, lambda held: held.subject_named(name))

    def get(self, collection: str, subject_id: str) -> Subject:
        """One person.

        Raises:
            NotFound: there is no such collection or person.
        """
        return self._context.on(collection, lambda held: held.subject(subject_id))

    def some(self, collection: str, subject_ids: Sequence[str]) -> list[Subject]:
        """Those of the people that there are, in the order of their ids in the list.

        Raises:
            NotFound: there is no such collection.
        """

        def some(held: Collection) -> list[Subject]:
            found = (_person(held, subject_id) for subject_id in subject_ids)
            return [person for person in found if person is not None]

        return self._context.on(collection, some)

    def change(
        self,
        collection: str,
        subject_id: str,
        *,
        name: str | None = None,
        tags: Sequence[str] | None = None,
        metadata: Mapping[str, Any] | None = None,
        hidden: bool | None = None,
        cover: str | None = None,
    ) -> Subject:
        """Rename, tag, describe, hide or show by another face; what is None stays.

        Args:
            collection: whose person.
            subject_id: the person's.
            name: the new name.
            tags: instead of those that the person has.
            metadata: likewise.
            hidden: whether lists leave the person out.
            cover: id of the face that stands for the person; empty: the best one does.

        Raises:
            NotFound: there is no such collection or person, or the cover is no face of this
                person with a picture.
            AlreadyExists: somebody else has that name.
            InvalidRequest: a text breaks the rule; see :mod:`faceserver.texts`.
        """
        return self._context.on(
            collection,
            lambda held: held.change_subject(
                subject_id, name=name, tags=tags, metadata=metadata, hidden=hidden, cover=cover
            ),
        )

    def rename(self, collection: str, name: str, to: str) -> Subject:
        """Rename a person; if somebody else has the new name, all faces go to them.

        Returns:
            Who has the faces now.

        Raises:
            NotFound: there is no such collection, or nobody of the old name.
            InvalidRequest: the new name breaks the rule; see :mod:`faceserver.texts`.
        """

        def change(held: Collection) -> Subject:
            subject = held.subject_named(name)
            if subject is None:
                raise NotFound(f"there is no subject named {name!r}")
            other = held.subject_named(to)
            if other is None or other.id == subject.id:
                return held.change_subject(subject.id, name=to)
            held.merge(subject.id, into=other.id)
            return held.subject(other.id)

        return self._context.on(collection, change)

    def delete(self, collection: str, subject_id: str, *, keep_faces: bool = False) -> int:
        """Delete a person, and every face of this person; return how many faces there were.

        Args:
            collection: whose person.
            subject_id: the person's.
            keep_faces: the faces stay, and show nobody.

        Raises:
            NotFound: there is no such collection or person.
        """
        return self._context.on(
            collection, lambda held: held.delete_subject(subject_id, keep_faces=keep_faces)
        )

    def merge(self, collection: str, subject_id: str, *, into: str) -> Merge:
        """Give all faces of a person to another one.

        Raises:
            NotFound: there is no such collection, or one of the two is missing.
            InvalidRequest: the two are one.
        """
        return self._context.on(collection, lambda held: held.merge(subject_id, into=into))

    def merges(self, collection: str) -> list[Merge]:
        """The merges that can be taken back, in the order they were made.

        Raises:
            NotFound: there is no such collection.
        """
        made = self._context.on(collection, lambda held: held.merges())
        return sorted(made, key=lambda merge: (merge.at, merge.id))

    def undo(self, collection: str, merge_id: str) -> Subject:
        """Take a merge back; return the person that is there again.

        Raises:
            NotFound: there is no such collection or merge.
            CannotUndo: somebody else has the name by now.
        """
        return self._context.on(collection, lambda held: held.undo(merge_id))


def _person(held: Collection, subject_id: str) -> Subject | None:
    try:
        return held.subject(subject_id)
    except NotFound:
        return None
