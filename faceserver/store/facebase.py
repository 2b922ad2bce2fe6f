"""What every collection does with faces."""

from collections.abc import Sequence
from typing import Protocol

from faceserver.store.results import EVERYTHING, Page
from faceserver.types import Face, Filter, Floats, Match, SubjectMatch


class Look(Protocol):
    """What is near one probe. What one question has found serves the next, so ask the same object.

    A look is for one request: it may not see what is stored or deleted after its first question.
    """

    def faces(self, *, k: int, max_distance: float) -> list[Match]:
        """The nearest faces; see :meth:`FaceCollection.search`."""
        ...

    def people(self, *, k: int, max_distance: float) -> list[SubjectMatch]:
        """The nearest people; see :meth:`FaceCollection.search_subjects`."""
        ...

    def named(self, *, k: int) -> list[Match]:
        """The nearest face of each of the k nearest people with a name, nearest first.

        However far away they are; but where more than some thousand faces of others are nearer,
        people may be missing.
        """
        ...


class FaceCollection(Protocol):
    """Faces: added, listed, changed, deleted, found."""

    def add(self, faces: Sequence[Face]) -> list[Face]:
        """Store all of the faces or none; on return they survive a crash.

        Returns:
            The stored faces, in the same order, with their ids.

        Raises:
            ValueError: an embedding is not float32, of another length, or not of unit length; or a
                box, point, score or attribute cannot be.
            NotFound: a face names a subject that is not there.
            AlreadyExists: a face brings an id that is taken.
            StoreFull: no space left on the device.
        """
        ...

    def get(self, face_id: str) -> Face:
        """Return one face.

        Raises:
            NotFound: the collection holds none of that id.
        """
        ...

    def faces(
        self, *, limit: int, cursor: str | None = None, only: Filter = EVERYTHING, skip: int = 0
    ) -> Page[Face]:
        """List faces in the order they were stored.

        Args:
            limit: at most so many, 1 or more.
            cursor: from the page before; None begins.
            only: which faces.
            skip: so many are passed over first. This takes longer the more they are: who lists all
                goes from cursor to cursor.

        Raises:
            InvalidRequest: the cursor is none.
        """
        ...

    def delete(self, face_ids: Sequence[str]) -> int:
        """Delete faces; a picture goes with the last face that is in it.

        Returns:
            How many of them there were; unknown ids are passed over.
        """
        ...

    def delete_all(self) -> int:
        """Delete all faces and subjects; return how many faces there were.

        To leave no trace on the disk either, see :meth:`Store.purge`.
        """
        ...

    def move(self, face_ids: Sequence[str], subject: str | None) -> int:
        """Say whom faces show.

        Args:
            face_ids: the faces; unknown ids are passed over.
            subject: the person's id, or None for nobody.

        Returns:
            How many of the faces there are.

        Raises:
            NotFound: there is no such person.
        """
        ...

    def tag(self, face_id: str, tags: Sequence[str]) -> Face:
        """Give a face these tags instead of those it has.

        Raises:
            NotFound: the collection holds no such face.
        """
        ...

    def identify(self, face_id: str, external_id: str | None) -> Face:
        """Say what another system calls a face.

        Raises:
            NotFound: the collection holds no such face.
        """
        ...

    def search(
        self, probe: Floats, *, k: int, max_distance: float, only: Filter = EVERYTHING
    ) -> list[Match]:
        """Find the nearest faces.

        Args:
            probe: float32, shape (dims,), unit length.
            k: at most so many.
            max_distance: squared L2; only faces strictly nearer are returned.
            only: which faces.

        Returns:
            Matches, nearest first; fewer than k, or none, where there are no more.
        """
        ...

    def search_subjects(
        self, probe: Floats, *, k: int, max_distance: float, only: Filter = EVERYTHING
    ) -> list[SubjectMatch]:
        """Find the nearest people; a face of nobody stands for a person of its own.

        Args:
            probe: float32, shape (dims,), unit length.
            k: at most so many people.
            max_distance: squared L2; only faces strictly nearer are considered and counted.
            only: which faces.

        Returns:
            People by their nearest face, nearest first.
        """
        ...

    def look(
        self, probe: Floats, *, only: Filter = EVERYTHING, apart_from: str | None = None
    ) -> Look:
        """Ask several things about one probe.

        Args:
            probe: float32, shape (dims,), unit length.
            only: which faces.
            apart_from: id of a face that is passed over.
        """
        ...
