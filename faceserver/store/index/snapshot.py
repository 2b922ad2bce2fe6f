"""Runs a task in a copy of the process, which has the memory as it is at this moment.

This is how a large index is written while the process goes on changing it: fork() copies no memory,
only the table of its pages, and a page is copied when one of the two changes it.

The copy has the calling thread alone. So its task calls C++ code that waits for no other thread;
and no library may have threads of its own at work in that moment. OpenBLAS, which multiplies
matrices for numpy, ends its threads before a fork, and a product that they are just computing is
never finished. So it gets none: products are computed in the thread that asks for them.
"""

import os
import signal
from collections.abc import Callable
from threading import Timer

from threadpoolctl import threadpool_limits

_PATIENCE = 600.0


def allow_copies() -> None:
    """Let numpy compute without threads of its own from now on; to be called before it does."""
    threadpool_limits(1, user_api="blas")


class ProcessCopy:
    """A copy of the process that runs a task and ends.

    It has none of the process's open files: the lock of the data folder and the server's sockets
    end with the process, not with its copy. What the task raises is lost.
    """

    def __init__(self, task: Callable[[], object]) -> None:
        """Make the copy; what this process changes from now on does not reach it.

        Raises:
            OSError: the system refused, for want of memory most likely.
        """
        allow_copies()  # to libraries that were loaded since, as well
        self._child = os.fork()
        if not self._child:
            _run_and_exit(task)

    def wait(self, patience: float = _PATIENCE) -> None:
        """Wait for the copy's end, and bring it about after ``patience`` seconds."""
        timer = Timer(patience, os.kill, (self._child, signal.SIGKILL))
        timer.start()
        try:
            os.waitpid(self._child, 0)
        finally:
            timer.cancel()


def _run_and_exit(task: Callable[[], object]) -> None:  # pragma: no cover - in the copy
    try:
        os.closerange(0, os.sysconf("SC_OPEN_MAX"))
        task()
    finally:
        os._exit(0)
