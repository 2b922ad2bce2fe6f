"""What the crash test and the process it kills agree on."""

from faceserver.types import Floats
from tests.store.samples import people

BATCH = 3
EXACT_UP_TO = 30
PEOPLE = 4
MOST_FACES = 90


def vector(number: int) -> Floats:
    """The embedding of the face of this number: always the same."""
    embedding: Floats = people(1, seed=number)[0]
    return embedding
