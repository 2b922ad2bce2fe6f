"""Loaded by each Python of a test of what leaves the house: writes down what it writes, and where.

``QUIET_RECORD`` is the file of the record, ``QUIET_FOLDERS`` the folders that may be written to.
"""

import os
import sys

_RECORD = os.environ["QUIET_RECORD"]
_ALLOWED = tuple(os.environ["QUIET_FOLDERS"].split(os.pathsep))
_CALLS = {"socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"}
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_recording = False


def _note(what: str, whom: object) -> None:
    global _recording  # noqa: PLW0603 - to open the record is such an event itself
    _recording = True
    try:
        with open(_RECORD, "a", encoding="utf-8") as file:  # noqa: PTH123
            file.write(f"{what} {whom}\n")
    finally:
        _recording = False


def _watch(event: str, arguments: tuple[object, ...]) -> None:
    if _recording:
        return
    if event in _CALLS:
        whom = arguments[1] if event in ("socket.connect", "socket.sendto") else arguments[0]
        # A path is a Unix socket; an address in digits asks nobody for a name.
        if isinstance(whom, tuple) or (isinstance(whom, str) and not _is_number(whom)):
            _note(event, whom)
    elif event == "open":
        path, _, flags = arguments
        writes = isinstance(flags, int) and flags & _WRITES
        if writes and isinstance(path, str | bytes | os.PathLike):
            place = os.path.realpath(os.fsdecode(path))
            if not place.startswith(_ALLOWED):
                _note("write", place)
    elif event == "os.mkdir":
        place = os.path.realpath(os.fsdecode(arguments[0]))  # type: ignore[arg-type]
        if not place.startswith(_ALLOWED) and not os.path.isdir(place):  # noqa: PTH112
            _note("mkdir", place)


def _is_number(name: str) -> bool:
    return set(name) <= set("0123456789.") or ":" in name


sys.addaudithook(_watch)
