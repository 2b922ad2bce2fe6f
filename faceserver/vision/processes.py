"""Finds and embeds faces in processes beside this one, so that many processors have work.

In one process threads wait for each other at Python's interpreter, the more the more processors
there are. Here each worker is a process of its own with one processor and its own copy of the
models (:mod:`faceserver.vision.worker`); a picture's bytes go in, faces come out, and its pixels
are lent in shared memory. What is left to this process is to receive, to search and to store.

A worker that ends takes nothing with it: its question is asked once more, another takes its place,
and only a picture that ends two of them is refused.
"""

import logging
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from queue import Empty, LifoQueue
from threading import Event, Lock, Thread
from time import monotonic
from typing import Any

from faceserver.errors import EngineUnavailable, FaceServerError
from faceserver.runtime import deadline, metrics
from faceserver.types import DecodedPicture, Floats
from faceserver.vision.analyzer import Analyzer, FoundFace, FoundFaces
from faceserver.vision.worker import READY, Answer, Question, receive_pixels, with_pixels

_log = logging.getLogger(__name__)

_GRACE = 10.0
"""Seconds beyond its deadline that a worker has to end a step; then it is ended itself."""

_LONGEST = 600.0
"""Seconds that a question without a deadline may take."""

_AGAIN = 2.0
"""Seconds after which a worker that could not be started is started anew."""


_RUN = "from faceserver.vision import worker; worker.main()"
"""As a module of its own name, for what is pickled there is looked up by it."""


class _Lost(Exception):
    """A worker has ended, or does not answer."""


class _Worker:
    """One such process; used by one thread at a time."""

    def __init__(self, make: Callable[[], Analyzer]) -> None:
        """Start it; see :meth:`wait`."""
        ours, theirs = socket.socketpair()
        with theirs:
            # With the server's own paths, for it may run from a checkout.
            paths = os.pathsep.join(path for path in sys.path if path)
            self._process = subprocess.Popen(  # noqa: S603 - our own module
                [sys.executable, "-c", _RUN, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                env={**os.environ, "PYTHONPATH": paths},
                start_new_session=True,  # a Ctrl-C at the terminal is for the server to handle
            )
        self._connection = Connection(ours.detach())
        with suppress(OSError):  # it has ended at once: then nothing comes back
            self._connection.send(make)

    @property
    def pid(self) -> int:
        return self._process.pid

    def is_running(self) -> bool:
        return self._process.poll() is None

    def wait(self) -> None:
        """Wait until its models are loaded.

        Raises:
            FaceServerError: they cannot be.
        """
        try:
            answer = self._connection.recv()
        except (EOFError, OSError) as error:
            raise EngineUnavailable("a vision process has ended while it was starting") from error
        if answer != READY:
            raise answer

    def ask(self, question: Question) -> tuple[Answer, Any]:
        """The answer, and the value that it brings.

        Raises:
            _Lost: there is none.
        """
        seconds = min(question.end - monotonic(), _LONGEST) + _GRACE
        try:
            self._connection.send(question)
            if not self._connection.poll(seconds):
                raise _Lost
            answer: Answer = self._connection.recv()
            if answer.pixels is None:
                return answer, answer.value
            return answer, with_pixels(answer, receive_pixels(self._connection, answer.pixels))
        except (EOFError, OSError, RuntimeError) as error:
            raise _Lost from error

    def end(self) -> None:
        """End it, whatever it does."""
        self._connection.close()
        self._process.kill()
        self._process.wait()


class Workers:
    """So many of these processes. Safe to call from several threads at once."""

    def __init__(self, make: Callable[[], Analyzer], count: int) -> None:
        """Start nothing yet; see :meth:`start`.

        Args:
            make: makes the analyzer of one, for one processor; can be pickled.
            count: how many there are.
        """
        self._make = make
        self._count = count
        # The one that was used last is the first to be used again: its memory is in the cache.
        self._idle: LifoQueue[_Worker] = LifoQueue()
        self._all: set[_Worker] = set()
        self._lock = Lock()
        self._closed = Event()

    def start(self) -> None:
        """Start them all, and wait until they are ready; what runs already is left alone.

        Raises:
            FaceServerError: a model cannot be loaded.
        """
        with self._lock:
            missing = self._count - len(self._all)
            new = [_Worker(self._make) for _ in range(missing)]
            self._all.update(new)
        try:
            for worker in new:
                worker.wait()
                self._idle.put(worker)
        except FaceServerError:
            self.close()
            raise

    def pids(self) -> list[int]:
        """The processes that there are."""
        with self._lock:
            return [worker.pid for worker in self._all]

    def read(self, data: bytes, **how: Any) -> tuple[DecodedPicture, FoundFaces]:
        """See :meth:`faceserver.vision.analyzer.Analyzer.read`.

        Raises:
            EngineUnavailable: the picture has ended two workers, or there are none.
        """
        read: tuple[DecodedPicture, FoundFaces] = self._ask("read", data=data, **how)
        return read

    def embed(self, faces: Sequence[FoundFace]) -> Floats:
        """See :meth:`faceserver.vision.analyzer.Analyzer.embed`."""
        # What was cut out for attributes would be sent for nothing.
        bare = [FoundFace(face.detection, face.crop) for face in faces]
        vectors: Floats = self._ask("embed", faces=bare)
        return vectors

    def close(self) -> None:
        """End them; closing twice does nothing."""
        self._closed.set()
        with self._lock:
            ending, self._all = self._all, set()
        for worker in ending:
            worker.end()

    def _ask(self, method: str, **arguments: Any) -> Any:
        question = Question(method, arguments, deadline.end())
        for _ in range(2):
            deadline.check()
            worker = self._take()
            try:
                answer, value = worker.ask(question)
            except _Lost:
                self._replace(worker)
                continue
            except BaseException:  # such as one that ends this thread: its answer is still to come
                self._replace(worker)
                raise
            self._idle.put(worker)
            metrics.told(answer.seconds or {})
            if answer.error:
                raise answer.error
            return value
        deadline.check()
        raise EngineUnavailable("the picture could not be processed: its process ended, twice")

    def _take(self) -> _Worker:
        """An idle worker that runs, as far as is known."""
        with metrics.stage("wait"):
            while True:
                try:
                    worker = self._idle.get(timeout=min(max(deadline.left(), 0), _LONGEST))
                except Empty:
                    deadline.check()
                    raise EngineUnavailable("no vision process is free") from None
                if worker.is_running():
                    return worker
                self._replace(worker)

    def _replace(self, lost: _Worker) -> None:
        """End a worker that is of no use any more, and start another in the background."""
        lost.end()
        with self._lock:
            if lost not in self._all:
                return
            self._all.remove(lost)
        _log.warning("vision process %d has ended: another takes its place", lost.pid)
        Thread(target=self._start_another, name="vision", daemon=True).start()

    def _start_another(self) -> None:
        while not self._closed.is_set():
            try:
                self.start_one()
            except (FaceServerError, OSError) as error:
                _log.error("a vision process cannot be started: %s", error)
                self._closed.wait(_AGAIN)
            else:
                return

    def start_one(self) -> None:
        """Start one more, and wait until it is ready.

        Raises:
            FaceServerError: it cannot be.
            OSError: no process can be started.
        """
        worker = _Worker(self._make)
        with self._lock:
            is_wanted = not self._closed.is_set()
            if is_wanted:
                self._all.add(worker)
        try:
            if is_wanted:
                worker.wait()
                self._idle.put(worker)
        except FaceServerError:
            with self._lock:
                self._all.discard(worker)
            worker.end()
            raise
        if not is_wanted:
            worker.end()


def in_processes(analyzer: Analyzer, make: Callable[[], Analyzer], count: int) -> Analyzer:
    """The same analyzer, whose pictures and faces are worked on by so many processes.

    Args:
        analyzer: of this process; with none, it goes on doing everything itself.
        make: makes one for one processor in another process; can be pickled.
        count: how many processes.
    """
    return analyzer.with_workers(Workers(make, count)) if count else analyzer
