"""What is wrong in SQLite's file, rows that cannot be read, and what is done with them."""

import json
from base64 import b64encode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from faceserver.errors import StoreCorrupt
from faceserver.runtime.atomic_files import file_errors, sync
from faceserver.runtime.database import Database, Row, Transaction
from faceserver.runtime.private_files import private
from faceserver.runtime.progress import Advance
from faceserver.store.codec import checked_attributes
from faceserver.store.faces import check_embedding
from faceserver.store.pictures import Pictures
from faceserver.store.pictures.copying import copy_out
from faceserver.store.sqlite.leftovers import damaged_folder
from faceserver.store.sqlite.rows import vector_of
from faceserver.types import Box, Detection, place_fault

_AT_ONCE = 1000

BadRow = tuple[int, str, str]
"""Row id, uuid, and what is wrong."""

_TABLES = {
    "faces": "SELECT * FROM faces WHERE id = ?",
    "subjects": "SELECT * FROM subjects WHERE id = ?",
}
_REMOVALS = {
    "faces": ("DELETE FROM face_tags WHERE face = ?", "DELETE FROM faces WHERE id = ?"),
    "subjects": (
        "DELETE FROM subject_tags WHERE subject = ?",
        "UPDATE faces SET subject = NULL WHERE subject = ?",
        "DELETE FROM subjects WHERE id = ?",
    ),
}
_COUNT = """
    SELECT (SELECT count(*) FROM faces) + (SELECT count(*) FROM subjects)
        + (SELECT count(*) FROM new_vectors) + (SELECT count(*) FROM exemplars)
"""
_FACES = """
    SELECT f.id, f.uuid, f.box, f.points, f.score, f.attributes, f.tags, f.created, f.vector, c.dims
    FROM faces f JOIN collections c ON c.id = f.collection
    WHERE f.id > ? ORDER BY f.id LIMIT ?
"""
_NEW_VECTORS = """
    SELECT v.face, f.uuid, v.vector, c.dims
    FROM new_vectors v JOIN faces f ON f.id = v.face JOIN changes c ON c.collection = v.collection
    WHERE v.face > ? ORDER BY v.face LIMIT ?
"""
_EXEMPLARS = """
    SELECT e.id, e.uuid, e.content, e.created, e.until, e.vector, c.dims
    FROM exemplars e JOIN collections c ON c.id = e.collection
    WHERE e.id > ? ORDER BY e.id LIMIT ?
"""
_PICTURES = """
    SELECT picture FROM faces WHERE picture <> ''
    UNION SELECT crop FROM faces WHERE crop IS NOT NULL
"""
_SUBJECTS = """
    SELECT id, uuid, name, tags, metadata, created FROM subjects WHERE id > ? ORDER BY id LIMIT ?
"""


def broken_parts(database: Database) -> Iterator[str]:
    """What SQLite itself finds wrong: pages that are none, and rows that name others that are gone.

    Raises:
        StoreCorrupt: the file cannot even be looked through.
    """
    for (verdict,) in database.read("PRAGMA integrity_check"):
        if verdict != "ok":
            yield str(verdict)
    for table, row, parent, _ in database.read("PRAGMA foreign_key_check"):
        yield f"{table}, row {row}: what it names in {parent} is gone"


def named_pictures(database: Database) -> list[str]:
    """The pictures and crops that faces name, each once, in alphabetical order."""
    return [row[0] for row in database.read(_PICTURES)]


def count_rows(database: Database) -> int:
    """How many rows there are to look at."""
    return int(database.read(_COUNT)[0][0])


def bad_faces(database: Database, advance: Advance) -> Iterator[BadRow]:
    """Faces with JSON, a time or a vector that cannot be."""
    return _bad(database, _FACES, _face_fault, advance)


def bad_subjects(database: Database, advance: Advance) -> Iterator[BadRow]:
    """People with JSON, a name or a time that cannot be."""
    return _bad(database, _SUBJECTS, _subject_fault, advance)


def bad_new_vectors(database: Database, advance: Advance) -> Iterator[BadRow]:
    """Faces whose vector of the model that their collection is changed to cannot be."""
    return _bad(database, _NEW_VECTORS, _new_vector_fault, advance)


def bad_exemplars(database: Database, advance: Advance) -> Iterator[BadRow]:
    """What is remembered beside the faces with JSON, a time or a vector that cannot be."""
    return _bad(database, _EXEMPLARS, _exemplar_fault, advance)


def forget_exemplar(database: Database, row: int) -> str:
    """Remember this no more; return what was done."""
    with database.transaction() as transaction:
        transaction.run("DELETE FROM exemplars WHERE id = ?", row)
    return "removed"


def forget_new_vector(database: Database, face: int) -> str:
    """Let a face have no vector of the model that is changed to yet; return what was done."""
    with database.transaction() as transaction:
        transaction.run("DELETE FROM new_vectors WHERE face = ?", face)
    return "removed; the change of model makes it anew"


def set_aside(database: Database, table: str, row: int, data_dir: Path, pictures: Pictures) -> str:
    """Write a row to a file of JSON lines and copy its pictures beside it, then delete it.

    Args:
        database: SQLite's file of the data folder.
        table: ``faces`` or ``subjects``.
        row: the row's id.
        data_dir: the data folder.
        pictures: of the gallery.

    Returns:
        What was done.

    Raises:
        StoreError: the system refused; the row is still there.
    """
    columns = [line[1] for line in database.read(f"PRAGMA table_info({table})")]
    ((*values,),) = database.read(_TABLES[table], row)
    content = dict(zip(columns, map(_as_json, values), strict=True))
    folder = damaged_folder(data_dir, int(content["collection"]))
    for name in (content.get("picture"), content.get("crop")):
        if name:
            copy_out(pictures, name, folder)
    path = folder / f"{table}.jsonl"
    with file_errors(path):
        with open(path, "a", encoding="utf-8", opener=private) as file:
            file.write(json.dumps({"at": datetime.now(UTC).isoformat(), **content}) + "\n")
        sync(path)
    with database.transaction() as transaction, _Untriggered(transaction):
        for statement in _REMOVALS[table]:
            transaction.run(statement, row)
    return f"moved to {path}"


def collections_showing(database: Database, picture: str) -> list[int]:
    """The row ids of the collections that have a picture, or a crop, of this name."""
    rows = database.read(
        "SELECT collection FROM faces WHERE picture = ? UNION"
        " SELECT collection FROM faces WHERE crop = ?",
        picture,
        picture,
    )
    return [row[0] for row in rows]


def forget_picture(database: Database, name: str) -> int:
    """Let no row name a picture any more; return how many did."""
    with database.transaction() as transaction:
        return transaction.run(
            "UPDATE faces SET picture = '' WHERE picture = ?", name
        ) + transaction.run("UPDATE faces SET crop = NULL WHERE crop = ?", name)


class _Untriggered:
    """A block in which no trigger runs: those on tags fail on JSON that is none."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._made = transaction.read("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")

    def __enter__(self) -> None:
        for name, _ in self._made:
            self._transaction.run(f'DROP TRIGGER "{name}"')

    def __exit__(self, *_: object) -> None:
        for _, statement in self._made:
            self._transaction.run(statement)


def _bad(
    database: Database, statement: str, fault: Callable[[Row], str | None], advance: Advance
) -> Iterator[BadRow]:
    after = 0
    while rows := database.read(statement, after, _AT_ONCE):
        for row in rows:
            reason = fault(row)
            if reason:
                yield row[0], row[1], reason
        advance(len(rows))
        after = rows[-1][0]


def _face_fault(row: Row) -> str | None:
    _, _, box, points, score, attributes, tags, created, vector, dims = row
    if not _is_numbers(_json(box), 4):
        return "its box is none"
    spots = _json(points)
    if not isinstance(spots, list) or len(spots) != 5 or not all(_is_numbers(p, 2) for p in spots):
        return "its points are none"
    return (
        _vector_fault(vector, dims)
        or _tags_or_time_fault(tags, created)
        or _place_fault(_json(box), spots, score)
        or _attributes_fault(_json(attributes))
    )


def _place_fault(box: Any, points: Any, score: float) -> str | None:
    return place_fault(Detection(Box(*box), tuple((x, y) for x, y in points), score))  # type: ignore[arg-type]  # five, as counted


def _attributes_fault(attributes: Any) -> str | None:
    if not isinstance(attributes, dict):
        return "its attributes are none"
    try:
        checked_attributes(attributes)
    except ValueError as error:
        return str(error)
    return None


def _new_vector_fault(row: Row) -> str | None:
    _, _, vector, dims = row
    return _vector_fault(vector, dims)


def _exemplar_fault(row: Row) -> str | None:
    _, _, content, created, until, vector, dims = row
    if not isinstance(_json(content), dict):
        return "its content is no JSON object"
    return _vector_fault(vector, dims) or _tags_or_time_fault("[]", until or created)


def _vector_fault(vector: bytes, dims: int) -> str | None:
    try:
        check_embedding(vector_of(vector, dims=dims), dims=dims)
    except (StoreCorrupt, ValueError) as error:
        return f"its vector: {error}"
    return None


def _subject_fault(row: Row) -> str | None:
    _, _, name, tags, metadata, created = row
    if not name.strip():
        return "it has no name"
    if not isinstance(_json(metadata), dict):
        return "its metadata is no JSON object"
    return _tags_or_time_fault(tags, created)


def _tags_or_time_fault(tags: str, created: str) -> str | None:
    held = _json(tags)
    if not isinstance(held, list) or not all(isinstance(tag, str) for tag in held):
        return "its tags are none"
    try:
        if datetime.fromisoformat(created).tzinfo is None:
            return "its time has no zone"
    except ValueError:
        return "its time is none"
    return None


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _is_numbers(value: object, count: int) -> bool:
    return (
        isinstance(value, list)
        and len(value) == count
        and all(isinstance(part, int | float) for part in value)
    )


def _as_json(value: object) -> object:
    return {"base64": b64encode(value).decode()} if isinstance(value, bytes) else value
