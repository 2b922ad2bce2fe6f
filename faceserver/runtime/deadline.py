"""How long the work for one request may take.

A thread cannot be stopped from outside, so the work asks, between its steps, whether its time is
over. The deadline belongs to the thread that works on the request, and goes along to those that
help it (:mod:`.parallel`) or do its work together with that of others (:mod:`.batching`). Other
threads that it starts have limits of their own, as fetching has.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from math import inf
from time import monotonic

from faceserver.errors import TimedOut

_end: ContextVar[float | None] = ContextVar("deadline", default=None)


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Let :func:`check` raise when the block has run for so many seconds."""
    with until(monotonic() + seconds):
        yield


@contextmanager
def until(moment: float) -> Iterator[None]:
    """Let :func:`check` raise from a moment on, as :func:`time.monotonic` tells it."""
    token = _end.set(moment)
    try:
        yield
    finally:
        _end.reset(token)


def check() -> None:
    """Ask whether there is time left.

    Raises:
        TimedOut: there is none.
    """
    end = _end.get()
    if end is not None and monotonic() > end:
        raise TimedOut(
            "the request took too long: send less at once, or raise FACESERVER_REQUEST_TIMEOUT"
        )


def end() -> float:
    """When it is over, as :func:`time.monotonic` tells it; infinity where there is no deadline."""
    known = _end.get()
    return inf if known is None else known


def left() -> float:
    """Seconds until it is over, infinity where there is no deadline; negative once it is over."""
    return end() - monotonic()
