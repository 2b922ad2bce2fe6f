"""Another server that the operator has named, to which requests are handed on.

It may be anywhere, also on a private network: no user chooses where it is. What is sent is what
the caller makes; no header of a client goes along, and none of our keys. No redirect is followed,
nothing is taken from the environment, and the answer has limits of time and size.
"""

from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Protocol

import requests
from requests.adapters import HTTPAdapter
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.exceptions import HTTPError as TransportError

from faceserver import __version__
from faceserver.errors import UpstreamFailed
from faceserver.pictures.timed import Deadline, timed
from faceserver.runtime import metrics

_CHUNK_BYTES = 64 * 1024
_REDIRECTS = range(300, 400)


class Body(Iterable[bytes], Protocol):
    """What is sent, piece by piece, and how long it is."""

    def __len__(self) -> int:
        """How many bytes it has."""
        ...


@dataclass(frozen=True)
class Answer:
    """What the other server has answered.

    Attributes:
        status: of HTTP.
        content_type: as it says; empty if it does not.
        body: the whole of it.
    """

    status: int
    content_type: str
    body: bytes


class Upstream:
    """Another server. Safe to use from several threads: it holds settings alone."""

    def __init__(self, url: str, *, timeout: float, max_bytes: int) -> None:
        """Name the server.

        Args:
            url: of its root, http or https.
            timeout: seconds for each request, its answer included.
            max_bytes: most bytes of an answer.
        """
        self._url = url.rstrip("/")
        self._timeout = timeout
        self._max_bytes = max_bytes

    @metrics.stage("fetch")
    def post(self, path: str, body: Body | bytes, content_type: str) -> Answer:
        """Send a request and wait for the whole answer, whatever its status.

        Args:
            path: below the server's URL, with a slash before it; empty for the URL itself.
            body: what is sent.
            content_type: of the body.

        Raises:
            UpstreamFailed: there is no complete answer in time, it is too large, or a redirect.
        """
        headers = {"User-Agent": f"faceserver/{__version__}", "Content-Type": content_type}
        asked = requests.Request("POST", self._url + path, data=body, headers=headers).prepare()
        deadline = Deadline(self._timeout)
        try:
            with (
                closing(_TimedAdapter(deadline)) as adapter,
                closing(adapter.send(asked, stream=True, timeout=deadline.left())) as answer,
            ):
                return self._read(answer)
        except (OSError, TransportError) as error:  # each error of requests is an OSError
            raise UpstreamFailed("the upstream server gave an invalid answer") from error

    def _read(self, answer: requests.Response) -> Answer:
        if answer.status_code in _REDIRECTS:
            raise UpstreamFailed("the upstream server redirects to another address")
        body = bytearray()
        for piece in answer.raw.stream(_CHUNK_BYTES, decode_content=True):
            body += piece
            if len(body) > self._max_bytes:
                raise UpstreamFailed("the upstream server's answer is too large")
        return Answer(answer.status_code, answer.headers.get("Content-Type", ""), bytes(body))


class _TimedAdapter(HTTPAdapter):
    """Sends one request, and reads its answer until a deadline."""

    def __init__(self, deadline: Deadline) -> None:
        super().__init__()
        self._deadline = deadline

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> HTTPConnectionPool:
        """Make the connections read until the deadline, not for a time of their own."""
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        return timed(pool, self._deadline)
