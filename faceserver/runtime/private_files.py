"""Files that their owner alone may read, from their first byte, whatever the folder and the umask.

A data folder may have been there before, for everybody to look into: a volume, a home. So what
protects faces, keys and vectors is the mode of each file, given when it is made.
"""

import logging
import os
import shutil
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

FILE = 0o600
FOLDER = 0o700

_log = logging.getLogger(__name__)


def private(path: str, flags: int) -> int:
    """Open a file, for the ``opener`` of :func:`open`; one that is made is for its owner alone."""
    return os.open(path, flags, FILE)


def make_private(path: Path) -> None:
    """Make an empty file where it is missing, for a library that writes by a path of its own.

    Raises:
        OSError: the system refused.
    """
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE))


def write_privately(path: Path, data: bytes) -> None:
    """Write a file; one that is there keeps its mode.

    Raises:
        OSError: the system refused.
    """
    with open(path, "wb", opener=private) as file:
        file.write(data)


def copy_privately(source: Path, target: Path) -> None:
    """Copy what a file holds, and when it was changed, into a new one.

    Raises:
        OSError: the system refused, or there is a file of the target's name.
    """
    with source.open("rb") as read, open(target, "xb", opener=private) as written:
        shutil.copyfileobj(read, written)
        times = os.fstat(read.fileno())
    os.utime(target, ns=(times.st_atime_ns, times.st_mtime_ns))


def make_private_folders(folder: Path) -> None:
    """Make a folder where it is missing, and each of its parents.

    Raises:
        OSError: the system refused.
    """
    if not folder.is_dir():
        make_private_folders(folder.parent)
        folder.mkdir(mode=FOLDER, exist_ok=True)


def tighten(paths: Iterable[Path]) -> None:
    """Take from everybody else what older versions, or a copy, have left open to them.

    Args:
        paths: files, and folders with all that is in them; links are not followed. What cannot be
            changed, because it belongs to another user, is told in the log.
    """
    for path in paths:
        for found in _with_all_inside(path):
            _tighten(found)


def _with_all_inside(path: Path) -> Iterator[Path | os.DirEntry[str]]:
    """A path, and what is below it; a folder is closed before what is in it is looked at."""
    yield path
    if path.is_dir() and not path.is_symlink():
        for folder, _, _ in os.walk(path):
            with os.scandir(folder) as entries:
                yield from entries


def _tighten(path: Path | os.DirEntry[str]) -> None:
    try:
        mode = path.stat(follow_symlinks=False).st_mode
        if stat.S_ISLNK(mode) or not mode & 0o077:
            return
        os.chmod(path, stat.S_IMODE(mode) & ~0o077)  # noqa: PTH101 - an entry has no chmod
    except FileNotFoundError:
        return  # it has gone meanwhile
    except OSError as error:
        _log.warning("%s stays readable by others: %s", os.fspath(path), error.strerror)
