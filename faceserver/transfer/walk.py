"""Every file below a folder, each either to be tried as a picture or left out for a reason."""

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from faceserver.pictures.filenames import decoded
from faceserver.pictures.kinds import HEAD_BYTES
from faceserver.transfer.leftout import (
    LINKED,
    SPECIAL,
    UNREADABLE,
    LeftOut,
    by_content,
    by_place,
    is_called_picture,
)


@dataclass(frozen=True)
class Files:
    """What lies below a folder.

    Attributes:
        pictures: what is to be tried, in the order of their names.
        left_out: all else, but folders.
    """

    pictures: tuple[Path, ...]
    left_out: tuple[LeftOut, ...]


def files_below(folder: Path) -> Files:
    """Look at every file of a folder and all below it.

    Nothing is opened but regular files, and those only where their names do not tell enough. Links
    to files are followed, links to folders are not: what they lead to comes by its own way, or is
    another folder's. What cannot be read is left out, and the rest goes on.
    """
    pictures: list[Path] = []
    left_out: list[LeftOut] = []
    for path, reason, detail in _walk(folder):
        if reason is None:
            pictures.append(path)
        else:
            name = as_text(path.relative_to(folder))
            left_out.append(LeftOut(name, reason, detail))
    return Files(tuple(pictures), tuple(left_out))


def files_at(paths: Iterable[Path]) -> Files:
    """The files that are given, whatever they hold, and those below the folders that are given.

    Each comes once, and what is left out is named with its folder.
    """
    pictures: dict[Path, None] = {}
    left_out: dict[LeftOut, None] = {}
    for path in paths:
        if path.is_dir():
            found = files_below(path)
            pictures |= dict.fromkeys(found.pictures)
            top = as_text(path)
            left_out |= {replace(item, name=f"{top}/{item.name}"): None for item in found.left_out}
        else:
            pictures[path] = None
    return Files(tuple(pictures), tuple(left_out))


def as_text(path: Path) -> str:
    """A path as text that can be stored, also where its bytes are no UTF-8."""
    try:
        return os.fsencode(path).decode()
    except UnicodeDecodeError:
        return str(Path(*(decoded(os.fsencode(part)) for part in path.parts)))


def _walk(top: Path) -> Iterator[tuple[Path, str | None, str]]:
    """Yield paths, each with why it is left out or None, and more about that; folder by folder."""
    waiting = [top]
    while waiting:
        path = waiting.pop()
        parts = [as_text(Path(part)) for part in path.relative_to(top).parts]
        try:
            mode = (path.stat() if path == top else path.lstat()).st_mode
            if stat.S_ISDIR(mode):
                with os.scandir(path) as entries:
                    names = sorted((entry.name for entry in entries), key=os.fsencode, reverse=True)
                waiting += [path / name for name in names]
                continue
            yield path, *_judged(path, parts)
        except OSError as error:
            place = by_place([*parts, "x"]) if parts else None
            yield path, place or UNREADABLE, error.strerror or str(error)


def _judged(path: Path, parts: list[str]) -> tuple[str | None, str]:
    reason = by_place(parts)
    if reason:
        return reason, ""
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        return LINKED, ""
    if not stat.S_ISREG(mode):
        return SPECIAL, ""
    if is_called_picture(path.name):
        return None, ""
    with path.open("rb") as file:
        return by_content(path.name, file.read(HEAD_BYTES)), ""
