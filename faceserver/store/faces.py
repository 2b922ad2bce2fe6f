"""What every store does with a face that comes in: check its embedding, give it id and time."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from uuid import uuid4

import numpy as np

from faceserver.store.codec import checked_attributes
from faceserver.store.names import check_external_id, check_tag
from faceserver.texts import readable
from faceserver.types import NEVER, Face, Floats, place_fault

_LENGTH_TOLERANCE = 1e-3
"""Wide enough for vectors that were computed in bfloat16 and then scaled in float32."""


def accept(faces: Sequence[Face], *, dims: int) -> list[Face]:
    """Check all of the faces, and give each an id; one call, one time.

    Raises:
        ValueError: an embedding is not float32, of another length, or not of unit length; or a
            place is none, or the attributes are none; see
            :func:`~faceserver.store.codec.checked_attributes`.
        InvalidRequest: a tag or an external id breaks the rule of texts.
    """
    for face in faces:
        check_embedding(face.embedding, dims=dims)
        fault = place_fault(face.detection)
        if fault is not None:
            raise ValueError(f"of a face {fault}")
    created = datetime.now(UTC)
    return [_stored(face, created) for face in faces]


def check_embedding(vector: Floats, *, dims: int) -> None:
    """Refuse what is no unit vector of ``dims`` float32 numbers.

    Raises:
        ValueError: with what it is instead.
    """
    if vector.dtype != np.float32 or vector.shape != (dims,):
        raise ValueError(
            f"an embedding is float32 of shape ({dims},), not {vector.dtype} of {vector.shape}"
        )
    length = float(np.linalg.norm(vector))
    if not abs(length - 1) <= _LENGTH_TOLERANCE:  # written so that NaN is refused as well
        raise ValueError(f"an embedding has length 1, not {length:g}")


def sorted_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """The tags in alphabetical order, each once.

    Raises:
        InvalidRequest: one breaks the rule of names.
    """
    return tuple(sorted({check_tag(tag) for tag in tags}))


def _stored(face: Face, created: datetime) -> Face:
    embedding = face.embedding.copy()
    embedding.flags.writeable = False
    return Face(
        id=face.id or uuid4().hex,
        embedding=embedding,
        detection=face.detection,
        picture=face.picture,
        source=readable(face.source),
        created=(created if face.created == NEVER else face.created).astimezone(UTC),
        crop=face.crop,
        subject=face.subject,
        tags=sorted_tags(face.tags),
        external_id=None if face.external_id is None else check_external_id(face.external_id),
        attributes=checked_attributes(face.attributes),
    )
