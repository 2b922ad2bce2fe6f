"""The server's log: text for people or JSON for programs, with the id of the request.

No key gets into it: whatever looks like one is blotted out as the last step, in tracebacks too.
"""

import json
import logging
import re
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Literal

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
"""Of the request that this thread works on; None elsewhere."""

_KEY = re.compile(r"(fs_[0-9a-f]{12}_)[A-Za-z0-9_-]{20,}")

# They warn of what is normal here: private addresses that the settings allow, and requests that
# wait in line.
_NOISY = ("requests_hardened", "waitress.queue")


def configure(form: Literal["text", "json"], level: str) -> None:
    """Set up the log of this process, on standard error; calling again replaces it."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter() if form == "json" else TextFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.ERROR)


def without_keys(text: str) -> str:
    """The text with the secret of every key in it blotted out; the id stays."""
    return _KEY.sub(r"\1***", text)


class TextFormatter(logging.Formatter):
    """``INFO faceserver.app [the request's id]: message``."""

    def format(self, record: logging.LogRecord) -> str:
        """A record as a line, and its traceback below."""
        current = request_id.get()
        where = f"{record.name} [{current}]" if current else record.name
        # Line breaks in what somebody sent would look like further records.
        message = record.getMessage().replace("\r", "\\r").replace("\n", "\\n")
        lines = [f"{record.levelname} {where}: {message}"]
        if record.exc_info:
            lines.append(self.formatException(record.exc_info))
        return without_keys("\n".join(lines))


class JsonFormatter(logging.Formatter):
    """An object a line: time, level, logger, message, request_id, and exception."""

    def format(self, record: logging.LogRecord) -> str:
        """A record as JSON."""
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        fields = {
            "time": time.replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "request_id": request_id.get(),
            "exception": self.formatException(record.exc_info) if record.exc_info else None,
        }
        return without_keys(json.dumps({k: v for k, v in fields.items() if v is not None}))
