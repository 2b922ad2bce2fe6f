"""How a face stands in a row of the table ``faces``."""

import json
from collections.abc import Sequence
from dataclasses import astuple
from datetime import datetime
from typing import Any

import numpy as np

from faceserver.errors import StoreCorrupt
from faceserver.types import Box, Detection, Floats, StoredFace

_NUMBER = np.dtype("<f4")


def to_row(face: StoredFace, collection: int) -> tuple[object, ...]:
    """A face as uuid, collection, picture, source, created, box, points, score, vector."""
    return (
        face.id,
        collection,
        face.picture,
        face.source,
        face.created.isoformat(timespec="microseconds"),
        json.dumps(astuple(face.detection.box)),
        json.dumps(face.detection.points),
        face.detection.score,
        face.embedding.astype(_NUMBER).tobytes(),
    )


def from_row(row: Sequence[Any], *, dims: int) -> StoredFace:
    """The face in id, uuid, picture, source, created, box, points, score, vector.

    Raises:
        StoreCorrupt: the vector has another length.
    """
    _, uuid, picture, source, created, box, points, score, vector = row
    left_eye, right_eye, nose, left_mouth, right_mouth = ((x, y) for x, y in json.loads(points))
    return StoredFace(
        id=uuid,
        embedding=vector_of(vector, dims=dims),
        detection=Detection(
            box=Box(*json.loads(box)),
            points=(left_eye, right_eye, nose, left_mouth, right_mouth),
            score=score,
        ),
        picture=picture,
        source=source,
        created=datetime.fromisoformat(created),
    )


def vector_of(blob: bytes, *, dims: int) -> Floats:
    """The numbers in a blob: float32, shape (dims,), not to be changed.

    Raises:
        StoreCorrupt: there are more or fewer.
    """
    if len(blob) != dims * _NUMBER.itemsize:
        raise StoreCorrupt(f"a stored vector has {len(blob)} bytes, not those of {dims} numbers")
    return np.frombuffer(blob, _NUMBER)
