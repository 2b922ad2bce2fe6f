"""One process to a data folder."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from faceserver.errors import StoreLocked
from faceserver.layout import LOCK
from faceserver.runtime.atomic_files import file_errors
from faceserver.runtime.private_files import private


@contextmanager
def folder_lock(folder: Path) -> Iterator[None]:
    """Hold a folder for this process alone while the block runs.

    The system lets go of the lock when its holder dies, however it dies. The file stays: to remove
    it would let a third process lock a new file of that name while a second one holds the old.

    Raises:
        StoreLocked: another process, or another store of this one, holds it.
        StoreError: the lock file cannot be written.
    """
    path = folder / LOCK
    with file_errors(path):
        file = open(path, "a+", opener=private)  # noqa: SIM115 - closed by the block below
    with file:
        _lock(file, folder)
        with suppress(OSError):  # who holds it is only told: a full disk is no reason to stop
            os.ftruncate(file.fileno(), 0)
            os.write(file.fileno(), f"{os.getpid()}\n".encode())
        yield


def _lock(file: IO[str], folder: Path) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.seek(0)
        holder = file.read().strip() or "unknown"
        raise StoreLocked(
            f"{folder} is in use by process {holder}: stop it, or choose another folder "
            "with FACESERVER_DATA_DIR"
        ) from error
