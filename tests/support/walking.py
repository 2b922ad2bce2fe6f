"""What a call passes on its way: our own functions and files, and how deep they are nested."""

import sys
import threading
from collections.abc import Callable, Iterator
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
        deepest: the longest row of functions of the package that were under way in one another.
    """

    functions: set[tuple[str, str]] = field(default_factory=set)
    deepest: tuple[tuple[str, str], ...] = ()

    @property
    def depth(self) -> int:
        """How many functions those are."""
        return len(self.deepest)

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
    note = _noting(walk)
    sys.setprofile(note)
    threading.setprofile(note)
    try:
        yield walk
    finally:
        sys.setprofile(None)
        threading.setprofile(None)


def _noting(walk: Walk) -> Callable[[FrameType, str, object], None]:
    def note(frame: FrameType, event: str, _: object) -> None:
        if event != "call" or not frame.f_code.co_filename.startswith(_PACKAGE):
            return
        walk.functions.add(_function_of(frame))
        walk.deepest = max(walk.deepest, _under_way(frame), key=len)

    return note


def _under_way(frame: FrameType | None) -> tuple[tuple[str, str], ...]:
    """The package's functions that wait for a frame, the outermost first."""
    found: list[tuple[str, str]] = []
    while frame is not None:
        code = frame.f_code
        # A comprehension or a lambda is no step of its own.
        if code.co_filename.startswith(_PACKAGE) and not code.co_name.startswith("<"):
            found.append(_function_of(frame))
        frame = frame.f_back
    return tuple(reversed(found))


def _function_of(frame: FrameType) -> tuple[str, str]:
    code = frame.f_code
    return code.co_filename.removeprefix(_PACKAGE), _function(code.co_qualname)


def _function(name: str) -> str:
    """The function that a lambda or a comprehension stands in."""
    parts = name.split(".<locals>.")
    while len(parts) > 1 and parts[-1].startswith("<"):
        parts.pop()
    return ".<locals>.".join(parts)
