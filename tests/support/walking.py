"""What a call passes on its way: our own functions and files, and how deep they are nested."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

import faceserver

_PACKAGE = f"{Path(faceserver.__file__).parent}/"


@dataclass
class Walk:
    """What was passed.

    Attributes:
        functions: each function of the package, as its file and name; comprehensions and lambdas
            belong to the function that they stand in.
        depth: most functions of the package that were under way at the same time, one in another.
    """

    functions: set[tuple[str, str]] = field(default_factory=set)
    depth: int = 0

    @property
    def files(self) -> set[str]:
        """The files of the package that the functions stand in."""
        return {file for file, _ in self.functions}

    def __str__(self) -> str:
        return f"{len(self.functions)} functions in {len(self.files)} files, {self.depth} deep"


@contextmanager
def walked() -> Iterator[Walk]:
    """Note what the block passes, in its own thread and in those that it starts."""
    walk = Walk()
    sys.setprofile(walk_note := _noting(walk))
    threading.setprofile(walk_note)
    try:
        yield walk
    finally:
        sys.setprofile(None)
        threading.setprofile(None)


def _noting(walk: Walk):  # type: ignore[no-untyped-def]
    def note(frame: FrameType, event: str, _: object) -> None:
        if event != "call" or not frame.f_code.co_filename.startswith(_PACKAGE):
            return
        name = frame.f_code.co_qualname
        file = frame.f_code.co_filename.removeprefix(_PACKAGE)
        walk.functions.add((file, _function(name)))
        walk.depth = max(walk.depth, _depth(frame))

    return note


def _function(name: str) -> str:
    """The function that a lambda or a comprehension stands in."""
    parts = name.split(".<locals>.")
    while len(parts) > 1 and parts[-1].startswith("<"):
        parts.pop()
    return ".<locals>.".join(parts)


def _depth(frame: FrameType | None) -> int:
    depth = 0
    while frame is not None:
        if frame.f_code.co_filename.startswith(_PACKAGE):
            depth += not frame.f_code.co_name.startswith("<")
        frame = frame.f_back
    return depth
