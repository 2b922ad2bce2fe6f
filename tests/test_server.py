"""The HTTP server, on real sockets: slow uploads, and the gentle end."""

import re
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from pathlib import Path
from time import monotonic
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest

from faceserver.config import load_settings
from faceserver.errors import RequestTooLarge
from faceserver.runtime import waiting
from faceserver.runtime.admission import ADMITTED, HEADERS_ALONE, REFUSAL
from faceserver.server import Server

Run = Callable[..., AbstractContextManager["Running"]]

LARGE = 20_000_000
"""Bytes of an answer, more than waitress keeps without waiting."""

WAIT = 20.0
"""Seconds until a test gives up on what should happen at once."""


class App:
    """Answers with the number of bytes that came; ``/held`` waits until it is let go."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.let_go = threading.Event()
        self.served: list[str] = []
        self.limit = 1_000_000
        self.outside = 0

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
        if environ["PATH_INFO"] == "/outside":
            with waiting.replaced.get()():
                self.outside += 1
                assert self.let_go.wait(WAIT)
        if environ["PATH_INFO"] == "/large":
            start_response("200 OK", [("Content-Length", str(LARGE))])
            return [bytes(LARGE)]
        if environ["PATH_INFO"] == "/parts":
            start_response("200 OK", [("Content-Length", str(4 * LARGE))])
            return [bytes(LARGE)] * 4
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

    @property
    def lanes(self) -> Any:
        return self.server.task_dispatcher

    @property
    def busy(self) -> int:
        return int(self.lanes.busy)

    @property
    def waiting(self) -> int:
        return int(self.lanes.waiting)

    @property
    def receiving(self) -> int:
        """Connections on which a request is coming in."""
        channels = running_channels(self.server)
        return sum(channel.receiving_since is not None for channel in channels)

    def until(self, condition: Callable[[], bool]) -> None:
        """Wait for what the server's threads bring about."""
        end = monotonic() + WAIT
        while not condition():
            assert monotonic() < end
            threading.Event().wait(0.005)

    def until_taken(self, count: int) -> None:
        """Wait until one request is with the only worker, and the others of so many wait for it.

        Before the worker has taken the first, the next may find the line full.
        """
        self.until(lambda: (self.busy, self.waiting) == (1, count - 1))

    def until_receiving(self, count: int) -> None:
        """Wait until so many requests are coming in."""
        self.until(lambda: self.receiving == count)

    def connect(self, source: str = "127.0.0.1") -> socket.socket:
        return socket.create_connection(
            ("127.0.0.1", self.port), timeout=WAIT, source_address=(source, 0)
        )

    def ask(self, path: str = "/") -> bytes:
        with self.connect() as client:
            client.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
            return read_all(client)


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
            server = Server(app, listener, loaded, frozenset({"/vital"}))
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


POST = b"POST %s HTTP/1.1\r\nHost: x\r\n%s\r\n"


def answer_to(running: Running, request: bytes) -> bytes:
    with running.connect() as client:
        client.sendall(request)
        return read_all(client)


def status_of(answer: bytes) -> bytes:
    return answer[9:12]


@pytest.mark.parametrize(
    "headers",
    [
        b"Content-Length: 100000000\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Content-Length: 5\r\nExpect: 100-continue\r\n",
    ],
)
def test_a_body_that_is_not_wanted_is_not_waited_for(run: Run, headers: bytes) -> None:
    with run() as running:
        answer = answer_to(running, POST % (b"/closed", headers))
        assert status_of(answer) == b"401"
        assert b"Connection: close" in answer
        assert b"100 Continue" not in answer
        assert running.app.served == []


def test_who_sends_all_the_same_still_gets_the_answer(run: Run) -> None:
    with run() as running, running.connect() as client:
        client.sendall(POST % (b"/closed", b"Content-Length: 5000000\r\n"))
        client.sendall(bytes(5_000_000))
        assert status_of(read_all(client)) == b"401"


def test_go_on(run: Run) -> None:
    with run() as running, running.connect() as client:
        client.sendall(POST % (b"/", b"Content-Length: 5\r\nExpect: 100-continue\r\n"))
        with client.makefile("rb") as file:
            assert file.readline() == b"HTTP/1.1 100 Continue\r\n"
            assert file.readline() == b"\r\n"
            client.sendall(b"12345")
            assert status_of(file.readline()) == b"200"


def test_a_large_body_that_comes_with_its_headers(run: Run) -> None:
    with run() as running, running.connect() as client:
        for _ in range(2):
            client.sendall(POST % (b"/", b"Content-Length: 100000\r\n") + bytes(100_000))
            assert read_answer(client) == b"100000"


def test_requests_in_a_row_are_answered_in_order(run: Run) -> None:
    large = POST % (b"/", b"Content-Length: 70000\r\nExpect: 100-continue\r\n") + bytes(70_000)
    small = POST % (b"/", b"Content-Length: 3\r\n") + b"abc"
    chunked = POST % (b"/", b"Transfer-Encoding: chunked\r\n") + b"4\r\nabcd\r\n0\r\n\r\n"
    last = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    with run() as running:
        answer = answer_to(running, small + large + chunked + small + last)
        bodies = re.findall(rb"\r\n\r\n([0-9]+)(?:HTTP|$)", answer)
        assert bodies == [b"3", b"70000", b"4", b"3", b"0"]


@pytest.mark.parametrize(
    ("status", "request_"),
    [
        (
            b"400",
            POST % (b"/", b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n") + b"0\r\n\r\n",
        ),
        (b"400", POST % (b"/", b"Content-Length: 4\r\nContent-Length: 5\r\n") + b"12345"),
        (b"400", POST % (b"/", b"Content-Length: +4\r\n") + b"1234"),
        (b"400", POST % (b"/", b"Content-Length: " + b"9" * 5_000 + b"\r\n")),
        (b"400", POST % (b"/", b"Host: y\r\n")),
        (b"400", b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        (b"400", b"GET / HTTP/1.1\r\n\r\n"),
        (b"400", POST % (b"/", b"Header : x\r\n")),
        (b"400", POST % (b"/", b" folded: " + b"x" * 5_000 + b"\r\n")),
        (b"400", POST % (b"/", b"A: b\r\n" * 200)),
        (b"431", POST % (b"/?" + b"q" * 1_000_000, b"")),
        (b"431", POST % (b"/", b"Cookie: " + b"c" * 100_000 + b"\r\n")),
        (b"501", POST % (b"/", b"Transfer-Encoding: gzip, chunked\r\n") + b"0\r\n\r\n"),
        (b"400", POST % (b"/", b"Transfer-Encoding: chunked\r\n") + b"5;" + b"e" * 5_000),
        (b"400", POST % (b"/", b"Transfer-Encoding: chunked\r\n") + b"x\r\n"),
        (b"400", POST % (b"/", b"Transfer-Encoding: chunked\r\n") + b"1\r\nx\r\n" * 20_000),
        (b"400", POST % (b"/", b"Transfer-Encoding: chunked\r\n") + b"0\r\nA: " + b"t" * 20_000),
    ],
    ids=range(17),
)
def test_what_is_malformed_or_can_be_read_in_two_ways(
    run: Run, status: bytes, request_: bytes
) -> None:
    with run() as running, running.connect() as client:
        client.sendall(request_)
        answer = read_all(client)
        assert status_of(answer) == status
        assert len(answer) < 1_000
        assert b"Connection: close" in answer
        assert running.app.served == []
        assert running.ask().startswith(b"HTTP/1.1 200")


def test_bodies_of_all_connections_together_are_bounded(run: Run) -> None:
    large = POST % (b"/", b"Content-Length: 600000\r\nExpect: 100-continue\r\n")
    with (
        run(max_bodies_bytes=1_000_000, max_request_bytes=1_000_000) as running,
        running.connect() as first,
        running.connect() as second,
    ):
        first.sendall(large)
        assert first.recv(100).startswith(b"HTTP/1.1 100")
        second.sendall(large)
        assert status_of(read_all(second)) == b"503"
        first.sendall(bytes(600_000))
        assert read_answer(first) == b"600000"
        first.sendall(POST % (b"/", b"Transfer-Encoding: chunked\r\n"))
        first.sendall(b"5\r\nabcde\r\n0\r\n\r\n")
        assert read_answer(first) == b"5"


def test_more_than_can_wait_is_told_to_come_back(run: Run) -> None:
    with run(workers=1, max_waiting=2) as running, ExitStack() as held:
        clients = [held.enter_context(running.connect()) for _ in range(3)]
        for number, client in enumerate(clients):
            client.sendall(b"GET /held HTTP/1.1\r\nHost: x\r\n\r\n")
            running.until_taken(number + 1)
        assert status_of(running.ask()) == b"503"
        assert status_of(answer_to(running, POST % (b"/", b"Content-Length: 99999\r\n"))) == b"503"
        running.app.let_go.set()
        for client in clients:
            assert read_answer(client) == b"0"
        assert status_of(running.ask()) == b"200"


def test_what_is_vital_waits_for_nobody(run: Run) -> None:
    with run(workers=1, max_waiting=1) as running, ExitStack() as held:
        for number in range(2):
            client = held.enter_context(running.connect())
            client.sendall(b"GET /held HTTP/1.1\r\nHost: x\r\n\r\n")
            running.until_taken(number + 1)
        for _ in range(20):
            assert status_of(running.ask("/vital")) == b"200"
        assert running.app.served == ["/vital"] * 20


def test_who_waits_outside_is_replaced(run: Run) -> None:
    with run(workers=1) as running, ExitStack() as held:
        for _ in range(3):
            client = held.enter_context(running.connect())
            client.sendall(b"GET /outside HTTP/1.1\r\nHost: x\r\n\r\n")
        running.until(lambda: running.app.outside == 3)
        assert status_of(running.ask()) == b"200"
        running.app.let_go.set()
        running.until(lambda: running.app.served.count("/outside") == 3)
        running.until(lambda: len(running.lanes._work.threads) == 1)
        assert status_of(running.ask()) == b"200"


def test_connections_that_are_not_used_make_room(run: Run) -> None:
    with run(max_connections=10) as running, ExitStack() as held:
        idle = [held.enter_context(running.connect()) for _ in range(30)]
        assert status_of(running.ask()) == b"200"
        assert len(running_channels(running.server)) <= 10
        closed = [client for client in idle if is_closed(client)]
        assert idle[:20] == closed[:20]


def test_requests_that_never_end_make_room(run: Run) -> None:
    with run(max_connections=10) as running, ExitStack() as held:
        for number in range(30):
            client = held.enter_context(running.connect())
            client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nX-A: ")
            running.until_receiving(min(number + 1, 10))
        assert status_of(running.ask()) == b"200"


def test_what_is_under_way_is_never_closed_for_new_ones(run: Run) -> None:
    with run(workers=1, max_connections=10, max_waiting=20) as running, ExitStack() as held:
        used = [held.enter_context(running.connect()) for _ in range(10)]
        for number, client in enumerate(used):
            client.sendall(b"GET /held HTTP/1.1\r\nHost: x\r\n\r\n")
            running.until_taken(number + 1)
        assert running.ask() == b""
        running.app.let_go.set()
        for client in used:
            assert read_answer(client) == b"0"


def test_an_address_has_its_share(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("faceserver.server.listening.is_local", lambda _: False)
    with (
        run(max_address_connections=3, trusted_proxies="127.0.0.3") as running,
        ExitStack() as held,
    ):
        other = held.enter_context(running.connect("127.0.0.2"))
        own = [held.enter_context(running.connect()) for _ in range(9)]
        assert status_of(running.ask()) == b"200"
        proxied = [held.enter_context(running.connect("127.0.0.3")) for _ in range(9)]
        running.until(lambda: len(running_channels(running.server)) >= 1 + 2 + 9)
        assert sum(is_closed(client) for client in own) >= 6
        assert not any(is_closed(client) for client in [other, *proxied])


def is_closed(client: socket.socket) -> bool:
    """Whether the server has hung up."""
    client.setblocking(False)
    try:
        return client.recv(1) == b""
    except BlockingIOError:
        return False
    except ConnectionResetError:
        return True
    finally:
        client.settimeout(WAIT)


def test_who_does_not_read_holds_no_worker(run: Run) -> None:
    with run(workers=1) as running, ExitStack() as held:
        for _ in range(4):
            client = held.enter_context(running.connect())
            client.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n" * 5)
        running.until(lambda: sum(it.is_postponed for it in running_channels(running.server)) == 4)
        assert status_of(running.ask()) == b"200"
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answers = read_all(client)
        assert answers.count(b"HTTP/1.1 200 OK") == 6
        assert len(answers) > 5 * LARGE


def test_who_stops_reading_in_the_middle_is_given_up(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("faceserver.server.channel._UNREAD_SECONDS", 0.1)
    with run(workers=1) as running, running.connect() as client:
        client.sendall(b"GET /parts HTTP/1.1\r\nHost: x\r\n\r\n")
        assert status_of(running.ask()) == b"200"
        running.until(lambda: not running_channels(running.server))


def test_one_address_takes_half_of_the_line(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("faceserver.server.listening.is_local", lambda _: False)
    with run(workers=1, max_waiting=4) as running, ExitStack() as held:
        greedy = [held.enter_context(running.connect()) for _ in range(3)]
        for number, client in enumerate(greedy):
            client.sendall(b"GET /held HTTP/1.1\r\nHost: x\r\n\r\n")
            running.until_taken(number + 1)
        assert status_of(running.ask()) == b"503"
        honest = held.enter_context(running.connect("127.0.0.2"))
        honest.sendall(b"GET /held HTTP/1.1\r\nHost: x\r\n\r\n")
        running.until_taken(4)
        running.app.let_go.set()
        assert read_answer(honest) == b"0"
