"""Finds a form's boundary without a pattern of its own.

Each request has its own boundary. Werkzeug compiles two patterns for it, which takes a quarter of a
millisecond, at Python's interpreter, where all requests wait for each other.
"""

import re
import typing as t

_BEHIND = re.compile(rb"(--[^\S\n\r]*(?:\r\n|\n|\r)?|[^\S\n\r]*(?:\r\n|\n|\r))")
"""What may stand behind a boundary: the dashes of the last one, blanks, and a line break."""


class Border:
    """Finds a boundary as Werkzeug's patterns do, without a pattern of its own."""

    def __init__(self, boundary: bytes, *, begins_a_line: bool) -> None:
        self._dashed = b"--" + boundary
        self._begins_a_line = begins_a_line

    def search(self, data: bytes | bytearray, begin: int = 0) -> "Found | None":
        """The first place where the boundary stands, with the line breaks around it."""
        at = data.find(self._dashed, begin)
        while at >= 0:
            behind = _BEHIND.match(data, at + len(self._dashed))
            start = at - _break_before(data, begin, at)
            if behind and (start < at or not self._begins_a_line):
                return Found(start, behind)
            at = data.find(self._dashed, at + 1)
        return None


class Found(t.NamedTuple):
    """A boundary, as Werkzeug asks a pattern's match about it."""

    begin: int
    behind: re.Match[bytes]

    def group(self, number: int) -> bytes:
        """What stands behind it."""
        return self.behind[number]

    def start(self) -> int:
        """Where it begins, the line break before it included."""
        return self.begin

    def end(self) -> int:
        """Where it ends, the line break behind it included."""
        return self.behind.end()


def _break_before(data: bytes | bytearray, begin: int, at: int) -> int:
    """How many bytes of a line break end where a boundary stands."""
    if at - begin >= 2 and data[at - 2 : at] == b"\r\n":
        return 2
    return int(at > begin and data[at - 1] in b"\r\n")
