"""How many changes were committed, kept beside SQLite's file, so that a loss is noticed.

SQLite drops the end of its log without a word where the disk has cut or damaged it, and takes an
older or an empty file for the truth. So each transaction counts itself inside SQLite's file, and
then in a file of its own. Killed in between, the file is behind; it is never ahead of what is
committed, unless the disk has lost something.

The file is not synced at each commit, which would take as long as the commit itself: the system
writes it within the minute. After a failure of the power a loss of that minute may go unnoticed.
"""

import logging
import os
import struct
import zlib
from contextlib import suppress
from dataclasses import astuple, dataclass
from pathlib import Path

from faceserver.runtime.database import Transaction
from faceserver.store.results import Loss

_log = logging.getLogger(__name__)

_MAGIC = b"fscommit"
_NUMBERS = struct.Struct("<8s4Q")
_CHECKSUM = struct.Struct("<L")
_BYTES = _NUMBERS.size + _CHECKSUM.size

_COMMITTED = """
    SELECT changes, (SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'faces')
    FROM commits
"""
"""The row ids of faces only ever rise, so that the highest tells how many were ever stored."""


@dataclass(frozen=True)
class Committed:
    """How far a gallery has come.

    Attributes:
        changes: transactions since it was made.
        faces: that were ever stored, the deleted ones included.
    """

    changes: int
    faces: int


class CommitFile:
    """The numbers beside SQLite's file, which counts itself by having it as its witness.

    Whoever calls holds the data folder, a thread at a time.

    Nothing here raises where the disk is full or refuses: what cannot be written stays behind.
    """

    def __init__(self, path: Path) -> None:
        """Open the file, or make it.

        Args:
            path: of the file.
        """
        self._path = path
        self._descriptor: int | None = None
        self._failed = False
        self.loss = Loss()
        self._known = self._read()
        self._now = Committed(0, 0)

    def opened(self, transaction: Transaction) -> None:
        """Compare the numbers with those inside SQLite's file, which is open now."""
        self.compare(_committed(transaction))

    def committing(self, transaction: Transaction) -> None:
        """Count a transaction inside SQLite's file, as a part of it."""
        transaction.run("UPDATE commits SET changes = changes + 1")
        self._now = _committed(transaction)

    def committed(self) -> None:
        """Note the transaction that :meth:`committing` has counted."""
        self.note(self._now)

    def compare(self, found: Committed) -> Loss:
        """Tell what is gone, from what SQLite's file holds now; it stays told until acknowledged.

        A gallery from before there was this file has lost nothing that anybody knows of.
        """
        if self._known is not None:
            known, before = self._known
            self.loss = Loss(
                before.changes + max(known.changes - found.changes, 0),
                before.faces + max(known.faces - found.faces, 0),
            )
        self.note(found)
        return self.loss

    def acknowledge(self) -> None:
        """Take the gallery as it is: the loss is told no more."""
        self.loss = Loss()
        if self._known is not None:
            self.note(self._known[0])

    def note(self, now: Committed) -> None:
        """Keep how far the gallery has come; to be called after the commit."""
        self._known = (now, self.loss)
        data = _NUMBERS.pack(_MAGIC, *astuple(now), *astuple(self.loss))
        data += _CHECKSUM.pack(zlib.crc32(data))
        try:
            if self._descriptor is None:
                self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
            if os.pwrite(self._descriptor, data, 0) < len(data):
                raise OSError("it was written in part")  # noqa: TRY301
        except OSError as error:
            if not self._failed:  # once, not at each commit
                _log.warning("%s cannot be written: %s", self._path, error)
            self._failed = True
        else:
            self._failed = False

    def close(self) -> None:
        """Put the file on the disk and let go of it; closing twice does nothing."""
        if self._descriptor is not None:
            with suppress(OSError):
                os.fsync(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = None

    def _read(self) -> tuple[Committed, Loss] | None:
        try:
            data = self._path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            _log.warning("%s cannot be read: %s", self._path, error)
            return None
        content, checksum = data[: _NUMBERS.size], data[_NUMBERS.size : _BYTES]
        if len(data) < _BYTES or _CHECKSUM.pack(zlib.crc32(content)) != checksum:
            if data:  # a full disk may have left it empty
                _log.warning("%s is damaged: it begins anew", self._path)
            return None
        magic, changes, faces, lost_changes, lost_faces = _NUMBERS.unpack(content)
        if magic != _MAGIC:
            return None
        return Committed(changes, faces), Loss(lost_changes, lost_faces)


def _committed(transaction: Transaction) -> Committed:
    ((changes, faces),) = transaction.read(_COMMITTED)
    return Committed(changes, faces)
