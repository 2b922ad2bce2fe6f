"""What every collection does with the people that its faces show."""

from collections.abc import Sequence
from typing import Protocol, Unpack

from faceserver.store.listing import Order
from faceserver.store.results import Page
from faceserver.store.subjects import NewSubject, SubjectChange
from faceserver.types import Merge, MergeRecord, Subject


class SubjectCollection(Protocol):
    """People: added, listed, changed, deleted, merged."""

    def add_subject(self, name: str, **given: Unpack[NewSubject]) -> Subject:
        """Add a person.

        Args:
            name: not empty; unique in the collection, without regard to case.
            given: what else is known of the person.

        Raises:
            InvalidRequest: the name is empty, or the metadata is not JSON.
            AlreadyExists: the name or the id is taken.
        """
        ...

    def subject(self, subject_id: str) -> Subject:
        """Return one person.

        Raises:
            NotFound: there is none of that id in the collection.
        """
        ...

    def subject_named(self, name: str) -> Subject | None:
        """Return the person of a name, without regard to case, None if there is none."""
        ...

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
        """List people.

        Args:
            limit: at most so many, 1 or more.
            cursor: from the page before; None begins.
            tags: they have each of these.
            called: their names contain this, without regard to case and accents.
            hidden: False: only those who are not hidden; True: only those who are.
            order: who comes first. Who is given another name or more faces meanwhile may come twice
                or go missing; nobody else does.

        Raises:
            InvalidCursor: the cursor is none, or of another order.
        """
        ...

    def change_subject(self, subject_id: str, **given: Unpack[SubjectChange]) -> Subject:
        """Change what is given of a person: rename, tag, describe, hide, show by another face.

        Args:
            subject_id: the person's.
            given: what changes; what is None or missing stays.

        Raises:
            InvalidRequest: the name is empty, or the metadata is not JSON.
            NotFound: there is no such person, or the cover is no face of this person with a
                picture.
            AlreadyExists: another person has the name.
        """
        ...

    def delete_subject(self, subject_id: str, *, keep_faces: bool = False) -> int:
        """Delete a person, and every face of this person; return how many faces there were.

        Args:
            subject_id: the person's.
            keep_faces: the faces stay, and show nobody.

        Raises:
            NotFound: there is no such person.
        """
        ...

    def delete_subjects(self) -> tuple[int, int]:
        """Delete all people and every face of theirs; faces of nobody stay.

        Returns:
            How many people and how many faces there were.
        """
        ...

    def merge(self, subject_id: str, *, into: str) -> Merge:
        """Give all faces of a person to another one, who keeps name, tags and metadata.

        Raises:
            InvalidRequest: both are the same.
            NotFound: one of them is not there.
        """
        ...

    def merges(self) -> list[Merge]:
        """Those that can be undone, the latest first."""
        ...

    def undo(self, merge_id: str) -> Subject:
        """Take a merge back: the person is there again, with id, name, tags and metadata.

        Of the faces that were moved, those come back that still belong to whom they went to.

        Raises:
            NotFound: there is no such merge.
            CannotUndo: its time is over, who got the faces is gone, or the name or the id is taken
                now.
        """
        ...

    def merge_records(self) -> list[MergeRecord]:
        """Those that can be undone, the latest first, as an export takes them along."""
        ...

    def add_merge(self, record: MergeRecord) -> bool:
        """Take in a merge that an export brings, so that it can be undone here too.

        It moves nothing: its faces are expected with whom they went to. Those of its faces that are
        not in the collection are left out.

        Returns:
            False where there is nothing to undo: it is in already, who went is here, or its time is
            over.
        """
        ...
