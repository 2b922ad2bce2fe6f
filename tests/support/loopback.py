"""Web servers on the loopback address, for tests: they are real, and answer as oddly as needed."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ssl import SSLContext
from typing import Any

Answer = Callable[[BaseHTTPRequestHandler], None]


class Site:
    """A running server: what it answers by path, and what it was asked."""

    def __init__(self, host: str, port: int) -> None:
        self.host = host
        self.port = port
        self.answers: dict[str, Answer] = {}
        self.requests: list[BaseHTTPRequestHandler] = []

    def url(self, path: str = "/", host: str | None = None, scheme: str = "http") -> str:
        return f"{scheme}://{host or self.host}:{self.port}{path}"


@contextmanager
def serve(host: str = "127.0.0.1", tls: SSLContext | None = None) -> Iterator[Site]:
    """Run a server while the context lasts."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.requests.append(self)
            site.answers.get(self.path, status(404))(self)

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, *args: object) -> None:
            """Say nothing: a client that gives up early is what many tests are about."""

    with Server((host, 0), Handler) as server:
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        site = Site(host, server.server_port)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield site
        finally:
            server.shutdown()
            thread.join()


def send(body: bytes, **headers: Any) -> Answer:
    """Answer 200 with a body; Content_Length=None leaves that header out."""
    fields = {"Content_Length": len(body), **headers}

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        for name, value in fields.items():
            if value is not None:
                handler.send_header(name.replace("_", "-"), str(value))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def status(code: int) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(code)
        handler.end_headers()

    return answer


def redirect(location: str, code: int = 302, body: bytes = b"") -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(code)
        handler.send_header("Location", location)
        handler.send_header("Set-Cookie", "session=secret")
        handler.end_headers()
        handler.wfile.write(body)

    return answer


@contextmanager
def serve_raw(first: bytes, drip: bytes = b"", pause: float = 0.05) -> Iterator[str]:
    """A server that sends bytes as they are, then drips some of them one by one, then hangs up.

    With nothing to send it accepts, and never answers while the context lasts.
    """
    done = threading.Event()

    def run() -> None:
        client, _ = listener.accept()
        with client:
            try:
                client.recv(65536)
                client.sendall(first)
                for byte in drip:
                    if done.wait(pause):
                        return
                    client.sendall(bytes([byte]))
                if not first and not drip:
                    done.wait()
            except OSError:
                return  # the client has given up, as it should

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        finally:
            done.set()
            thread.join()
