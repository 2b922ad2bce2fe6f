"""A process that finds and embeds faces for another one; see :mod:`faceserver.vision.processes`.

Its argument is the number of its end of a connection. The first message is what makes its analyzer;
it answers :data:`READY`, or an error, and then each question. It ends when the other end does.
"""

import mmap
import os
import pickle
import signal
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from multiprocessing.reduction import recv_handle, send_handle
from typing import Any

import numpy as np

from faceserver.errors import FaceServerError
from faceserver.runtime import deadline, metrics
from faceserver.types import DecodedPicture, Image
from faceserver.vision.analyzer import Analyzer, FoundFaces

READY = "ready"

_NO_PIXELS: Image = np.empty((0, 0, 3), np.uint8)


@dataclass(frozen=True, eq=False)
class Question:
    """A call of an analyzer's method.

    Attributes:
        method: its name, ``read`` or ``embed``.
        arguments: by name.
        end: when it must be done, as :func:`time.monotonic` tells it, which all processes share.
    """

    method: str
    arguments: Mapping[str, Any]
    end: float


@dataclass(frozen=True, eq=False)
class Answer:
    """What came of it.

    Attributes:
        value: what the method returned; of a picture all but the pixels, which follow.
        pixels: their shape, if they follow.
        error: what it raised instead.
        seconds: that each step took.
    """

    value: Any = None
    pixels: tuple[int, ...] | None = None
    error: BaseException | None = None
    seconds: Mapping[str, float] | None = None


def send_pixels(connection: Connection, image: Image) -> None:
    """Lend a picture's pixels to the process at the other end, in memory that both can see.

    The memory has no name, so that nothing is left of it when either process ends.
    """
    handle = _memory()
    try:
        os.truncate(handle, image.nbytes)
        with closing(mmap.mmap(handle, image.nbytes)) as shared:
            # As a view of the memory it would have to be gone before that is closed.
            shared.write(np.ascontiguousarray(image).data)
        send_handle(connection, handle, 0)  # who is at the other end matters on Windows alone
    finally:
        os.close(handle)


def _memory() -> int:
    if hasattr(os, "memfd_create"):
        return os.memfd_create("picture")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def receive_pixels(connection: Connection, shape: tuple[int, ...]) -> Image:
    """What :func:`send_pixels` has sent: read-only, and there for as long as it is used."""
    handle = recv_handle(connection)
    try:
        shared = mmap.mmap(handle, int(np.prod(shape)), prot=mmap.PROT_READ)
    finally:
        os.close(handle)
    return np.frombuffer(shared, np.uint8).reshape(shape)


def serve(connection: Connection, analyzer: Analyzer) -> None:
    """Answer questions until the other end is closed."""
    while True:
        try:
            question: Question = connection.recv()
            answer, image = _answer(analyzer, question)
            connection.send(answer)
            if image is not None:
                send_pixels(connection, image)
        except (EOFError, OSError):
            return


def _answer(analyzer: Analyzer, question: Question) -> tuple[Answer, Image | None]:
    """What comes of a question, and the pixels of the picture that it was about."""
    call = analyzer.read if question.method == "read" else analyzer.embed
    with metrics.listening() as heard, deadline.until(question.end):
        try:
            value: Any = call(**question.arguments)
        except Exception as error:  # noqa: BLE001 - whatever it is, who has asked hears of it
            return Answer(error=_sendable(error), seconds=dict(heard)), None
    if question.method != "read":
        return Answer(value, seconds=dict(heard)), None
    picture, faces = value
    rest = replace(picture, image=_NO_PIXELS), faces
    return Answer(rest, pixels=picture.image.shape, seconds=dict(heard)), picture.image


def with_pixels(answer: Answer, image: Image) -> tuple[DecodedPicture, FoundFaces]:
    """The answer to ``read``, with the picture's pixels in their place."""
    picture, faces = answer.value
    return replace(picture, image=image), faces


def _sendable(error: Exception) -> Exception:
    """The error itself, or, where it cannot be sent, one that says the same."""
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    except Exception:  # noqa: BLE001 - pickle has no error of its own for what cannot be pickled
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


def main() -> None:
    """Make the analyzer and serve."""
    # Whoever has started it says when it ends; both signals often go to a whole group.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    with Connection(int(sys.argv[1])) as connection:
        try:
            make: Callable[[], Analyzer] = connection.recv()
            analyzer = make()
            analyzer.warm_up()
        except FaceServerError as error:
            connection.send(error)
            return
        except EOFError:
            return
        connection.send(READY)
        serve(connection, analyzer)
