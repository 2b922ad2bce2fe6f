"""What an attacker has: sockets, threads, and no manners."""

import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Any
from urllib.parse import urlsplit

import requests

from tests.e2e.server import Server

PATIENCE = 60.0
"""Seconds until a test gives up on what should happen at once."""


class Attacker:
    """Somebody who can reach a server.

    Attributes:
        server: the victim.
        key: a good key of it, if one is needed.
    """

    def __init__(self, server: Server, key: str | None = None) -> None:
        self.server = server
        self.key = key
        place = urlsplit(server.url)
        self._place = (place.hostname or "", place.port or 0)

    def connect(self) -> socket.socket:
        return socket.create_connection(self._place, timeout=PATIENCE)

    def raw(self, request: bytes) -> bytes:
        """What is answered to bytes, until the server hangs up."""
        with self.connect() as client:
            client.sendall(request)
            return read_all(client)

    def head(self, method: str, path: str, *headers: str) -> bytes:
        """The head of a request that hangs up afterwards."""
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self._place[0]}:{self._place[1]}", *headers]
        return "\r\n".join([*lines, "Connection: close", "", ""]).encode()

    def post(self, path: str, **arguments: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        headers.update(arguments.pop("headers", {}))
        return requests.post(self.server.url + path, headers=headers, timeout=PATIENCE, **arguments)

    def post_json(self, path: str, body: str | bytes) -> requests.Response:
        return self.post(path, data=body, headers={"Content-Type": "application/json"})

    def is_alive(self) -> bool:
        return bool(self.server.get("/health/live").json() == {"live": True})

    def metric(self, name: str) -> float:
        headers = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        text = self.server.get("/metrics", headers=headers).text
        (value,) = re.findall(rf"^faceserver_{name} (\S+)$", text, re.MULTILINE)
        return float(value)

    def until(self, condition: Callable[[], bool]) -> None:
        end = perf_counter() + PATIENCE
        while not condition():
            assert perf_counter() < end
            threading.Event().wait(0.01)

    def health_seconds(self, count: int) -> list[float]:
        """How long each of so many answers about the server's health took, in ascending order."""
        taken = []
        with requests.Session() as session:
            for number in range(count):
                path = ("/health/live", "/health/ready", "/health", "/metrics")[number % 4]
                started = perf_counter()
                assert session.get(self.server.url + path, timeout=PATIENCE).status_code == 200
                taken.append(perf_counter() - started)
        return sorted(taken)


@contextmanager
def flood(send: Callable[[], object], *, threads: int) -> Iterator[list[object]]:
    """Do the same from many threads as long as the block runs; lends what came of it."""
    results: list[object] = []
    over = threading.Event()

    def repeat() -> None:
        while not over.is_set():
            try:
                results.append(send())
            except (OSError, requests.RequestException) as error:
                results.append(error)

    started = [threading.Thread(target=repeat) for _ in range(threads)]
    for thread in started:
        thread.start()
    try:
        yield results
    finally:
        over.set()
        for thread in started:
            thread.join()


def read_all(client: socket.socket) -> bytes:
    """What comes until the other side hangs up."""
    data = bytearray()
    while True:
        try:
            part = client.recv(65536)
        except ConnectionResetError:
            return bytes(data)
        if not part:
            return bytes(data)
        data += part
