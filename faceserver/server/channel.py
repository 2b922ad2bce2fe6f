"""A connection: requests in, answers out, and how it ends."""

import socket
import time
from contextlib import suppress
from typing import Any

from waitress.channel import ClientDisconnected, HTTPChannel
from waitress.task import WSGITask
from waitress.utilities import Error, InternalServerError

from faceserver.access.addresses import place_of
from faceserver.errors import Busy, RequestTooLarge
from faceserver.server.answer import Answer
from faceserver.server.parser import Parser
from faceserver.server.tasks import RequestTask

_LINGER_BYTES = 65_536

_UNREAD_SECONDS = 5.0
"""So long a worker waits for a client to go on reading an answer of many megabytes."""


class RequestTimeout(Error):
    """The answer to a request that did not come in completely in time."""

    code = 408
    reason = "Request Timeout"


class Channel(HTTPChannel):
    """A connection.

    Before the body of a request is taken in, the application judges its headers: the bytes behind
    them are left with the sender meanwhile. A connection that is closed although its sender may
    still be sending is closed for our side first, and what still comes is thrown away for a while:
    otherwise the system would throw the answer away.

    A worker never waits for a client to read its answers: as long as there is something to be
    read, the next request on the connection is postponed.

    Attributes:
        place: of whoever is at the other end; see :func:`faceserver.access.addresses.place_of`.
        is_one_place: it is no proxy's, nor of this machine, where others may stand behind it.
        receiving_since: when the request that is coming in began, None between requests.
        lingering_since: when our side was closed.
        is_postponed: the next request waits until the answers before it have been read.
    """

    task_class = RequestTask
    parser_class = Parser

    def __init__(self, server: Any, sock: Any, addr: Any, adj: Any, map: Any = None) -> None:  # noqa: A002
        """Take a connection that was accepted."""
        self.place = place_of(str(addr[0]))
        self.is_one_place = server.is_one_place(str(addr[0]))
        self.receiving_since: float | None = None
        self.lingering_since: float | None = None
        self.is_postponed = False
        self._held = b""
        self._is_unread = False
        self._is_writing = False
        super().__init__(server, sock, addr, adj, map)

    def received(self, data: bytes) -> bool:
        """Take in what has come."""
        own: Any = self
        with own.requests_lock:
            if own.will_close or own.close_when_flushed:
                return False
            self._take(data)
        return bool(data)

    def service(self) -> None:
        """Do what the first request that has come in needs, in a thread for that."""
        own: Any = self
        request = own.requests[0]
        if request.has_body_to_come and not request.is_decided and self._is_admitted(request):
            self._go_on(request)
            return
        self._is_unread |= not request.completed or request.error is not None
        super().service()

    def write_soon(self, data: Any) -> int:
        """Send a part of an answer, when the client reads it."""
        self._is_writing = True
        try:
            count: int = super().write_soon(data)
        finally:
            self._is_writing = False
        return count

    def _flush_outbufs_below_high_watermark(self) -> None:
        """Wait, inside an answer of many parts, until enough of it was read, or not for long."""
        own: Any = self
        if not self._is_writing:  # behind an answer: the next one is postponed
            return
        with own.outbuf_lock:
            while own.connected and own.total_outbufs_len > own.adj.outbuf_high_watermark:
                own.server.pull_trigger()
                if not own.outbuf_lock.wait(_UNREAD_SECONDS):
                    own.will_close = True
                    raise ClientDisconnected

    def body_bytes(self) -> int:
        """How much the large bodies take that have come in here, or were let in."""
        own: Any = self
        held = [request for request in (own.request, *own.requests) if request is not None]
        return sum(request.body_bytes() for request in held if request.judged)

    def give_up(self) -> None:
        """Answer what there is of a request with 408, and hang up."""
        own: Any = self
        with own.requests_lock:
            request, own.request = own.request, None
            self.receiving_since = None
            if request is None:
                return
            if not request.headers_finished:  # an answer needs to know a version
                request.version, request.headers = "1.0", {}
            request.error = RequestTimeout("The request did not come in completely in time.")
            self._append(request)

    def writable(self) -> bool:
        """Whether anything is to be written to it, or would be if it could."""
        return bool(self.is_postponed or super().writable())

    def readable(self) -> bool:
        """Whether anything is to be read from it."""
        if self.lingering_since is not None:
            return True
        readable: bool = super().readable()
        return readable

    def handle_read(self) -> None:
        """Read."""
        own: Any = self
        if self.lingering_since is None:
            super().handle_read()
            return
        try:
            ended = not own.recv(_LINGER_BYTES)
        except OSError:
            ended = True
        if ended:
            self.handle_close()

    def handle_write(self) -> None:
        """Write, and close the connection where that is due."""
        own: Any = self
        if self.is_postponed and not own.will_close:
            own._flush_exception(own._flush_some_if_lockable)
            if not own.total_outbufs_len:
                self.is_postponed = False
                own.server.add_task(self)
            return
        if not self._is_unread or own.will_close:
            super().handle_write()
            return
        is_due, own.close_when_flushed = own.close_when_flushed, False
        super().handle_write()
        if is_due and own.connected and not own.total_outbufs_len:
            self._linger()
        elif is_due:
            own.close_when_flushed = True

    def _linger(self) -> None:
        own: Any = self
        self._is_unread = False
        self.lingering_since = time.monotonic()
        with suppress(OSError):
            own.socket.shutdown(socket.SHUT_WR)

    def _take(self, data: bytes) -> None:
        """Make requests of what has come; ``requests_lock`` is held."""
        own: Any = self
        while data:
            if own.request is None:
                own.request = self.parser_class(own.adj)
                self.receiving_since = time.monotonic()
            request = own.request
            data = data[request.received(data) :]
            if request.chunked and request.judged:
                self._bound(request)
            if not (request.completed or request.refusal or request.has_body_to_come):
                continue
            own.request = self.receiving_since = None
            if request.empty:
                continue
            if not request.completed:
                self._held, data = data, b""
            elif request.error:
                data = b""
            self._append(request)

    def _append(self, request: Parser) -> None:
        own: Any = self
        own.requests.append(request)
        if len(own.requests) == 1:
            own.server.add_task(self)

    def _bound(self, request: Parser) -> None:
        """Refuse a body that turns out too large, where nobody knew beforehand."""
        own: Any = self
        if request.completed and request.error:
            return
        if request.body_bytes() > request.body_limit:
            request.refusal = RequestTooLarge(
                f"the body is too large: at most {request.body_limit} bytes are accepted here"
            )
        elif not own.server.has_room(0):
            request.refusal = Busy("too much is being uploaded at once: try again later")

    def _is_admitted(self, request: Parser) -> bool:
        """Ask the application whether it wants the body; if not, the request is decided."""
        own: Any = self
        task: Any = WSGITask
        try:
            answer = Answer(own.server.application, task(self, request).get_environment())
        except Exception:  # the application answers its own errors; nobody else would hear of this
            own.logger.exception("a request could not be checked")
            request.error = InternalServerError("The request could not be checked.")
            return False
        if answer.admitted is None:
            request.answer = answer
            return False
        if not own.server.has_room(request.content_length):
            request.refusal = Busy("too much is being uploaded at once: try again later")
            return False
        request.judged = True
        request.body_limit = answer.admitted
        return True

    def _go_on(self, request: Parser) -> None:
        """Take the body of a request in."""
        own: Any = self
        with own.requests_lock:
            own.request = request
            self.receiving_since = time.monotonic()
            if own.connected and request.expect_continue:
                own.send_continue()
            # Not before: without a request in work the main thread writes without asking.
            own.requests.pop(0)
            held, self._held = self._held, b""
            self._take(held)
        own.last_activity = time.time()
        own.server.pull_trigger()
