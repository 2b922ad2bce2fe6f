"""The operations on collections and people."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal
from uuid import UUID

from faceserver.api.gallery import (
    Collection,
    Collections,
    DeletedCollection,
    DeletedSubject,
    Merge,
    Merges,
    Subject,
    SubjectOrder,
    Subjects,
)
from faceserver.client.transport import Transport, given, path_of


class GalleryOperations(Transport):
    """Collections and the people in them."""

    def create_collection(self, name: str, *, model: str | None = None) -> Collection:
        """Make a collection of an embedding model, of the server's own unless one is named."""
        new = {"name": name} | ({"model": model} if model else {})
        return self.call(Collection, "POST", "/collections", json=new)

    def list_collections(self, *, limit: int = 100, cursor: str | None = None) -> Collections:
        """List the collections by name."""
        return self.list_of(Collections, "/collections", limit, cursor)

    def get_collection(self, name: str) -> Collection:
        """Describe a collection."""
        return self.call(Collection, "GET", f"/collections/{name}")

    def delete_collection(self, name: str) -> DeletedCollection:
        """Delete a collection so that nothing of it is left on the disk."""
        return self.call(DeletedCollection, "DELETE", f"/collections/{name}")

    def create_subject(
        self,
        collection: str,
        *,
        name: str,
        tags: Sequence[str] = (),
        metadata: Mapping[str, Any] | None = None,
    ) -> Subject:
        """Add a person."""
        body = {"name": name, "tags": list(tags), "metadata": dict(metadata or {})}
        return self.call(Subject, "POST", f"{path_of(collection)}/subjects", json=body)

    def list_subjects(
        self,
        collection: str,
        *,
        tag: Sequence[str] = (),
        name: str | None = None,
        called: str | None = None,
        hidden: bool = False,
        sort: SubjectOrder = "stored",
        alike: UUID | None = None,
        limit: int = 100,
        cursor: str | None = None,
    ) -> Subjects:
        """List people, or the one of a name."""
        only = {"tag": list(tag), "name": name, "called": called, "alike": alike}
        only |= {"hidden": "true" if hidden else None, "sort": sort}
        return self.list_of(Subjects, f"{path_of(collection)}/subjects", limit, cursor, only)

    def get_subject(self, collection: str, subject: UUID) -> Subject:
        """Get a person."""
        return self.call(Subject, "GET", f"{path_of(collection)}/subjects/{subject}")

    def change_subject(
        self,
        collection: str,
        subject: UUID,
        *,
        name: str | None = None,
        tags: Sequence[str] | None = None,
        metadata: Mapping[str, Any] | None = None,
        hidden: bool | None = None,
        cover: UUID | Literal["best"] | None = None,
    ) -> Subject:
        """Change what is given of a person.

        Args:
            collection: of the person.
            subject: the person's id.
            name: the new name.
            tags: instead of those that the person has.
            metadata: likewise.
            hidden: whether lists and suggestions leave the person out.
            cover: the face that represents the person; ``best`` lets the server choose.
        """
        body = given(name=name, tags=tags, metadata=metadata, hidden=hidden, cover=cover)
        if cover == "best":
            body["cover"] = None
        return self.call(Subject, "PATCH", f"{path_of(collection)}/subjects/{subject}", json=body)

    def delete_subject(self, collection: str, subject: UUID) -> DeletedSubject:
        """Delete a person, and every face of this person."""
        return self.call(DeletedSubject, "DELETE", f"{path_of(collection)}/subjects/{subject}")

    def merge_subject(self, collection: str, subject: UUID, *, into: UUID) -> Merge:
        """Give all faces of a person to another one."""
        path = f"{path_of(collection)}/subjects/{subject}/merge"
        return self.call(Merge, "POST", path, json={"into": str(into)})

    def list_merges(
        self, collection: str, *, limit: int = 100, cursor: str | None = None
    ) -> Merges:
        """List the merges that can be undone, in the order they were made."""
        return self.list_of(Merges, f"{path_of(collection)}/merges", limit, cursor)

    def undo_merge(self, collection: str, merge: UUID) -> Subject:
        """Take a merge back."""
        return self.call(Subject, "POST", f"{path_of(collection)}/merges/{merge}/undo")
