"""Decodes pictures in processes that can be ended, with processor time and memory bounded.

A decoder starts when it is first needed, in about a third of a second, and then waits for the next
picture. One that has used up its time, or has crashed, takes nothing with it but its picture.

What passes between the two: a line of JSON and the file one way, a line of JSON and the pixels the
other.
"""

import atexit
import json
import os
import resource
import select
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from threading import Lock
from time import monotonic
from typing import IO, Any, cast

import numpy as np

from faceserver import errors
from faceserver.errors import ImageError, TooManyPixels, TruncatedImage
from faceserver.pictures import limits, pillow_decoder
from faceserver.runtime import deadline
from faceserver.types import DecodedPicture, Image

_MAX_IDLE = 4
_ROOM = 400_000_000
_ROOM_A_PIXEL = 14
"""Bytes of memory that a decoder may take beyond what it has, and for each pixel allowed."""

_ERRORS = {
    error.code: error
    for error in vars(errors).values()
    if isinstance(error, type) and issubclass(error, ImageError)
}


class _Decoder:
    """One such process."""

    def __init__(self) -> None:
        # With the server's own paths, for it may run from a checkout.
        paths = os.pathsep.join(path for path in sys.path if path)
        self._process = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": paths},
            start_new_session=True,  # a Ctrl-C at the terminal is for the server to handle
        )

    def ask(self, request: Mapping[str, Any], data: bytes, end: float) -> DecodedPicture | None:
        """Decode; None if the process ended, or had to be ended, before it was done.

        Raises:
            ImageError: the picture cannot be used.
        """
        to, back = _pipes(self._process)
        try:
            to.write(json.dumps(request).encode() + b"\n")
            to.write(data)
            to.flush()
            answer = json.loads(_line(back, end))
            if "code" in answer:
                raise _ERRORS.get(answer["code"], TruncatedImage)(answer["message"])
            image: Image = np.empty(answer["shape"], np.uint8)
            _fill(image.reshape(-1).data, back, end)
        except (OSError, EOFError, ValueError):
            return None
        image.flags.writeable = False
        return DecodedPicture(image, answer["width"], answer["height"], tuple(answer["notes"]))

    def end(self) -> int:
        """End the process; return its status, as :class:`subprocess.Popen` has it."""
        status = self._process.poll()
        self._process.kill()
        final = self._process.wait()
        for pipe in _pipes(self._process):
            with suppress(OSError):  # what could not be written is of no use any more
                pipe.close()
        return final if status is None else status


def _pipes(process: subprocess.Popen[bytes]) -> tuple[IO[bytes], IO[bytes]]:
    return cast("IO[bytes]", process.stdin), cast("IO[bytes]", process.stdout)


_idle: list[_Decoder] = []
_lock = Lock()


def decode(data: bytes, kind: str, *, max_pixels: int) -> DecodedPicture:
    """Decode a picture in another process; see :func:`faceserver.pictures.pillow_decoder.decode`.

    Raises:
        ImageError: it cannot be used, or takes too much time or memory.
        TimedOut: the request that this is done for has taken too long.
    """
    deadline.check()
    request = {"kind": kind, "max_pixels": max_pixels, "bytes": len(data)}
    end = min(monotonic() + limits.MAX_WAIT, deadline.end())
    decoder = _take()
    is_good = False
    try:
        picture = decoder.ask(request, data, end)
        is_good = picture is not None
    except ImageError:
        is_good = True
        raise
    finally:
        if is_good:
            _put_back(decoder)
        else:
            status = decoder.end()
    if picture is not None:
        return picture
    deadline.check()
    if status in {-signal.SIGXCPU, -signal.SIGKILL}:
        raise TooManyPixels("The picture takes too long to decode.")
    raise TruncatedImage("The picture is damaged: its decoder failed.")


def close() -> None:
    """End the decoders that wait for work."""
    with _lock:
        waiting, _idle[:] = _idle[:], []
    for decoder in waiting:
        decoder.end()


def _take() -> _Decoder:
    with _lock:
        if _idle:
            return _idle.pop()
    return _Decoder()


def _put_back(decoder: _Decoder) -> None:
    with _lock:
        if len(_idle) < _MAX_IDLE:
            _idle.append(decoder)
            return
    decoder.end()


atexit.register(close)


def _ready(pipe: IO[bytes], end: float) -> None:
    poll = select.poll()
    poll.register(pipe.fileno(), select.POLLIN)
    if not poll.poll(max(end - monotonic(), 0) * 1000):
        raise EOFError


def _line(pipe: IO[bytes], end: float) -> bytes:
    """The line that comes before the pixels; byte by byte, for nothing may be read beyond it."""
    line = bytearray()
    while not line.endswith(b"\n"):
        _ready(pipe, end)
        got = os.read(pipe.fileno(), 1)
        if not got:
            raise EOFError
        line += got
    return bytes(line)


def _fill(room: memoryview, pipe: IO[bytes], end: float) -> None:
    at = 0
    while at < len(room):
        _ready(pipe, end)
        got = os.readv(pipe.fileno(), [room[at:]])
        if not got:
            raise EOFError
        at += got


def _serve(requests: IO[bytes], answers: IO[bytes]) -> None:
    """What the other process does: decode what comes, until nothing comes any more."""
    while line := requests.readline():
        request = json.loads(line)
        data = requests.read(request["bytes"])
        image = None
        answer: dict[str, Any]
        # Of JPEG XL all is decoded before its size is known here.
        allow = partial(_allow, request["kind"])
        allow(request["max_pixels"] if request["kind"] == "JXL" else 0)
        try:
            picture = pillow_decoder.decode(
                data,
                request["kind"],
                max_pixels=request["max_pixels"],
                work=allow,
            )
        except ImageError as error:
            answer = {"code": error.code, "message": str(error)}
        else:
            image = picture.image
            answer = {
                "shape": image.shape,
                "width": picture.width,
                "height": picture.height,
                "notes": picture.notes,
            }
        answers.write(json.dumps(answer).encode() + b"\n")
        if image is not None:
            answers.write(image.reshape(-1).data)
        answers.flush()


def _allow(kind: str, pixels: int) -> None:
    """Let the kernel end this process, or refuse it memory, beyond what so many pixels need."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = used.ru_utime + used.ru_stime + limits.seconds(kind, pixels)
    _lower(resource.RLIMIT_CPU, int(seconds) + 1)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    room = _ROOM + _ROOM_A_PIXEL * pixels
    _lower(resource.RLIMIT_AS, pages * resource.getpagesize() + room)


def _lower(kind: int, limit: int) -> None:
    _, hard = resource.getrlimit(kind)
    resource.setrlimit(kind, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard))


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _serve(sys.stdin.buffer, sys.stdout.buffer)
