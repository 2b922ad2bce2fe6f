"""Zip files, taken as hostile.

Nothing is unpacked by the name that a zip gives. The sizes that its directory tells are upper
limits, because :mod:`zipfile` reads no more than them; a wrong one makes the checksum fail.

A name is text with ``/`` between its parts, whatever the program wrote that made the zip: Windows'
own separators become that, and an encoding that nobody wrote down is guessed.
"""

import re
import struct
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from stat import S_ISLNK
from types import TracebackType
from typing import IO, Self
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from faceserver.errors import FileTooLarge, InvalidArchive
from faceserver.pictures.filenames import encoding_of

MAX_ENTRIES = 10_000_000
MAX_RATIO = 200
"""Deflate reaches 1032; what people keep stays far below this."""

_DRIVE = re.compile(r"[A-Za-z]:")
_IS_UTF8 = 0x800
"""The bit of an entry's flags that says how its name is encoded."""

_UNICODE_PATH = 0x7075
"""The extra field that holds a name in UTF-8 beside an older one (APPNOTE 4.6.9)."""

_SMALL = 1_000_000
"""Up to so many bytes a file may be compressed as well as it likes."""


class ZipReader:
    """A zip to read from, by several threads at once."""

    def __init__(self, path: Path) -> None:
        """Open it and judge each entry by what the directory says.

        Raises:
            InvalidArchive: it is no zip, is cut off, or its entries overlap.
        """
        self.path = path
        with self._errors():
            self._zip = ZipFile(path)
        try:
            self._judge()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._zip.close()

    def refuse_flaws(self) -> None:
        """Refuse the whole zip where one entry is flawed: none of ours ever has such.

        Raises:
            InvalidArchive: it names the entry and the flaw.
        """
        for name, flaw in self.flaws.items():
            raise InvalidArchive(f"{self.path}: {name!r}: {flaw}")

    def names(self) -> list[str]:
        """The names of all entries without a flaw, in the order of the directory."""
        return list(self._entries)

    @property
    def comment(self) -> bytes:
        """What the zip says of itself."""
        return self._zip.comment

    def head(self, name: str, count: int) -> bytes:
        """Return an entry's first bytes, at most so many.

        Raises:
            InvalidArchive: there is no such entry, or it is damaged.
        """
        with self.open(name) as file:
            return file.read(count)

    def size(self, name: str) -> int:
        """How many bytes an entry has, at most."""
        return self._entry(name).file_size

    def read(self, name: str, *, max_bytes: int) -> bytes:
        """Return an entry's bytes.

        Raises:
            FileTooLarge: there are more than ``max_bytes``; none was read.
            InvalidArchive: there is no such entry, or its checksum is wrong.
        """
        if self.size(name) > max_bytes:
            raise FileTooLarge(f"{name!r} has {self.size(name)} bytes, {max_bytes} are allowed")
        with self.open(name) as file:
            return file.read()

    @contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        """Lend the block an entry to read.

        Raises:
            InvalidArchive: there is no such entry, or its checksum is wrong.
        """
        with self._errors(), self._zip.open(self._entry(name)) as file:
            yield file

    def _entry(self, name: str) -> ZipInfo:
        try:
            return self._entries[name]
        except KeyError as error:
            raise InvalidArchive(f"{self.path} holds no {name!r}") from error

    def _judge(self) -> None:
        named = zip(self._zip.infolist(), _names(self._zip.infolist()), strict=True)
        files = [(entry, name) for entry, name in named if not name.endswith(("/", "\\"))]
        entries = [entry for entry, _ in files]
        if len(entries) > MAX_ENTRIES:
            raise InvalidArchive(f"{self.path} holds {len(entries)} files, too many")
        if sum(entry.compress_size for entry in entries) > self.path.stat().st_size:
            raise InvalidArchive(f"{self.path} is not a valid zip file: its entries overlap")
        self.flaws: dict[str, str] = {}
        self._entries: dict[str, ZipInfo] = {}
        for entry, told in files:
            name = told.replace("\\", "/")
            flaw = _flaw(entry, name)
            if flaw is None and name in self._entries:
                flaw = "there are two of this name"
            if flaw:
                self.flaws[told] = flaw
            else:
                self._entries[name] = entry

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (BadZipFile, NotImplementedError, zlib.error, EOFError) as error:
            raise InvalidArchive(
                f"{self.path} is not a zip file, or is damaged: {error}"
            ) from error
        except OSError as error:
            raise InvalidArchive(
                f"{self.path} cannot be read: {error.strerror or error}"
            ) from error


def _names(entries: Sequence[ZipInfo]) -> list[str]:
    """The entries' names as text, with the separators that they came with."""
    # zipfile takes a name without a mark for cp437, where every byte is a character.
    unmarked = {
        at: entry.orig_filename.encode("cp437")
        for at, entry in enumerate(entries)
        if not entry.flag_bits & _IS_UTF8
    }
    encoding = encoding_of(unmarked.values())
    return [
        _unicode_path(entry) or unmarked[at].decode(encoding, errors="replace")
        if at in unmarked
        else entry.orig_filename
        for at, entry in enumerate(entries)
    ]


def _unicode_path(entry: ZipInfo) -> str | None:
    """The name in UTF-8 that stands beside one in another encoding, if it belongs to that one."""
    extra = entry.extra
    while len(extra) >= 4:
        kind, size = struct.unpack_from("<HH", extra)
        if kind == _UNICODE_PATH and 5 < size <= len(extra) - 4:
            (checksum,) = struct.unpack_from("<L", extra, 5)
            if checksum == zlib.crc32(entry.orig_filename.encode("cp437")):
                return extra[9 : 4 + size].decode("utf-8", errors="replace")
        extra = extra[4 + size :]
    return None


def _flaw(entry: ZipInfo, name: str) -> str | None:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\0" in name or _DRIVE.match(name):
        return "a name that leads out of the archive"
    if S_ISLNK(entry.external_attr >> 16):
        return "a symbolic link"
    if entry.flag_bits & 1:
        return "encrypted"
    if entry.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        return "compressed in a way that is not read here"
    if entry.file_size > max(_SMALL, MAX_RATIO * entry.compress_size):
        return f"compressed more than {MAX_RATIO} times"
    return None
