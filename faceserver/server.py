"""The HTTP server: waitress, with what it lacks to stand in the open and to stop gently.

Waitress takes a request in completely before a worker begins with it, so that a slow upload holds
a connection and no worker. But it waits as long as a byte comes now and then; here each request
has to be there within a time. And waitress drops what is under way when it stops; here it
finishes.
"""

import logging
import signal
import socket
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any
from wsgiref.types import WSGIApplication

from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.server import TcpWSGIServer
from waitress.task import ThreadedTaskDispatcher, WSGITask
from waitress.utilities import Error

from faceserver.config import Settings
from faceserver.runtime.metrics import Gauge
from faceserver.runtime.threads import plan

_log = logging.getLogger(__name__)

_CONNECTIONS = 500
"""Most at a time; each is a socket and a little memory, for a worker comes with the request."""

_RECEIVED = 1 << 17
"""Bytes that are taken from a connection in one step: photographs come in few of them."""

_END_SECONDS = 1
"""For workers to end that have nothing to do."""

_IDLE_SECONDS = 120
"""After which a connection is closed on which nothing moves."""


class RequestTimeout(Error):
    """The answer to a request that did not come in completely in time."""

    code = 408
    reason = "Request Timeout"


class _Task(WSGITask):
    """A request that hangs up when it is done, if the server is stopping."""

    def build_response_header(self) -> bytes:
        server: Any = self.channel.server
        if server.is_draining:
            self.set_close_on_finish()
        header: bytes = super().build_response_header()
        return header


class _Channel(HTTPChannel):
    """A connection that knows since when it takes a request in."""

    task_class = _Task
    receiving_since: float | None = None

    def received(self, data: bytes) -> bool:
        before = self.request
        taken: bool = super().received(data)
        if self.request is None:
            self.receiving_since = None
        elif self.request is not before:
            self.receiving_since = time.monotonic()
        return taken

    def give_up(self) -> None:
        """Answer what there is of a request with 408, and hang up."""
        own: Any = self  # what is described of waitress's types is not what they are
        with own.requests_lock:
            request, own.request = own.request, None
            self.receiving_since = None
            if not request.headers_finished:  # an answer needs to know a version
                request.parse_header(b"GET / HTTP/1.0\r\n")
            request.error = RequestTimeout("The request did not come in completely in time.")
            own.requests.append(request)
            own.server.add_task(self)


class Server(TcpWSGIServer):
    """Serves an application on a socket that listens, until it is told to stop."""

    channel_class = _Channel

    def __init__(self, app: WSGIApplication, listener: socket.socket, settings: Settings) -> None:
        """Take the application and the socket.

        Args:
            app: to be served.
            listener: bound already.
            settings: how many workers, and how long everything may take.
        """
        self._upload_timeout = settings.upload_timeout
        self._drain_timeout = settings.drain_timeout
        self._on_drain: Callable[[], None] = lambda: None
        self._told_to_stop = False
        self._drained_by: float | None = None
        workers = plan(engine=settings.engine, workers=settings.workers).workers
        adjustments = Adjustments(
            sockets=[listener],
            threads=workers,
            # Flask refuses what is over the limit, in JSON; waitress only what is far over it.
            max_request_body_size=2 * settings.max_request_bytes,
            connection_limit=_CONNECTIONS,
            recv_bytes=_RECEIVED,
            channel_timeout=_IDLE_SECONDS,
            cleanup_interval=max(1, min(30, int(settings.upload_timeout / 4))),
            ident=None,
        )
        dispatcher = ThreadedTaskDispatcher()
        dispatcher.set_thread_count(workers)
        super().__init__(
            app,
            _sock=listener,
            dispatcher=dispatcher,
            adj=adjustments,
            sockinfo=(listener.family, listener.type, listener.proto, listener.getsockname()),
            bind_socket=False,
        )

    def serve(self, on_drain: Callable[[], None]) -> None:
        """Serve until SIGTERM or SIGINT, then until what is under way is done.

        A second signal ends it at once.

        Args:
            on_drain: called in this thread when the first signal has come; from then on the
                application should refuse what is new.
        """
        self._on_drain = on_drain
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._signalled)
        self.run()

    def run(self) -> None:
        """Serve until this thread is told to end; workers that are busy then are left behind."""
        own: Any = self
        try:
            own.asyncore.loop(timeout=own.adj.asyncore_loop_timeout, map=own._map, use_poll=True)
        except (SystemExit, KeyboardInterrupt):
            own.task_dispatcher.shutdown(timeout=_END_SECONDS)

    @property
    def is_draining(self) -> bool:
        """Whether it has begun to stop."""
        return self._drained_by is not None

    def stop(self) -> None:
        """Stop as a first signal does; for other threads."""
        self._told_to_stop = True
        self.pull_trigger()

    def gauges(self) -> Iterator[Gauge]:
        """How busy it is."""
        dispatcher: Any = self.task_dispatcher
        yield Gauge("queue", "Requests that wait for a worker.", len(dispatcher.queue), {})
        yield Gauge("workers_busy", "Workers that serve a request.", dispatcher.active_count, {})
        yield Gauge("connections", "Open connections.", len(self._channels()), {})

    def readable(self) -> bool:
        """Asked by waitress's loop at each turn, in the main thread: look after what is due."""
        if self._told_to_stop and self._drained_by is None:
            self._drained_by = time.monotonic() + self._drain_timeout
            _log.info("stopping: what is under way may take %g s more", self._drain_timeout)
            self._on_drain()
        if self._drained_by is not None and (
            self._is_idle() or time.monotonic() > self._drained_by
        ):
            raise SystemExit  # the loop's own way to end
        accepts: bool = super().readable()
        return accepts

    def maintenance(self, now: Any) -> None:
        """Close connections on which nothing moves, and give up on requests that trickle in."""
        super().maintenance(now)
        late = time.monotonic() - self._upload_timeout
        for channel in self._channels():
            since = channel.receiving_since
            if since is not None and since < late and not channel.requests:
                channel.give_up()

    def _signalled(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        # Between any two instructions of the main thread, so it does as little as it can.
        if self._told_to_stop:
            raise KeyboardInterrupt
        self.stop()

    def _is_idle(self) -> bool:
        return not any(_is_busy(channel) for channel in self._channels())

    def _channels(self) -> list[_Channel]:
        channels: Any = self.active_channels
        return list(channels.values())


def _is_busy(channel: HTTPChannel) -> bool:
    """Whether a request is under way, or its answer, or the hanging up after it."""
    return bool(channel.requests or channel.total_outbufs_len or channel.close_when_flushed)
