"""How a face is written down: the JSON values that rows, archives and answers are made of.

All that a :class:`~faceserver.types.Face` holds stands here once, its vector aside, which each
place writes its own way. What is told of a face beside is its ``attributes``: a new one needs no
column, no field and no migration.
"""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from faceserver.types import (
    NOWHERE,
    AttributeValue,
    Box,
    Detection,
    Face,
    Floats,
    place_fault,
)

MAX_ATTRIBUTES = 16_384
"""So many characters the attributes of a face have as JSON, at most: every search reads them."""

_ATTRIBUTE = re.compile(r"[a-z][a-z0-9_]{0,63}")


def plain(face: Face) -> dict[str, Any]:
    """What is known of a face beside its embedding, as JSON values; see :func:`face_of`."""
    box = face.detection.box
    return {
        "id": face.id,
        "subject": face.subject,
        "source": face.source,
        "picture": face.picture,
        "crop": face.crop,
        "tags": list(face.tags),
        "external_id": face.external_id,
        "attributes": face.attributes,
        "created": time_text(face.created),
        "box": [box.x1, box.y1, box.x2, box.y2],
        "points": [list(point) for point in face.detection.points],
        "score": face.detection.score,
    }


def face_of(values: Mapping[str, Any], embedding: Floats) -> Face:
    """The face that :func:`plain` gave these values of.

    A place that can be none is ``NOWHERE``, and attributes that can be none are missing: neither
    keeps the face from being found.

    Args:
        values: as :func:`plain` names them.
        embedding: float32, shape (dims,).
    """
    return Face(
        id=values["id"],
        embedding=embedding,
        detection=place_of(values["box"], values["points"], values["score"]),
        picture=values["picture"],
        source=values["source"],
        created=datetime.fromisoformat(values["created"]),
        crop=values["crop"],
        subject=values["subject"],
        tags=tuple(values["tags"]),
        external_id=values["external_id"],
        attributes=_readable(values["attributes"]),
    )


def place_of(box: Any, points: Any, score: Any) -> Detection:
    """Where a face is; ``NOWHERE`` if these values are no place."""
    try:
        left_eye, right_eye, nose, left_mouth, right_mouth = ((x, y) for x, y in points)
        spots = (left_eye, right_eye, nose, left_mouth, right_mouth)
        place = Detection(box=Box(*box), points=spots, score=score)
        return NOWHERE if place_fault(place) else place
    except (TypeError, ValueError):
        return NOWHERE


def checked_attributes(attributes: Mapping[str, AttributeValue]) -> dict[str, AttributeValue]:
    """A copy of a face's attributes as JSON holds them: tuples are lists in it.

    Raises:
        ValueError: a name is no lower-case word of letters, digits and ``_``; a value is no JSON,
            or holds a number that is not finite; or all of it is longer than ``MAX_ATTRIBUTES``.
    """
    for name in attributes:
        if not isinstance(name, str) or not _ATTRIBUTE.fullmatch(name):
            raise ValueError(f"{name!r} is not a valid name of an attribute")
    text = attributes_text(attributes)
    if len(text) > MAX_ATTRIBUTES:
        raise ValueError(f"its attributes take {len(text)} characters, not {MAX_ATTRIBUTES}")
    copy: dict[str, AttributeValue] = json.loads(text)
    return copy


def attributes_text(attributes: Mapping[str, AttributeValue]) -> str:
    """Attributes as JSON, to be stored.

    Raises:
        ValueError: they are no JSON, or hold a number that is not finite.
    """
    try:
        return json.dumps(attributes, separators=(",", ":"), allow_nan=False)
    except (TypeError, RecursionError) as error:
        raise ValueError(f"its attributes are not JSON: {error}") from error
    except ValueError as error:
        raise ValueError(f"its attributes contain an invalid number: {error}") from error


def time_text(time: datetime) -> str:
    """A time in UTC, to the microsecond: such texts sort as the times do."""
    return time.astimezone(UTC).isoformat(timespec="microseconds")


def _readable(attributes: Any) -> dict[str, AttributeValue]:
    if not attributes:  # most rows
        return {}
    try:
        return checked_attributes(attributes)
    except (TypeError, ValueError):
        return {}
