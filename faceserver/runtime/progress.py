"""How long work tells how far it is."""

from collections.abc import Callable
from typing import IO

_PART = 1 << 20

Advance = Callable[[int], None]
"""Told how many more are done."""

Begin = Callable[[str, int], Advance]
"""Told of a stage of the work and how much it is in bytes or pieces; returns whom to tell of it."""


def unseen(what: str, total: int) -> Advance:
    """A :data:`Begin` that nobody looks at."""
    del what, total
    return lambda _: None


def copy(source: IO[bytes], target: IO[bytes], advance: Advance) -> None:
    """Copy what is left of a file, and tell of the bytes."""
    while part := source.read(_PART):
        target.write(part)
        advance(len(part))
