"""What the crash test and the process it kills agree on."""

from faceserver.types import NewFace
from tests.store.samples import DIMS, MODEL, new_face, people

__all__ = ["BATCH", "DIMS", "EXACT_UP_TO", "MODEL", "batch"]

BATCH = 3
EXACT_UP_TO = 30


def batch(first: int) -> list[NewFace]:
    """The faces number ``first`` and following: always the same under the same number."""
    return [
        new_face(people(1, seed=number)[0], str(number)) for number in range(first, first + BATCH)
    ]
