"""The rows of the collections, and what concerns the faces of all of them."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime

from faceserver.errors import AlreadyExists
from faceserver.runtime.database import Database
from faceserver.store.codec import time_text
from faceserver.store.pictures import is_thumbnail_name
from faceserver.store.sqlite.facetable import delete_faces
from faceserver.store.sqlite.rows import HAS_THUMBNAIL, THUMBNAIL


@dataclass(frozen=True)
class CollectionRow:
    """A collection: its row id, its name, the model that it is bound to, and when it was made."""

    id: int
    name: str
    model: str
    dims: int
    created: datetime


class CollectionTable:
    """Collections by name."""

    def __init__(self, database: Database) -> None:
        """Take the database."""
        self._database = database

    def all(self) -> list[CollectionRow]:
        """Return every collection, by name."""
        rows = self._database.read(
            "SELECT id, name, model, dims, created FROM collections ORDER BY name"
        )
        return [
            CollectionRow(row_id, name, model, dims, datetime.fromisoformat(created))
            for row_id, name, model, dims, created in rows
        ]

    def insert(self, name: str, *, model: str, dims: int) -> CollectionRow:
        """Add one.

        Raises:
            AlreadyExists: there is one of that name.
        """
        created = datetime.now(UTC)
        with self._database.transaction() as transaction:
            if transaction.read("SELECT 1 FROM collections WHERE name = ?", name):
                raise AlreadyExists(f"the collection {name!r} already exists")
            transaction.run(
                "INSERT INTO collections (name, model, dims, created) VALUES (?, ?, ?, ?)",
                name,
                model,
                dims,
                time_text(created),
            )
            ((row_id,),) = transaction.read("SELECT id FROM collections WHERE name = ?", name)
        return CollectionRow(row_id, name, model, dims, created)

    def empty(self, collection: int, *, drop: bool = False) -> tuple[int, int]:
        """Delete all that one holds; return how many faces and subjects.

        Args:
            collection: its row id.
            drop: delete the collection itself too.
        """
        with self._database.transaction() as transaction:
            faces = delete_faces(transaction, "collection = ?", collection)
            for table in ("merges", "exemplars"):
                transaction.run(f"DELETE FROM {table} WHERE collection = ?", collection)
            subjects = transaction.run("DELETE FROM subjects WHERE collection = ?", collection)
            if drop:
                transaction.run("DELETE FROM collections WHERE id = ?", collection)
        return faces, subjects

    def shows(self, picture: str) -> bool:
        """Whether a face is in this picture, or has it as its crop, or as its thumbnail."""
        if is_thumbnail_name(picture):
            face = f"SELECT 1 FROM faces WHERE uuid = ? AND {HAS_THUMBNAIL}"
            return bool(self._database.read(face, picture.partition(".")[0]))
        statement = (
            "SELECT EXISTS (SELECT 1 FROM faces WHERE picture = ?)"
            " OR EXISTS (SELECT 1 FROM faces WHERE crop = ?)"
        )
        return bool(self._database.read(statement, picture, picture)[0][0])

    def thumbnails(self) -> set[str]:
        """The names of the thumbnails that faces may have."""
        rows = self._database.read(f"SELECT {THUMBNAIL} FROM faces WHERE {HAS_THUMBNAIL}")
        return {row[0] for row in rows}

    def doomed_pictures(self) -> list[str]:
        """The pictures that lost a face: those that show no other are to go."""
        return [row[0] for row in self._database.read("SELECT name FROM doomed_pictures")]

    def forget_doomed(self, names: list[str]) -> None:
        """These have been seen to."""
        with self._database.transaction() as transaction:
            transaction.run(
                "DELETE FROM doomed_pictures WHERE name IN (SELECT value FROM json_each(?))",
                json.dumps(names),
            )
