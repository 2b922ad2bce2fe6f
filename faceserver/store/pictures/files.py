"""Pictures as files of a folder: the only code that knows where they lie."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO

from faceserver.errors import NotFound
from faceserver.layout import PICTURES, TEMPORARY
from faceserver.runtime.atomic_files import file_errors, make_folder, sync, write_atomically
from faceserver.runtime.private_files import copy_privately
from faceserver.store.pictures.base import (
    Pictures,
    is_picture_name,
    is_stored_name,
    picture_name,
    share_bytes,
)
from faceserver.store.results import Link


class PictureFolder:
    """The pictures of a data folder; see :class:`~faceserver.store.pictures.base.Pictures`."""

    def __init__(self, data_folder: Path) -> None:
        """Take the data folder; nothing is made until :meth:`prepare` or :meth:`save` is called."""
        self._folder = data_folder / PICTURES

    def prepare(self) -> None:
        """Make the folder where it is missing, and remove what a crash left half-written."""
        make_folder(self._folder)
        with file_errors(self._folder):
            for leftover in self._folder.glob(f"*{TEMPORARY}"):
                leftover.unlink()

    def prepare_shared(self) -> None:
        """Make the folder where it is missing; what other servers are writing stays.

        Raises:
            StoreError: the system refused.
        """
        make_folder(self._folder)

    def save(self, jpeg: bytes) -> str:
        """Store a picture; see :meth:`.base.Pictures.save`."""
        name = picture_name(jpeg)
        if not self._folder.is_dir():
            make_folder(self._folder)
        write_atomically(self._folder / name, jpeg)
        return name

    def put(self, name: str, content: bytes) -> None:
        """Store a thumbnail; see :meth:`.base.Pictures.put`."""
        if not self._folder.is_dir():
            make_folder(self._folder)
        write_atomically(self._folder / name, content, durable=False)

    def open(self, name: str) -> IO[bytes]:
        """A picture as a stream; see :meth:`.base.Pictures.open`."""
        path = self._path(name, is_stored_name)
        with file_errors(path):
            try:
                return path.open("rb")
            except FileNotFoundError as error:  # it has just been deleted
                raise NotFound(f"there is no picture {name!r}") from error

    def delete(self, names: Iterable[str]) -> int:
        """Delete pictures; see :meth:`.base.Pictures.delete`."""
        removed = 0
        with file_errors(self._folder):
            for name in filter(is_stored_name, names):
                try:
                    (self._folder / name).unlink()
                except FileNotFoundError:
                    continue
                removed += 1
            if removed:
                sync(self._folder)
        return removed

    def names(self) -> Iterator[str]:
        """The names of all pictures and thumbnails, in no order."""
        return filter(is_stored_name, self._entries())

    def place(self, name: str) -> str:
        """The path of a picture, to be shown; see :meth:`.base.Pictures.place`."""
        return str(self._path(name))

    def strays(self) -> list[str]:
        """The names of what lies in the folder and is no picture, half-written ones aside."""
        return sorted(
            name
            for name in self._entries()
            if not is_stored_name(name) and not name.endswith(TEMPORARY)
        )

    def remains(self) -> Sequence[str]:
        """Nowhere."""
        return ()

    def delete_stray(self, name: str) -> None:
        """Delete what :meth:`strays` has named.

        Raises:
            StoreError: the system refused.
        """
        with file_errors(self._folder / name):
            (self._folder / name).unlink()

    def link(self, name: str) -> Link | None:
        """None: a folder is reached through the server alone."""
        del name
        return None

    def share(self, name: str, other: Pictures) -> bool:
        """Give another place the same picture: a folder as a link, where the disk can.

        See :meth:`.base.Pictures.share`.
        """
        if not is_picture_name(name):
            return False
        if not isinstance(other, PictureFolder):
            return share_bytes(self, name, other)
        source, target = self._folder / name, other._folder / name
        if target.exists():
            return True
        try:
            os.link(source, target)
        except FileNotFoundError:
            return False
        except OSError:  # another device, or one without links
            try:
                copy_privately(source, target)
            except FileNotFoundError:
                return False
        return True

    def _entries(self) -> Iterator[str]:
        return (path.name for path in self._folder.glob("*"))

    def _path(self, name: str, can_be: Callable[[str], bool] = is_picture_name) -> Path:
        path = self._folder / name
        if not can_be(name) or not path.is_file():
            raise NotFound(f"there is no picture {name!r}")
        return path
