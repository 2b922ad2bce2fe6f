"""Faceprints: texts that stand for vectors, and say which model made them."""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from faceserver.api.pictures import MAX_DIMS
from faceserver.errors import InvalidEmbedding, InvalidRequest
from faceserver.types import Floats
from faceserver.web.compat.bodies import base64_bytes

_BETWEEN = b"\0"
_UNIT_TOLERANCE = 1e-3
_KIND = np.dtype("<f4")


@dataclass(frozen=True, eq=False)
class Faceprint:
    """A vector, and the model that made it."""

    model: str
    vector: Floats


def encoded(model: str, vector: Floats | Sequence[float]) -> str:
    """The text that stands for a vector."""
    numbers = np.asarray(vector, _KIND).tobytes()
    return b64encode(model.encode() + _BETWEEN + numbers).decode()


def decoded(text: object) -> Faceprint:
    """What a text stands for.

    Raises:
        InvalidEmbedding: it is no faceprint of this server.
    """
    try:
        model, _, numbers = base64_bytes(text).partition(_BETWEEN)
        name = model.decode()
    except (InvalidRequest, UnicodeDecodeError) as error:
        raise InvalidEmbedding("this is not a faceprint of this server") from error
    if not numbers or len(numbers) % _KIND.itemsize or len(numbers) > MAX_DIMS * _KIND.itemsize:
        raise InvalidEmbedding("this is not a faceprint of this server")
    vector = np.frombuffer(numbers, _KIND).astype(np.float32)
    if not abs(float(np.linalg.norm(vector)) - 1) < _UNIT_TOLERANCE:  # NaN is refused as well
        raise InvalidEmbedding("this is not a faceprint of this server")
    return Faceprint(name, vector)
