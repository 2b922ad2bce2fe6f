"""Where pictures come from: folders, zips, and lists of paths or URLs as CSV or JSON lines."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

from faceserver.errors import InvalidArchive
from faceserver.pictures.fetch import Fetch
from faceserver.pictures.kinds import HEAD_BYTES, PICTURES, kind_of
from faceserver.pictures.zips import ZipReader
from faceserver.services.outcomes import NewPicture
from faceserver.transfer.files import read_file, refused
from faceserver.transfer.leftout import (
    UNREADABLE,
    LeftOut,
    by_content,
    by_place,
    is_called_picture,
)
from faceserver.transfer.lists import LISTS, open_list
from faceserver.transfer.people import person_of, without_wrapping
from faceserver.transfer.walk import as_text, files_below

PEOPLE_FIRST = b"faceserver: the first folder is the person"
"""The comment of a zip that has no folder around the people's."""


@dataclass(frozen=True)
class Source:
    """Pictures, and what lies beside them.

    Attributes:
        items: the pictures.
        count: how many there are.
        left_out: files that are not tried, and why.
        people: how many pictures each person has, by name; None is nobody. Of a list it is empty.
    """

    items: Iterator[NewPicture]
    count: int
    left_out: tuple[LeftOut, ...] = ()
    people: Counter[str | None] | None = None


@contextmanager
def open_source(
    path: Path, *, fetch: Fetch, max_bytes: int, people: bool = True
) -> Iterator[Source]:
    """Lend the block the pictures of a folder, a zip, a ``.csv`` or a ``.jsonl``.

    Args:
        path: a list is known by its ending, a zip by its content too.
        fetch: returns a URL's bytes.
        max_bytes: largest picture; of a larger one nothing is read.
        people: in folders and zips, the first folder on the way to a picture names its person; see
            :mod:`faceserver.transfer.people`.

    Raises:
        InvalidArchive: it is none of these, or it cannot be read.
    """
    if path.is_dir():
        yield _of_folder(path, max_bytes, people=people)
    elif path.exists() and not path.is_file():
        raise InvalidArchive(f"{path} is neither a file nor a folder")
    elif path.suffix.lower() in LISTS:
        with open_list(path, fetch=fetch, max_bytes=max_bytes) as (items, count):
            yield Source(items, count)
    elif is_zip(path):
        with ZipReader(path) as archive:
            yield _of_zip(archive, max_bytes, people=people)
    else:
        hint = ": `faceserver register` takes single pictures" if _is_picture(path) else ""
        raise InvalidArchive(f"{path} is not a folder, .zip, .csv or .jsonl{hint}")


def is_zip(path: Path) -> bool:
    """Whether a file is called a zip, or is one under a name without an ending."""
    if path.suffix.lower() == ".zip":
        return True
    return not path.suffix and path.is_file() and kind_of(_head(path)) == "zip"


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(HEAD_BYTES)
    except OSError as error:
        raise InvalidArchive(f"{path} cannot be read: {error.strerror or error}") from error


def _is_picture(path: Path) -> bool:
    return is_called_picture(path.name) or kind_of(_head(path)) in PICTURES


def _of_folder(folder: Path, max_bytes: int, *, people: bool) -> Source:
    found = files_below(folder)
    names = [as_text(path.relative_to(folder)) for path in found.pictures]
    ways, persons = _people([name.split("/") for name in names], packed=False, people=people)
    read = partial(read_file, max_bytes=max_bytes)
    items = (
        NewPicture(name, partial(read, path), person)
        for name, path, person in zip(names, found.pictures, persons, strict=True)
    )
    return Source(items, len(ways), found.left_out, Counter(persons))


def _of_zip(archive: ZipReader, max_bytes: int, *, people: bool) -> Source:
    judged = {name: _judged(archive, name) for name in archive.names()}
    names = [name for name, left_out in judged.items() if left_out is None]
    packed = archive.comment != PEOPLE_FIRST
    ways, persons = _people([*map(_way, names)], packed=packed, people=people)
    items = [
        NewPicture(_text("/".join(way)), partial(archive.read, name, max_bytes=max_bytes), person)
        for name, way, person in zip(names, ways, persons, strict=True)
    ]
    flawed = {name: _judged_flaw(name, flaw) for name, flaw in archive.flaws.items()}
    items += [
        refused(_text(name), InvalidArchive(archive.flaws[name]))
        for name, left_out in flawed.items()
        if left_out is None
    ]
    left_out = [item for item in (*judged.values(), *flawed.values()) if item is not None]
    return Source(iter(items), len(items), tuple(left_out), Counter(persons))


def _people(
    ways: Sequence[Sequence[str]], *, packed: bool, people: bool
) -> tuple[Sequence[Sequence[str]], list[str | None]]:
    """The ways by which pictures are called, and the person of each."""
    inner, takeout = without_wrapping(ways, packed=packed)
    persons = [person_of(way, takeout=takeout) if people else None for way in inner]
    return inner, [None if person is None else _text(person) for person in persons]


def _way(name: str) -> list[str]:
    """The folders on the way to an entry, and its name: ``./ann//a.jpg`` is ``ann/a.jpg``."""
    *folders, last = name.split("/")
    return [*(folder for folder in folders if folder not in {"", "."}), last]


def _judged(archive: ZipReader, name: str) -> LeftOut | None:
    """Why an entry is left out, None if it is not."""
    parts = _way(name)
    reason = by_place(parts)
    if reason is None and not is_called_picture(parts[-1]):
        try:
            reason = by_content(parts[-1], archive.head(name, HEAD_BYTES))
        except InvalidArchive as error:
            return LeftOut(_text(name), UNREADABLE, str(error))
    return None if reason is None else LeftOut(_text(name), reason)


def _judged_flaw(name: str, flaw: str) -> LeftOut | None:
    """Why an entry that cannot be read is left out; None if it may be a picture, and is refused."""
    parts = name.replace("\\", "/").split("/")
    reason = by_place(parts)
    if reason is None and not is_called_picture(parts[-1]) and PurePosixPath(parts[-1]).suffix:
        return LeftOut(_text(name), UNREADABLE, flaw)
    return None if reason is None else LeftOut(_text(name), reason)


def _text(name: str) -> str:
    return name.encode(errors="replace").decode()
