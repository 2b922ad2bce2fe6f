"""The audit log: who did what, when, and how it ended; a JSON object a line.

It holds no picture, no vector and no key: what is written is chosen here, field by field.
"""

import json
import logging
import os
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

from faceserver.access.event import Event
from faceserver.access.repeats import Repeats
from faceserver.errors import StoreError
from faceserver.runtime.private_files import make_private_folders, private, tighten

__all__ = ["AuditLog", "Event"]

_log = logging.getLogger(__name__)


class AuditLog:
    """Events in a file; see :class:`faceserver.access.base.Audit`.

    Attributes:
        path: of the file.
    """

    def __init__(self, path: Path, *, max_bytes: int = 0, files: int = 0) -> None:
        """Set the file, which is made with the first event.

        Args:
            path: of the file.
            max_bytes: the file is put aside before it grows beyond; 0 lets it grow, as programs
                must that only add to the file of a running server.
            files: so many that were put aside are kept, as ``<path>.1``, the latest, and so on.
        """
        self.path = path
        self._handler = _PrivateHandler(path, max_bytes, files)
        self._refusals = Repeats(self.write)

    def write(self, event: Event) -> None:
        """Write an event. If that fails the log says so, and the server goes on."""
        self._handler.handle(logging.makeLogRecord({"msg": "%s", "args": (line_of(event),)}))

    def refused(self, event: Event) -> None:
        """Write that somebody was refused; of many that are alike only some, and their number."""
        self._refusals.write(event)

    def lines(self, last: int | None = None) -> Iterator[str]:
        """Yield what was written, the oldest event first; or the latest so many."""
        return iter(deque(self._all_lines(), last)) if last is not None else self._all_lines()

    def close(self) -> None:
        """Write what was counted and is not written yet."""
        self._refusals.flush()

    def _all_lines(self) -> Iterator[str]:
        numbered = {
            int(path.suffix[1:]): path
            for path in self.path.parent.glob(f"{self.path.name}.*")
            if path.suffix[1:].isdecimal()
        }
        for path in (*(numbered[number] for number in sorted(numbered, reverse=True)), self.path):
            try:
                with path.open(encoding="utf-8") as file:
                    yield from (line.rstrip("\n") for line in file)
            except FileNotFoundError:  # nothing was written yet, or it was put aside just now
                continue
            except OSError as error:
                raise StoreError(f"{path} cannot be read: {error.strerror or error}") from error


def line_of(event: Event) -> str:
    """An event that happens now, as a JSON object on one line, in ASCII."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    fields = {
        "time": now,
        "who": event.who,
        "what": event.what,
        "target": dict(event.target),
        "result": event.result,
        "status": event.status,
        "address": event.address,
        "request_id": event.request_id,
        "repeats": event.repeats,
    }
    known = {name: value for name, value in fields.items() if value not in (None, {})}
    return json.dumps(known, ensure_ascii=True, default=str)


class _PrivateHandler(RotatingFileHandler):
    """Makes files that their owner alone may read, and reports what fails to the log.

    The file is opened for each event, so that one that was moved away gets no more of them.
    """

    def __init__(self, path: Path, max_bytes: int, files: int) -> None:
        tighten(path.parent.glob(f"{path.name}*"))
        super().__init__(path, maxBytes=max_bytes, backupCount=files, encoding="utf-8", delay=True)

    def _open(self) -> Any:
        make_private_folders(Path(self.baseFilename).parent)
        stream = open(  # noqa: SIM115
            self.baseFilename,
            "a",
            encoding="utf-8",
            opener=lambda path, flags: private(path, flags & ~os.O_WRONLY | os.O_RDWR),
        )
        if _ends_within_a_line(stream.fileno()):
            stream.write("\n")
        return stream

    def emit(self, record: logging.LogRecord) -> None:
        super().emit(record)
        stream, self.stream = self.stream, None
        if stream:
            with suppress(OSError):  # what it still held could not be written, as was said above
                stream.close()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002, N802
        _log.exception("the audit log %s cannot be written", self.baseFilename)


def _ends_within_a_line(descriptor: int) -> bool:
    """Whether a full disk has cut the last event off, so that the next one needs a line."""
    size = os.fstat(descriptor).st_size
    return size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
