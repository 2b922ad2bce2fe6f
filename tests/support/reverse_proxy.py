"""A reverse proxy on the loopback address: it serves another server below a path of its own."""

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

_OF_CONNECTIONS = {"connection", "keep-alive", "transfer-encoding", "expect"}


@contextmanager
def reverse_proxy(upstream: str, prefix: str, *, client: str | None = None) -> Iterator[str]:
    """Serve what is at ``upstream`` below ``prefix``, as nginx does with ``proxy_pass``.

    Args:
        upstream: an address such as ``http://127.0.0.1:8000``.
        prefix: such as ``/faces``; what is asked for elsewhere is not found.
        client: whom it says it was asked by; None: who has connected.
    """

    class Handler(BaseHTTPRequestHandler):
        def handle_one_request(self) -> None:
            self.raw_requestline = self.rfile.readline(65_537)
            if not self.raw_requestline or not self.parse_request():
                self.close_connection = True
                return
            self.close_connection = True
            if self.path.startswith(f"{prefix}/"):
                self._hand_on()
            else:
                self.send_error(404)

        def _hand_on(self) -> None:
            host = self.headers["Host"]
            forwarded = [self.headers.get("X-Forwarded-For"), client or self.client_address[0]]
            headers = {
                name: value
                for name, value in self.headers.items()
                if name.lower() not in _OF_CONNECTIONS and not name.lower().startswith("x-forw")
            }
            headers |= {
                "X-Forwarded-For": ", ".join(filter(None, forwarded)),
                "X-Forwarded-Proto": "http",
                "X-Forwarded-Host": host,
                "X-Forwarded-Prefix": prefix,
                "Host": urlsplit(upstream).netloc,
            }
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            connection = http.client.HTTPConnection(urlsplit(upstream).netloc, timeout=60)
            try:
                connection.request(self.command, self.path.removeprefix(prefix), body, headers)
                self._answer(connection.getresponse())
            finally:
                connection.close()

        def _answer(self, found: http.client.HTTPResponse) -> None:
            self.send_response_only(found.status, found.reason)
            for name, value in found.getheaders():
                if name.lower() not in _OF_CONNECTIONS:
                    self.send_header(name, value)
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(found.read())

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, *args: object) -> None:
            """Say nothing: browsers hang up when they leave a page."""

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}{prefix}"
        finally:
            server.shutdown()
            thread.join()
