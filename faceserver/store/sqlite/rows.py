"""How faces and people stand in the rows of their tables."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np

from faceserver.errors import StoreCorrupt
from faceserver.store.codec import attributes_text, face_of, plain
from faceserver.store.subjects import COVER_AMONG
from faceserver.types import Face, Floats, Subject

_NUMBER = np.dtype("<f4")

FACE = """
    f.id, f.uuid, f.picture, f.source, f.created, f.box, f.points, f.score, f.vector,
    (SELECT uuid FROM subjects WHERE id = f.subject), f.crop, f.tags, f.external_id, f.attributes
"""
"""What :func:`face_from_row` reads of the table ``faces AS f``."""

HAS_THUMBNAIL = "(picture <> '' OR crop IS NOT NULL)"
"""Of a row of ``faces``: something is kept of its picture, so that it may have a thumbnail."""

THUMBNAIL = "uuid || '.webp'"
"""Its name; see :func:`faceserver.store.pictures.thumbnail_name`."""

SUBJECT = f"""
    s.id, s.uuid, s.name, s.tags, s.metadata, s.created,
    (SELECT count(*) FROM faces WHERE subject = s.id),
    (SELECT uuid FROM faces WHERE uuid = s.cover AND subject = s.id
     AND (picture <> '' OR crop IS NOT NULL)),
    (SELECT uuid FROM (
        SELECT id, uuid,
            CASE WHEN json_valid(attributes) AND
                json_type(attributes, '$.quality') IN ('integer', 'real')
                THEN json_extract(attributes, '$.quality') END AS quality,
            CASE WHEN json_valid(box) THEN
                min(json_extract(box, '$[2]') - json_extract(box, '$[0]'),
                    json_extract(box, '$[3]') - json_extract(box, '$[1]')) * score END AS size
        FROM faces WHERE subject = s.id AND (picture <> '' OR crop IS NOT NULL)
        ORDER BY id LIMIT {COVER_AMONG}
    ) ORDER BY quality DESC NULLS LAST, size DESC NULLS LAST, id LIMIT 1),
    s.hidden
"""  # noqa: S608 - a number of ours
"""What :func:`subject_from_row` reads of the table ``subjects AS s``."""

INSERT_FACE = """
    INSERT INTO faces (
        collection, subject, uuid, picture, source, created, box, points, score, vector,
        crop, tags, external_id, attributes
    ) VALUES (?, (SELECT id FROM subjects WHERE uuid = ?), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
"""Takes what :func:`face_to_row` gives."""


def face_to_row(face: Face, collection: int) -> tuple[object, ...]:
    """The values for :data:`INSERT_FACE`."""
    values = plain(face)
    return (
        collection,
        values["subject"],
        values["id"],
        values["picture"] or "",
        values["source"],
        values["created"],
        json.dumps(values["box"]),
        json.dumps(values["points"]),
        values["score"],
        blob_of(face.embedding),
        values["crop"],
        json_text(values["tags"]),
        values["external_id"],
        attributes_text(values["attributes"]),
    )


def face_from_row(row: Sequence[Any], *, dims: int) -> Face:
    """The face in the columns of :data:`FACE`.

    Raises:
        StoreCorrupt: the vector has another length, or the tags are none.
    """
    (_, uuid, picture, source, created, box, points, score, vector, *more) = row
    subject, crop, tags, external_id, attributes = more
    try:
        # Parsed at once: that takes half the time, and searches read many rows.
        corners, marks, names, told = json.loads(f"[{box},{points},{tags},{attributes}]")
    except ValueError:
        corners, marks, told = (_json(text) for text in (box, points, attributes))
        names = _tags(tags)
    values = {
        "id": uuid,
        "subject": subject,
        "source": source,
        "picture": picture or None,
        "crop": crop,
        "tags": names,
        "external_id": external_id,
        "attributes": told,
        "created": created,
        "box": corners,
        "points": marks,
        "score": score,
    }
    return face_of(values, vector_of(vector, dims=dims))


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _tags(text: str) -> Sequence[str]:
    try:
        tags: Sequence[str] = json.loads(text)
    except ValueError as error:
        raise StoreCorrupt(
            "the tags of a stored face cannot be read: `faceserver check --repair` sets it aside"
        ) from error
    return tags


def subject_from_row(row: Sequence[Any]) -> Subject:
    """The person in the columns of :data:`SUBJECT`."""
    _, uuid, name, tags, metadata, created, faces, chosen, best, hidden = row
    return Subject(
        id=uuid,
        name=name,
        tags=tuple(json.loads(tags)),
        metadata=json.loads(metadata),
        created=datetime.fromisoformat(created),
        faces=faces,
        cover=chosen or best,
        cover_chosen=chosen is not None,
        hidden=bool(hidden),
    )


def json_text(value: object) -> str:
    """JSON as it stands in a column."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def blob_of(vector: Floats) -> bytes:
    """A vector as it stands in a column."""
    return vector.astype(_NUMBER).tobytes()


def vector_of(blob: bytes, *, dims: int) -> Floats:
    """The numbers in a blob: float32, shape (dims,), not to be changed.

    Raises:
        StoreCorrupt: there are more or fewer.
    """
    if len(blob) != dims * _NUMBER.itemsize:
        raise StoreCorrupt(f"a stored vector has {len(blob)} bytes, not those of {dims} numbers")
    return np.frombuffer(blob, _NUMBER)


def vectors_of(blobs: Sequence[bytes], *, dims: int) -> Floats:
    """The numbers in blobs of one length: float32, shape (n, dims).

    Raises:
        StoreCorrupt: one has more or fewer.
    """
    if any(len(blob) != dims * _NUMBER.itemsize for blob in blobs):
        raise StoreCorrupt(f"a stored vector does not have {dims} numbers")
    return np.frombuffer(b"".join(blobs), _NUMBER).reshape(-1, dims)
