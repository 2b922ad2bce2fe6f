"""How much room a data folder takes."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from time import monotonic

from faceserver.layout import FACES, INDEX, PICTURES, with_sqlite_files

_FRESH_SECONDS = 30
"""Looking at every picture takes a while; so long what was found holds."""


@dataclass(frozen=True)
class DiskUse:
    """Bytes on the disk.

    Attributes:
        faces: of the database with faces, vectors and people.
        index: of the saved indexes.
        pictures: of the stored pictures and crops.
        other: of all else in the folder.
        free: that are left on this disk.
    """

    faces: int
    index: int
    pictures: int
    other: int
    free: int


def disk_use(folder: Path) -> DiskUse:
    """Measure a data folder; what was found a moment ago is told again.

    Files that come or go meanwhile may be counted or not.
    """
    return _measured(folder, int(monotonic() // _FRESH_SECONDS))


@lru_cache(maxsize=1)
def _measured(folder: Path, _moment: int) -> DiskUse:
    sizes = {"faces": 0, "index": 0, "pictures": 0, "other": 0}
    for name, size in _files(folder):
        sizes[_kind(name)] += size
    return DiskUse(**sizes, free=shutil.disk_usage(folder).free)


def _kind(name: str) -> str:
    if name in with_sqlite_files(FACES):
        return "faces"
    return {INDEX: "index", PICTURES: "pictures"}.get(name, "other")


def _files(folder: Path) -> Iterator[tuple[str, int]]:
    """Each file's size, with the name of what it is in, directly below the folder."""
    for entry in _entries(folder):
        for size in _sizes(entry):
            yield entry.name, size


def _sizes(entry: os.DirEntry[str]) -> Iterator[int]:
    try:
        if not entry.is_dir(follow_symlinks=False):
            yield entry.stat(follow_symlinks=False).st_size
            return
    except FileNotFoundError:
        return
    for inner in _entries(entry.path):
        yield from _sizes(inner)


def _entries(folder: str | Path) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            yield from found
    except FileNotFoundError:
        return
