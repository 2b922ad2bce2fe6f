"""Copies of pictures for people to look at."""

import os
import shutil
from pathlib import Path

from faceserver.errors import NotFound
from faceserver.runtime.atomic_files import file_errors
from faceserver.runtime.private_files import private
from faceserver.store.pictures.base import Pictures


def copy_out(pictures: Pictures, name: str, folder: Path) -> None:
    """Copy a picture, if it is there, into a folder of another kind.

    Raises:
        StoreError: the system refused, or it cannot be read.
    """
    try:
        source = pictures.open(name)
    except NotFound:
        return
    with source, file_errors(folder):
        (folder / name).unlink(missing_ok=True)
        with open(folder / name, "xb", opener=private) as target:
            shutil.copyfileobj(source, target)
            target.flush()
            os.fsync(target.fileno())
