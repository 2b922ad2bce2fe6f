"""What a store accepts as a person, whatever it is kept in."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from faceserver.errors import InvalidRequest
from faceserver.store.faces import sorted_tags
from faceserver.store.names import check_name
from faceserver.types import Face, Subject

MAX_METADATA_BYTES = 16_384
"""Of a person, as JSON in UTF-8 without blanks."""

COVER_AMONG = 100
"""So many of a person's first faces are looked at for the one that stands for the person."""


def new_subject(
    name: str,
    *,
    tags: Sequence[str],
    metadata: Mapping[str, Any] | None,
    subject_id: str | None,
    created: datetime | None,
    hidden: bool,
    cover: str | None,
) -> Subject:
    """A person who has no faces yet, with an id and a time where none is given.

    Raises:
        InvalidRequest: the name is empty, or the metadata is not JSON, or too much.
    """
    return Subject(
        id=subject_id or uuid4().hex,
        name=check_name(name),
        tags=sorted_tags(tags),
        metadata=checked_metadata(metadata or {}),
        created=(created or datetime.now(UTC)).astimezone(UTC),
        faces=0,
        cover=cover,
        cover_chosen=cover is not None,
        hidden=hidden,
    )


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
