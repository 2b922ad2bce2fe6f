"""Writing files so that a crash leaves the old content or the new, never half of it."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from faceserver.errors import StoreError, StoreFull
from faceserver.layout import TEMPORARY
from faceserver.runtime.private_files import make_private_folders, private

_FULL = {errno.ENOSPC, errno.EDQUOT}


@contextmanager
def file_errors(path: Path) -> Iterator[None]:
    """Turn the system's errors inside the block into ours.

    Raises:
        StoreFull: no space, or no quota, is left.
        StoreError: anything else the system refused.
    """
    try:
        yield
    except OSError as error:
        kind = StoreFull if error.errno in _FULL else StoreError
        raise kind(f"{path} cannot be written: {error.strerror or error}") from error


def write_atomically(path: Path, data: bytes, *, durable: bool = True) -> None:
    """Write a file that is complete on the disk, under its name, on return.

    Its owner alone may read it.

    Args:
        path: of the file.
        data: its content.
        durable: otherwise nothing is waited for, and a crash of the system may lose it.

    Raises:
        StoreFull: no space left on the device; nothing of it remains.
        StoreError: the system refused; nothing of it remains.
    """
    temporary = path.with_name(f"{uuid4().hex}{TEMPORARY}")
    with file_errors(path):
        try:
            with open(temporary, "xb", opener=private) as file:
                file.write(data)
                if durable:
                    file.flush()
                    os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
        if durable:
            sync(path.parent)


def make_folder(folder: Path) -> None:
    """Make a folder where it is missing, its parents too, for nobody else to look into.

    Raises:
        StoreError: the system refused.
    """
    with file_errors(folder):
        make_private_folders(folder)
        sync(folder.parent)


def sync(path: Path) -> None:
    """Have the system put a file, or the names in a folder, on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
