"""How faces and people stand in the rows of their tables."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from faceserver.store.codec import attributes_text, face_of, plain, time_text
from faceserver.store.postgres.tables import Tables
from faceserver.store.postgres.vectors import vector_of
from faceserver.store.subjects import COVER_AMONG
from faceserver.types import Face, Subject

FACE = """
    f.id, f.place, f.uuid, f.picture, f.source, f.created, f.box, f.points, f.score, v.vector,
    s.uuid, f.crop, f.tags, f.external_id, f.attributes, s.name
"""
"""What :func:`face_from_row` reads of what :func:`faces_of` gives."""

INSERTED = (
    "(id, uuid, subject, picture, crop, source, tags, external_id, attributes, created, box,"
    " points, score) VALUES (%s, %s, %s, %s, %s, %s, %s::text[], %s, %s::json, %s, %s, %s, %s)"
)
"""Takes what :func:`face_to_row` gives."""


def faces_of(tables: Tables) -> str:
    """What follows FROM for whole faces: ``f``, their vectors ``v``, and whom they show ``s``."""
    return (
        f"{tables.faces} f JOIN {tables.vectors} v ON v.face = f.id"
        f" LEFT JOIN {tables.subjects} s ON s.id = f.subject"
    )


def subject_columns(tables: Tables) -> str:
    """What :func:`subject_from_row` reads of the subjects ``s``."""
    return (
        "s.id, s.uuid, s.name, s.tags, s.metadata, s.created,"
        f" (SELECT count(*) FROM {tables.faces} WHERE subject = s.id),"
        f" (SELECT uuid FROM {tables.faces} WHERE uuid = s.cover AND subject = s.id"
        " AND (picture IS NOT NULL OR crop IS NOT NULL)),"
        " (SELECT uuid FROM (SELECT place, uuid,"
        " CASE WHEN json_typeof(attributes -> 'quality') = 'number'"
        " THEN (attributes ->> 'quality')::double precision END AS quality,"
        " least(box[3] - box[1], box[4] - box[2]) * score AS size"
        f" FROM {tables.faces} WHERE subject = s.id"
        " AND (picture IS NOT NULL OR crop IS NOT NULL)"
        f" ORDER BY place LIMIT {COVER_AMONG}) f"
        " ORDER BY quality DESC NULLS LAST, size DESC, place LIMIT 1),"
        " s.hidden"
    )


def face_to_row(face: Face, number: int, subject: int | None) -> tuple[object, ...]:
    """The values for :data:`INSERTED`, with the ids of the face and of whom it shows."""
    values = plain(face)
    return (
        number,
        values["id"],
        subject,
        values["picture"],
        values["crop"],
        values["source"],
        values["tags"],
        values["external_id"],
        attributes_text(values["attributes"]),
        values["created"],
        [float(number) for number in values["box"]],
        [float(number) for point in values["points"] for number in point],
        values["score"],
    )


def face_from_row(row: Sequence[Any], *, dims: int) -> Face:
    """The face in the columns of :data:`FACE`.

    Raises:
        StoreCorrupt: the vector has another length.
    """
    (_, _, uuid, picture, source, created, box, points, score, vector, *more) = row
    subject, crop, tags, external_id, attributes, _ = more
    values = {
        "id": uuid,
        "subject": subject,
        "source": source,
        "picture": picture,
        "crop": crop,
        "tags": tags,
        "external_id": external_id,
        "attributes": attributes,
        "created": time_text(created),
        "box": box,
        "points": list(zip(points[::2], points[1::2], strict=False)),
        "score": score,
    }
    return face_of(values, vector_of(vector, dims=dims))


def subject_from_row(row: Sequence[Any]) -> Subject:
    """The person in the columns of :func:`subject_columns`."""
    _, uuid, name, tags, metadata, created, faces, chosen, best, hidden = row
    return Subject(
        id=uuid,
        name=name,
        tags=tuple(tags),
        metadata=metadata,
        created=in_utc(created),
        faces=faces,
        cover=chosen or best,
        cover_chosen=chosen is not None,
        hidden=hidden,
    )


def in_utc(time: datetime) -> datetime:
    """The same moment, said in UTC."""
    return time.astimezone(UTC)
