"""People: added, listed, changed, deleted, merged, and merges taken back."""

from collections.abc import Mapping, Sequence
from typing import Any

from faceserver.errors import NotFound
from faceserver.services.context import Context
from faceserver.store.base import Collection, Page
from faceserver.types import Merge, Subject

_AT_ONCE = 1_000


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
        *,
        limit: int,
        cursor: str | None = None,
        tags: Sequence[str] = (),
        called: str = "",
    ) -> Page[Subject]:
        """Some of the people, in the order they were stored.

        Args:
            collection: whose people.
            limit: at most so many.
            cursor: from the page before; None begins.
            tags: only those who have each of these.
            called: only those whose names hold this text.

        Raises:
            NotFound: there is no such collection.
            InvalidCursor: the cursor is none.
        """
        return self._context.reading(
            collection,
            lambda held: held.subjects(limit=limit, cursor=cursor, tags=tags, called=called),
        )

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
            found = []
            for subject_id in subject_ids:
                try:
                    found.append(held.subject(subject_id))
                except NotFound:
                    continue
            return found

        return self._context.on(collection, some)

    def change(
        self,
        collection: str,
        subject_id: str,
        *,
        name: str | None = None,
        tags: Sequence[str] | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> Subject:
        """Rename, tag or describe a person; what is None stays.

        Raises:
            NotFound: there is no such collection or person.
            AlreadyExists: somebody else has that name.
            InvalidRequest: a text breaks the rule; see :mod:`faceserver.texts`.
        """
        return self._context.on(
            collection,
            lambda held: held.change_subject(subject_id, name=name, tags=tags, metadata=metadata),
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
