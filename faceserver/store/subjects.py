"""What a store accepts as a person, whatever it is kept in."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypedDict, Unpack
from uuid import uuid4

from faceserver.errors import InvalidRequest
from faceserver.store.faces import sorted_tags
from faceserver.store.names import check_name
from faceserver.types import Face, Subject

MAX_METADATA_BYTES = 16_384
"""Of a person, as JSON in UTF-8 without blanks."""

COVER_AMONG = 100
"""So many of a person's first faces are looked at for the one that stands for the person."""


class NewSubject(TypedDict, total=False):
    """What may be known of a person who is added, beside the name.

    Attributes:
        tags: to filter by.
        metadata: whatever JSON can hold.
        subject_id: set when the person comes back from an export.
        created: likewise.
        hidden: likewise.
        cover: likewise: id of the face that was chosen, which may be stored later.
    """

    tags: Sequence[str]
    metadata: Mapping[str, Any] | None
    subject_id: str | None
    created: datetime | None
    hidden: bool
    cover: str | None


class SubjectChange(TypedDict, total=False):
    """What may change of a person.

    Attributes:
        name: unique in the collection, without regard to case.
        tags: instead of those that the person has.
        metadata: likewise.
        hidden: whether lists leave the person out.
        cover: id of the face that stands for the person; empty: the best one does.
    """

    name: str | None
    tags: Sequence[str] | None
    metadata: Mapping[str, Any] | None
    hidden: bool | None
    cover: str | None


def new_subject(name: str, **given: Unpack[NewSubject]) -> Subject:
    """A person who has no faces yet, with an id and a time where none is given.

    Raises:
        InvalidRequest: the name is empty, or the metadata is not JSON, or too much.
    """
    cover = given.get("cover")
    return Subject(
        id=given.get("subject_id") or uuid4().hex,
        name=check_name(name),
        tags=sorted_tags(given.get("tags", ())),
        metadata=checked_metadata(given.get("metadata") or {}),
        created=(given.get("created") or datetime.now(UTC)).astimezone(UTC),
        faces=0,
        cover=cover,
        cover_chosen=cover is not None,
        hidden=given.get("hidden", False),
    )


def checked_change(given: SubjectChange) -> SubjectChange:
    """What changes of a person, as a store holds it.

    Raises:
        InvalidRequest: the name or a tag breaks the rule of names, or the metadata is not JSON, or
            too much.
    """
    change = given.copy()
    if (name := given.get("name")) is not None:
        change["name"] = check_name(name)
    if (tags := given.get("tags")) is not None:
        change["tags"] = sorted_tags(tags)
    if (metadata := given.get("metadata")) is not None:
        change["metadata"] = checked_metadata(metadata)
    return change


def checked_metadata(metadata: Mapping[str, Any]) -> Mapping[str, Any]:
    """The metadata as JSON holds it.

    Raises:
        InvalidRequest: it is not JSON, or has more than :data:`MAX_METADATA_BYTES`.
    """
    try:
        text = json.dumps(metadata, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
        size = len(text.encode())
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidRequest(f"the metadata is not JSON: {error}") from error
    if size > MAX_METADATA_BYTES:
        raise InvalidRequest(
            f"the metadata has {size} bytes; at most {MAX_METADATA_BYTES} are allowed"
        )
    held: dict[str, Any] = json.loads(text)
    return held


def cover_rank(face: Face) -> tuple[bool, float, float]:
    """What makes a face stand for its person: its quality if that is known, else size and score."""
    box = face.detection.box
    size = min(box.x2 - box.x1, box.y2 - box.y1)
    return face.quality is not None, face.quality or 0.0, size * face.detection.score
