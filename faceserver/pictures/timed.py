"""Answers of other servers, waited for until a moment and no longer."""

import io
import socket
from functools import partial
from http.client import HTTPResponse
from time import monotonic
from typing import Any

from urllib3.connectionpool import HTTPConnectionPool


class Deadline:
    """A moment after which nothing is waited for."""

    def __init__(self, seconds: float) -> None:
        self._end = monotonic() + seconds

    def left(self) -> float:
        """Seconds until then; raises TimeoutError when none are left."""
        seconds = self._end - monotonic()
        if seconds <= 0:
            raise TimeoutError
        return seconds


def timed(pool: HTTPConnectionPool, deadline: Deadline) -> HTTPConnectionPool:
    """Have a pool's connections read until a deadline, not for a time of their own."""
    response_class = staticmethod(partial(_TimedResponse, deadline=deadline))
    pool.ConnectionCls = type(
        "TimedConnection", (pool.ConnectionCls,), {"response_class": response_class}
    )
    return pool


class _TimedResponse(HTTPResponse):
    """A response whose every read, of its headers too, waits until a deadline at most.

    A socket's timeout holds for a single read: a server that sends a byte now and then would keep
    a thread for as long as it likes.
    """

    def __init__(self, sock: socket.socket, *, deadline: Deadline, **options: Any) -> None:
        super().__init__(sock, **options)
        self.fp = io.BufferedReader(_TimedReader(self.fp.detach(), sock, deadline))


class _TimedReader(io.RawIOBase):
    def __init__(self, raw: io.RawIOBase, sock: socket.socket, deadline: Deadline) -> None:
        super().__init__()
        self._raw = raw
        self._sock = sock
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(self._deadline.left())
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()
