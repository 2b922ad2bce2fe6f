"""Embeddings as pgvector's type ``vector`` has them: float32, sent and read as they are."""

from collections.abc import Sequence

import numpy as np

from faceserver.errors import StoreCorrupt
from faceserver.types import Floats

_NUMBER = np.dtype(">f4")
_HEAD = 4
"""Bytes before the numbers: how many there are, and two that are not used."""

MAX_INDEXED_DIMS = 4000
"""Longer vectors have no index: pgvector's halfvec ends there."""


def text_of(vector: Floats) -> str:
    """A vector as a value of a statement: nine digits give a float32 back as it was."""
    return f"[{','.join(map('{:.9g}'.format, vector.tolist()))}]"


def vector_of(data: bytes, *, dims: int) -> Floats:
    """The numbers of a column: float32, shape (dims,), not to be changed.

    Raises:
        StoreCorrupt: there are more or fewer.
    """
    if len(data) != _HEAD + dims * _NUMBER.itemsize:
        raise StoreCorrupt(f"a stored vector has {len(data)} bytes, not those of {dims} numbers")
    vector: Floats = np.frombuffer(data, _NUMBER, offset=_HEAD).astype(np.float32)
    vector.flags.writeable = False
    return vector


def vectors_of(rows: Sequence[bytes], *, dims: int) -> Floats:
    """The numbers of a column in several rows: float32, shape (n, dims).

    Raises:
        StoreCorrupt: one has more or fewer.
    """
    if not rows:
        return np.empty((0, dims), np.float32)
    return np.stack([vector_of(row, dims=dims) for row in rows])
