"""A way to another server that can be closed, or breaks off: what lies between two machines."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Lock, Thread
from typing import cast

_CHUNK = 1 << 16


class Relay:
    """Passes on what clients and a server send each other.

    Attributes:
        port: of loopback, where clients come to.
        opened: how many connections there were.
        open: whether a client is let through; if not, its connection ends at once.
        silent: whether answers are swallowed.
        break_after: bytes after which a connection breaks off, once, of what comes from the server
            and of what goes to it; None for never.
    """

    def __init__(self, port: int, target: int) -> None:
        self.port = port
        self.target = target
        self.open = True
        self.opened = 0
        self.silent = False
        self.break_after: dict[str, int | None] = {"from": None, "to": None}
        self._lock = Lock()
        self._sockets: set[socket.socket] = set()

    def close(self) -> None:
        """Let nobody through any more, and end what is under way."""
        self.open = False
        with self._lock:
            for each in self._sockets:
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)

    def pass_on(self, client: socket.socket) -> None:
        with self._lock:
            self.opened += 1
            if not self.open:
                return
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.target)) as server:
            with self._lock:
                self._sockets |= {client, server}
            back = Thread(target=self._copy, args=(server, client, "from"), daemon=True)
            back.start()
            self._copy(client, server, "to")
            back.join()
            with self._lock:
                self._sockets -= {client, server}

    def _copy(self, source: socket.socket, target: socket.socket, way: str) -> None:
        with suppress(OSError):
            while data := source.recv(_CHUNK):
                if self._is_over(way, len(data)):
                    target.sendall(data[: len(data) // 2])
                    break
                if not (self.silent and way == "from"):
                    target.sendall(data)
        for each in (source, target):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def _is_over(self, way: str, size: int) -> bool:
        with self._lock:
            left = self.break_after[way]
            if left is None:
                return False
            self.break_after[way] = None if size > left else left - size
            return size > left


class _Listener(ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    relay: Relay


class _Handler(BaseRequestHandler):
    def handle(self) -> None:
        cast("_Listener", self.server).relay.pass_on(self.request)


@contextmanager
def relay_to(target: int) -> Iterator[Relay]:
    """A relay to a port of loopback while the context lasts."""
    with _Listener(("127.0.0.1", 0), _Handler) as listener:
        listener.relay = Relay(listener.server_address[1], target)
        thread = Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield listener.relay
        finally:
            listener.relay.close()
            listener.shutdown()
            thread.join()
