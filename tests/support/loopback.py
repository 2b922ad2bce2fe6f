"""Web servers on the loopback address, for tests: they are real, and answer as oddly as needed."""

import hashlib
import re
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
        self.bodies: list[bytes] = []

    def url(self, path: str = "/", host: str | None = None, scheme: str = "http") -> str:
        return f"{scheme}://{host or self.host}:{self.port}{path}"


@contextmanager
def serve(host: str = "127.0.0.1", tls: SSLContext | None = None) -> Iterator[Site]:
    """Run a server while the context lasts."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.requests.append(self)
            site.answers.get(self.path, status(404))(self)

        def do_POST(self) -> None:
            self.posted = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            site.bodies.append(self.posted)
            self.do_GET()

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


def body_of(handler: BaseHTTPRequestHandler) -> bytes:
    """What was posted; it is read before anything answers."""
    found: bytes = vars(handler)["posted"]
    return found


def posted(inside: Answer, bodies: list[bytes]) -> Answer:
    """Take in the body that comes, add it to the list, and answer."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        bodies.append(body_of(handler))
        inside(handler)

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


def protected(inside: Answer, *challenges: str, accepts: Callable[[str], bool]) -> Answer:
    """Answer 401 with these challenges until the header ``Authorization`` is accepted."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        if accepts(handler.headers.get("Authorization", "")):
            inside(handler)
            return
        handler.send_response(401)
        for challenge in challenges:
            handler.send_header("WWW-Authenticate", challenge)
        handler.send_header("Set-Cookie", "session=secret")
        handler.end_headers()

    return answer


class DigestGuard:
    """The server's side of RFC 7616, written from the RFC; its nonces are counted up.

    Attributes:
        stale: so many nonces are refused as stale before one is taken.
        seen: each header that came.
    """

    def __init__(
        self, inside: Answer, username: str, password: str, *, realm: str = "camera",
        algorithm: str | None = "MD5", qop: str | None = "auth", stale: int = 0, more: str = "",
    ) -> None:  # fmt: skip
        self._inside = inside
        self._user = (username, realm, password)
        self._algorithm = algorithm
        self._qop = qop
        self._more = more
        self._nonce = 0
        self.stale = stale
        self.seen: list[dict[str, str]] = []

    def __call__(self, handler: BaseHTTPRequestHandler) -> None:
        header = handler.headers.get("Authorization", "")
        told = self._parsed(header.encode("latin-1").decode())
        is_right = bool(told) and self._is_right(told, handler)
        if is_right and not self.stale:
            self._inside(handler)
            return
        self.stale -= bool(is_right)
        self._nonce += 1
        handler.send_response(401)
        handler.send_header("WWW-Authenticate", self._challenge(is_stale=is_right))
        handler.end_headers()

    def _challenge(self, *, is_stale: bool) -> str:
        realm = re.sub(r'(["\\\\])', r"\\\1", self._user[1])
        parts = [f'realm="{realm}"', f'nonce="n{self._nonce}"', 'opaque="o, p"']
        parts += [f"algorithm={self._algorithm}"] if self._algorithm else []
        parts += [f'qop="{self._qop}"'] if self._qop else []
        parts += ["stale=TRUE"] if is_stale else []
        told = f"Digest {', '.join(parts)}{self._more}"
        return told.encode().decode("latin-1")

    def _parsed(self, header: str) -> dict[str, str]:
        if not header.startswith("Digest "):
            return {}
        found = re.findall(r'(\w+)=(?:"((?:\\.|[^"\\])*)"|([^,\s]+))', header)
        told = {name: re.sub(r"\\(.)", r"\1", quoted) or plain for name, quoted, plain in found}
        self.seen.append(told)
        return told

    def _is_right(self, told: dict[str, str], handler: BaseHTTPRequestHandler) -> bool:
        username, realm, password = self._user
        known = (told.get("username"), told.get("realm"), told.get("uri"), told.get("opaque"))
        if known != (username, realm, handler.path, "o, p"):
            return False
        if told.get("nonce") not in {f"n{number + 1}" for number in range(self._nonce)}:
            return False
        first = self._hash(f"{username}:{realm}:{password}")
        if (self._algorithm or "").upper().endswith("-SESS"):
            first = self._hash(f"{first}:{told['nonce']}:{told['cnonce']}")
        middle = f"{told['nc']}:{told['cnonce']}:{told['qop']}:" if self._qop else ""
        second = self._hash(f"GET:{handler.path}")
        return told.get("response") == self._hash(f"{first}:{told['nonce']}:{middle}{second}")

    def _hash(self, text: str) -> str:
        name = (self._algorithm or "MD5").upper().removesuffix("-SESS").replace("-", "")
        return hashlib.new(name.lower(), text.encode()).hexdigest()


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
