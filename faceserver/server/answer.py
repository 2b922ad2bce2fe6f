"""An answer of the application as a value, not sent yet."""

from collections.abc import Callable
from contextlib import closing, nullcontext
from io import BytesIO
from typing import Any
from wsgiref.types import WSGIApplication, WSGIEnvironment

from faceserver.runtime.admission import ADMITTED, HEADERS_ALONE

Headers = list[tuple[str, str]]


class Answer:
    """What the application says about the headers of a request.

    Attributes:
        admitted: how many bytes the body may have; None: it is refused, and the rest says why.
        status: such as "401 UNAUTHORIZED".
        headers: of the answer.
        body: likewise.
    """

    def __init__(self, application: WSGIApplication, environ: WSGIEnvironment) -> None:
        """Ask the application about a request whose body is not there."""
        self.status = ""
        self.headers: Headers = []
        environ = {**environ, HEADERS_ALONE: True, "wsgi.input": BytesIO()}
        parts: Any = application(environ, self._start)
        with closing(parts) if hasattr(parts, "close") else nullcontext():
            self.body = b"".join(parts)
        self.admitted: int | None = environ.get(ADMITTED)

    def _start(self, status: str, headers: Headers, *_: object) -> Callable[[bytes], object]:
        self.status, self.headers = status, headers
        return lambda _: None
