"""Decodes tampered pictures of one format in a process that may use little memory.

``python -m tests.fuzz.decoder FORMAT CASES``, or ``bombs``; prints what became of them as JSON.
A crash, or an exception that is none of ours, ends it with another status than 0.
"""

import json
import resource
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, settings

from faceserver.errors import ImageError
from tests.fuzz.pictures import BOMBS, mutated
from tests.support.picture_files import decode

MAX_PIXELS = 1_000_000
ROOM = 150_000_000
"""Bytes that decoding may take on top: a picture of the most pixels needs some 20 MB."""


def main(kind: str, cases: int) -> None:
    """Decode, and print how many were read, refused by which code, and how memory grew."""
    outcomes: Counter[str] = Counter()

    def look(data: bytes) -> None:
        outcomes[outcome(data)] += 1

    if kind == "bombs":
        for make in BOMBS.values():
            data = make()
            with _little_memory():
                look(data)
    else:
        fuzz = settings(
            max_examples=cases,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        with _little_memory():
            fuzz(given(mutated(kind))(look))()
    print(json.dumps(outcomes))


def outcome(data: bytes) -> str:
    """ "read", or the code that a picture is refused with."""
    try:
        image = decode(data, max_pixels=MAX_PIXELS)
    except ImageError as error:
        return "no memory" if isinstance(error.__cause__, MemoryError) else error.code
    height, width, channels = image.shape
    assert channels == 3
    assert height * width <= MAX_PIXELS
    return "read"


@contextmanager
def _little_memory() -> Iterator[None]:
    """Let the process have ROOM more than it has now, and nothing beyond.

    What turns pictures is loaded before, as it is in a server, whose detector needs it too.
    """
    import_module("cv2")
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + ROOM, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
