"""The server itself: a loop that takes connections and bytes in, and hands requests on.

Waitress takes a request in completely before a worker begins with it, so that a slow upload holds
a connection and no worker. But it waits as long as a byte comes now and then; here each request
has to be there within a time. And waitress drops what is under way when it stops; here it
finishes.
"""

import logging
import resource
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from types import FrameType
from typing import Any
from wsgiref.types import WSGIApplication

from waitress.adjustments import Adjustments
from waitress.server import TcpWSGIServer

from faceserver.access.addresses import Proxies, is_local
from faceserver.config import Settings
from faceserver.runtime.metrics import Gauge
from faceserver.runtime.threads import plan
from faceserver.server.channel import Channel
from faceserver.server.connections import one_too_many
from faceserver.server.lanes import Lanes
from faceserver.server.parser import MAX_HEADER_BYTES

_log = logging.getLogger(__name__.rpartition(".")[0])

_RECEIVED = 1 << 17
"""Bytes that are taken from a connection in one step: photographs come in few of them."""

_END_SECONDS = 1
"""For workers to end that have nothing to do."""

_IDLE_SECONDS = 120
"""After which a connection is closed on which nothing moves."""

_HEADER_SECONDS = 20.0
"""In which the headers of a request must have come in."""

_LINGER_SECONDS = 5.0
"""How long what still comes is thrown away on a connection that we have closed."""

_SWITCH_SECONDS = 0.001
"""So long a thread that computes may keep the interpreter from one that has something quick to do,
such as an answer about the server's health."""

_FILES_OF_CONNECTION = 3
_FILES_BESIDE = 500


class Server(TcpWSGIServer):
    """Serves an application on a socket that listens, until it is told to stop."""

    channel_class = Channel

    def __init__(
        self,
        app: WSGIApplication,
        listener: socket.socket,
        settings: Settings,
        vital: frozenset[str] = frozenset(),
        doors: Sequence[tuple[WSGIApplication, socket.socket]] = (),
    ) -> None:
        """Take the application and the socket.

        Args:
            app: to be served.
            listener: bound already.
            settings: how many workers, and how long everything may take.
            vital: addresses that are answered however busy the server is.
            doors: further sockets, and what is served there; workers and limits are shared.
        """
        self._settings = settings
        self._proxies = Proxies(settings.trusted_proxies)
        self._on_drain: Callable[[], None] = lambda: None
        self._told_to_stop = False
        self._drained_by: float | None = None
        workers = plan(engine=settings.engine, workers=settings.workers).workers
        adjustments = Adjustments(
            sockets=[listener],
            threads=workers,
            max_request_header_size=MAX_HEADER_BYTES,
            # The application refuses what is over its limits; waitress only what is far over them.
            max_request_body_size=2 * settings.max_request_bytes,
            connection_limit=2 * settings.max_connections + 100,  # room is made before that
            recv_bytes=_RECEIVED,
            channel_timeout=_IDLE_SECONDS,
            cleanup_interval=1,
            # The application drops what a proxy tells that it does not trust.
            clear_untrusted_proxy_headers=False,
            ident=None,
        )
        lanes: Any = Lanes(workers, max_waiting=settings.max_waiting, vital=vital)
        super().__init__(
            app,
            _sock=listener,
            dispatcher=lanes,
            adj=adjustments,
            sockinfo=(listener.family, listener.type, listener.proto, listener.getsockname()),
            bind_socket=False,
        )
        for application, another in doors:
            _Door(self, application, another)

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
        _allow_files(_FILES_OF_CONNECTION * self._settings.max_connections + _FILES_BESIDE)
        sys.setswitchinterval(_SWITCH_SECONDS)
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

    def has_room(self, body_bytes: int) -> bool:
        """Whether a body of so many bytes may come in beside those that have."""
        most = max(self._settings.max_bodies_bytes, self._settings.max_request_bytes)
        return sum(channel.body_bytes() for channel in self._channels()) + body_bytes <= most

    def is_one_place(self, address: str) -> bool:
        """Whether what comes from an address is one client's, as far as can be told."""
        return not (is_local(address) or self._proxies.have(address))

    def add_task(self, task: Any) -> None:
        """Have the first request of a connection served, once what is before it was read."""
        if task.total_outbufs_len:
            task.is_postponed = True
        else:
            self.task_dispatcher.add_task(task)

    def gauges(self) -> Iterator[Gauge]:
        """How busy it is."""
        lanes: Any = self.task_dispatcher
        yield Gauge("queue", "Requests that wait for a worker.", lanes.waiting, {})
        yield Gauge("workers_busy", "Workers that serve a request.", lanes.busy, {})
        yield Gauge("connections", "Open connections.", len(self._channels()), {})

    def readable(self) -> bool:
        """Asked by waitress's loop at each turn, in the main thread: look after what is due."""
        if self._told_to_stop and self._drained_by is None:
            self._drained_by = time.monotonic() + self._settings.drain_timeout
            _log.info(
                "shutting down: requests in progress have up to %g s to finish",
                self._settings.drain_timeout,
            )
            self._on_drain()
        if self._drained_by is not None and (
            self._is_idle() or time.monotonic() > self._drained_by
        ):
            raise SystemExit  # the loop's own way to end
        accepts: bool = super().readable()
        return accepts

    def handle_accept(self) -> None:
        """Take a connection, and make room for it."""
        self.accepted(super().handle_accept)

    def accepted(self, accept: Callable[[], None]) -> None:
        """Take a connection as it is told, and make room for it."""
        before = self._channels()
        accept()
        channels = self._channels()
        if len(channels) <= len(before):
            return
        newest = channels[-1]
        surplus = one_too_many(
            channels,
            newest,
            most=self._settings.max_connections,
            most_of_place=(self._settings.max_address_connections if newest.is_one_place else 0),
        )
        if surplus is not None:
            surplus.handle_close()

    def maintenance(self, now: Any) -> None:
        """Close connections on which nothing moves, and give up on requests that trickle in."""
        super().maintenance(now)
        for channel in self._channels():
            since = channel.receiving_since
            if _is_over(channel, now):
                channel.handle_close()
            elif since is not None and since < time.monotonic() - self._seconds_for(channel):
                channel.give_up()

    def _seconds_for(self, channel: Channel) -> float:
        """In which what comes in on a connection must be there."""
        own: Any = channel
        if own.request is not None and own.request.headers_finished:
            return self._settings.upload_timeout
        return min(_HEADER_SECONDS, self._settings.upload_timeout)

    def _signalled(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        # Between any two instructions of the main thread, so it does as little as it can.
        if self._told_to_stop:
            raise KeyboardInterrupt
        self.stop()

    def _is_idle(self) -> bool:
        return not any(_is_busy(channel) for channel in self._channels())

    def _channels(self) -> list[Channel]:
        channels: Any = self.active_channels
        return list(channels.values())


class _Door(TcpWSGIServer):
    """A further socket of a server, with an application of its own."""

    channel_class = Channel

    def __init__(self, server: Server, app: WSGIApplication, listener: socket.socket) -> None:
        """Take connections for a server from now on."""
        own: Any = server
        self._server = server
        super().__init__(
            app,
            map=own._map,
            _sock=listener,
            dispatcher=own.task_dispatcher,
            adj=own.adj,
            sockinfo=(listener.family, listener.type, listener.proto, listener.getsockname()),
            bind_socket=False,
        )
        self.active_channels = own.active_channels

    def has_room(self, body_bytes: int) -> bool:
        """Whether a body of so many bytes may come in; see :meth:`Server.has_room`."""
        return self._server.has_room(body_bytes)

    def is_one_place(self, address: str) -> bool:
        """See :meth:`Server.is_one_place`."""
        return self._server.is_one_place(address)

    @property
    def is_draining(self) -> bool:
        """Whether the server has begun to stop."""
        return self._server.is_draining

    def add_task(self, task: Any) -> None:
        """See :meth:`Server.add_task`."""
        self._server.add_task(task)

    def handle_accept(self) -> None:
        """Take a connection; room is made for it among those of the whole server."""
        self._server.accepted(super().handle_accept)

    def maintenance(self, now: Any) -> None:
        """Leave it to the server, which knows all connections."""


def _is_busy(channel: Channel) -> bool:
    """Whether a request is under way, or its answer, or the hanging up after it."""
    own: Any = channel
    return bool(
        own.requests
        or own.total_outbufs_len
        or own.close_when_flushed
        or own.lingering_since is not None
    )


def _is_over(channel: Channel, now: float) -> bool:
    """Whether a connection is to be closed, however little its client has read of what it got."""
    own: Any = channel
    if own.lingering_since is not None:
        return bool(own.lingering_since < time.monotonic() - _LINGER_SECONDS)
    is_stuck = own.is_postponed and own.last_activity < now - _IDLE_SECONDS
    return bool(own.will_close or is_stuck)


def _allow_files(wanted: int) -> None:
    """Have the system let the process open enough files, as far as it may ask for that."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
