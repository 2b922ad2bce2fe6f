"""The HTTP server, on real sockets: slow uploads, and the gentle end."""

import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest

from faceserver.config import load_settings
from faceserver.errors import RequestTooLarge
from faceserver.runtime.admission import ADMITTED, HEADERS_ALONE, REFUSAL
from faceserver.server import Server

Run = Callable[..., AbstractContextManager["Running"]]

WAIT = 20.0
"""Seconds until a test gives up on what should happen at once."""


class App:
    """Answers with the number of bytes that came; ``/held`` waits until it is let go."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.let_go = threading.Event()
        self.served: list[str] = []
        self.limit = 1_000_000

    def judged(self, environ: WSGIEnvironment) -> str | None:
        """The status for what is refused, or for headers alone."""
        if REFUSAL in environ:
            too_large = isinstance(environ[REFUSAL], RequestTooLarge)
            return "413 Content Too Large" if too_large else "503 Service Unavailable"
        if not environ.get(HEADERS_ALONE):
            return None
        if environ["PATH_INFO"] == "/closed":
            return "401 Unauthorized"
        if int(environ.get("CONTENT_LENGTH", 0)) > self.limit:
            return "413 Content Too Large"
        environ[ADMITTED] = self.limit
        return "204 No Content"

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        status = self.judged(environ)
        if status is not None:
            start_response(status, [("Content-Length", "0")])
            return [b""]
        if environ["PATH_INFO"] == "/held":
            self.entered.set()
            assert self.let_go.wait(WAIT)
        body = str(len(environ["wsgi.input"].read())).encode()
        self.served.append(environ["PATH_INFO"])
        start_response("200 OK", [("Content-Length", str(len(body)))])
        return [body]


def running_channels(server: Server) -> list[Any]:
    channels: Any = server.active_channels
    return list(channels.values())


class Running:
    """A server in a thread of its own."""

    def __init__(self, app: App, server: Server, port: int) -> None:
        self.app = app
        self.server = server
        self.port = port
        self.drained = threading.Event()

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=WAIT)

    def ask(self, path: str = "/") -> bytes:
        with self.connect() as client:
            client.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
            return read_all(client)


def read_all(client: socket.socket) -> bytes:
    """What comes until the other side hangs up."""
    data = b""
    while True:
        try:
            part = client.recv(65536)
        except ConnectionResetError:
            return data
        if not part:
            return data
        data += part


def read_answer(client: socket.socket) -> bytes:
    """The body of one answer on a connection that stays open."""
    with client.makefile("rb") as file:
        length = 0
        for line in file:
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
            if line == b"\r\n":
                break
        return file.read(length)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> "Run":
    # Signals go to the main thread, which is pytest's; the servers here are stopped by a call.
    monkeypatch.setattr("faceserver.server.listening.signal.signal", lambda *_: None)

    @contextmanager
    def running(**settings: object) -> Iterator[Running]:
        app, defaults = App(), {"workers": 2}
        with socket.create_server(("127.0.0.1", 0)) as listener:
            loaded = load_settings(data_dir=tmp_path, **(defaults | settings))
            server = Server(app, listener, loaded)
            made = Running(app, server, listener.getsockname()[1])
            thread = threading.Thread(target=server.serve, args=(made.drained.set,))
            thread.start()
            try:
                yield made
            finally:
                app.let_go.set()
                server.stop()
                thread.join(WAIT)
                assert not thread.is_alive()
                for channel in running_channels(server):
                    channel.handle_close()
                server.close()

    return running


def test_an_upload_that_trickles_in_is_given_up(run: Run) -> None:
    with run(upload_timeout=1.0) as running, running.connect() as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n")
        stopped = threading.Event()

        def trickle() -> None:
            while not stopped.wait(0.1):
                try:
                    client.sendall(b"x")
                except OSError:
                    return

        thread = threading.Thread(target=trickle)
        thread.start()
        answer = read_all(client)
        stopped.set()
        thread.join()
        assert answer.startswith(b"HTTP/1.1 408 Request Timeout")
        assert running.app.served == []


def test_a_header_that_never_ends_is_given_up(run: Run) -> None:
    with run(upload_timeout=1.0) as running, running.connect() as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nX-A: ")
        assert b" 408 Request Timeout\r\n" in read_all(client)
        assert running.app.served == []


def test_slow_uploads_hold_no_worker(run: Run) -> None:
    with run() as running:
        slow = [running.connect() for _ in range(20)]
        for client in slow:
            client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nslow")
        assert running.ask().startswith(b"HTTP/1.1 200")
        for client in slow:
            client.sendall(b" body")
            assert read_answer(client) == b"9"
            client.close()


def test_an_endless_upload_is_refused(run: Run) -> None:
    with run() as running, running.connect() as client:
        running.app.limit = 50_000
        client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        chunk = b"2000\r\n" + b"x" * 0x2000 + b"\r\n"
        for _ in range(40):
            client.sendall(chunk)
        client.shutdown(socket.SHUT_WR)
        assert read_all(client).startswith(b"HTTP/1.1 413 ")
        assert running.app.served == []


def test_a_connection_on_which_nothing_is_received_is_not_late(
    run: Run,
) -> None:
    with run() as running, running.connect() as client:
        request = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n1234"
        client.sendall(request)
        assert read_answer(client) == b"4"
        (channel,) = running_channels(running.server)
        assert channel.receiving_since is None
        client.sendall(request)
        assert read_answer(client) == b"4"


def test_what_is_under_way_finishes(run: Run) -> None:
    with run() as running:
        answers: list[bytes] = []
        thread = threading.Thread(target=lambda: answers.append(running.ask("/held")))
        thread.start()
        assert running.app.entered.wait(WAIT)
        running.server.stop()
        assert running.drained.wait(WAIT)
        # It still listens, so that the application can say that it is stopping.
        assert running.ask("/new").startswith(b"HTTP/1.1 200")
        running.app.let_go.set()
        thread.join(WAIT)
        assert answers[0].endswith(b"0")
        assert running.app.served == ["/new", "/held"]


def test_what_takes_too_long_is_left_behind(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with run(drain_timeout=0.0) as running, running.connect() as client:
        client.sendall(b"GET /held HTTP/1.1\r\nHost: x\r\n\r\n")
        assert running.app.entered.wait(WAIT)
        monkeypatch.setattr(running.server.task_dispatcher, "shutdown", lambda **_: None)
        running.server.stop()
        assert running.drained.wait(WAIT)
    assert running.app.served in ([], ["/held"])


def test_a_second_signal_ends_it_at_once(run: Run) -> None:
    with run() as running:
        running.server._told_to_stop = True
        with pytest.raises(KeyboardInterrupt):
            running.server._signalled(15, None)


def test_how_busy_it_is(run: Run) -> None:
    with run(workers=1) as running, closing(running.connect()) as client:
        client.sendall(b"GET /held HTTP/1.1\r\nHost: x\r\n\r\n")
        assert running.app.entered.wait(WAIT)
        told = {gauge.name: gauge.value for gauge in running.server.gauges()}
        assert told == {"queue": 0, "workers_busy": 1, "connections": 1}
