"""Where a job's pictures come from: URLs, or a zip that was uploaded."""

import os
import struct
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from faceserver.api.pictures import Credentials
from faceserver.errors import InvalidArchive
from faceserver.jobs.records import NewItem
from faceserver.pictures.fetch import Fetch
from faceserver.runtime.atomic_files import make_folder
from faceserver.services.outcomes import NewPicture
from faceserver.transfer.files import refused
from faceserver.transfer.leftout import LeftOut
from faceserver.transfer.sources import open_source

_SUFFIX = ".zip"

_MAX_DIRECTORY = 5_000_000
"""Bytes of a zip's directory: 500 for each of 10,000 pictures. It is read as a whole, so that a zip
of millions of empty files would take gigabytes of memory."""

_END = b"PK\x05\x06"
_END_LENGTH = 22
_COMMENT_LENGTH = 65_535
_BEYOND_4_GB = b"PK\x06\x07"
_LOCATOR_LENGTH = 20
_LARGE_END = b"PK\x06\x06"
_LARGE_END_LENGTH = 56


def url_item(item: NewItem, fetch: Fetch) -> NewPicture:
    """A picture that is fetched when its turn comes; the same URL is not fetched again."""
    return NewPicture(
        source=item.source,
        load=partial(fetch, item.source, item.credentials),
        person=item.person,
        tags=item.tags,
        external_id=item.external_id,
        by_name=True,
    )


def _no_fetch(_: str, __: Credentials | None = None, /) -> bytes:
    raise NotImplementedError("a zip contains no URLs")


@dataclass(frozen=True)
class ZipContent:
    """What a zip holds.

    Attributes:
        items: its pictures.
        left_out: its other files, and why they are not tried.
    """

    items: Sequence[NewPicture]
    left_out: Sequence[LeftOut]

    def item(self, number: int, name: str) -> NewPicture:
        """The picture of a place, counted from 1.

        A job may have been handed in to a version that saw other files as pictures: then the
        name counts.
        """
        if number <= len(self.items) and self.items[number - 1].source == name:
            return self.items[number - 1]
        same = (item for item in self.items if item.source == name)
        return next(same, refused(name, InvalidArchive("the zip contains no such picture")))


class ZipFolder:
    """The uploaded zips, each named after its job."""

    def __init__(self, folder: Path, *, max_bytes: int) -> None:
        """Make the folder where it is missing.

        Args:
            folder: of the zips.
            max_bytes: largest picture; of a larger one nothing is read.

        Raises:
            StoreError: the folder cannot be made.
        """
        self._folder = folder
        self._max_bytes = max_bytes
        make_folder(folder)

    def path(self, job_id: str) -> Path:
        """Where the zip of a job lies."""
        return self._folder / f"{job_id}{_SUFFIX}"

    def remove(self, job_id: str) -> None:
        """Remove the zip of a job, if there is one."""
        self.path(job_id).unlink(missing_ok=True)

    def job_ids(self) -> list[str]:
        """The ids of the jobs whose zips are here."""
        return [path.stem for path in self._folder.glob(f"*{_SUFFIX}")]

    def keep_only(self, job_ids: Collection[str]) -> None:
        """Remove all other zips, such as those of uploads that a crash cut off."""
        for path in self._folder.glob(f"*{_SUFFIX}"):
            if path.stem not in job_ids:
                path.unlink()

    @contextmanager
    def opened(self, job_id: str) -> Iterator["ZipContent"]:
        """Lend the block what a zip holds, always in the same order.

        Raises:
            InvalidArchive: it is no zip, or its directory is too large.
        """
        path = self.path(job_id)
        _check_directory(path)
        with (
            _without_place(path),
            open_source(path, fetch=_no_fetch, max_bytes=self._max_bytes) as source,
        ):
            items = [replace(item, load=partial(_load, path, item)) for item in source.items]
            yield ZipContent(items, source.left_out)


def _load(path: Path, item: NewPicture) -> bytes:
    with _without_place(path):
        return item.load()


@contextmanager
def _without_place(path: Path) -> Iterator[None]:
    """Keep where the zip lies on the server out of what its sender is told."""
    try:
        yield
    except InvalidArchive as error:
        raise InvalidArchive(str(error).replace(str(path), "the zip")) from error


def _check_directory(path: Path) -> None:
    """Refuse a zip by what its last record says of its directory, before that is read.

    Raises:
        InvalidArchive: there is no such record, or the directory is too large.
    """
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        ends = _END_LENGTH + _COMMENT_LENGTH + _LOCATOR_LENGTH + _LARGE_END_LENGTH
        file.seek(max(size - ends, 0))
        tail = file.read()
    at = tail.rfind(_END)
    if at < 0 or len(tail) < at + _END_LENGTH:
        raise InvalidArchive("this is not a zip file, or it is truncated")
    (directory,) = struct.unpack_from("<L", tail, at + 12)
    locator = max(at - _LOCATOR_LENGTH, 0)
    if tail[locator:at].startswith(_BEYOND_4_GB):
        large = tail[max(locator - _LARGE_END_LENGTH, 0) : locator]
        if len(large) < _LARGE_END_LENGTH or not large.startswith(_LARGE_END):
            raise InvalidArchive("the zip's record for more than 65,535 files is damaged")
        (directory,) = struct.unpack_from("<Q", large, 40)
    if directory > _MAX_DIRECTORY:
        raise InvalidArchive(f"the zip's directory has more than {_MAX_DIRECTORY} bytes")
