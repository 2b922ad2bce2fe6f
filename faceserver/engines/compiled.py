"""Compiled networks, kept on disk to start faster; a cache that nothing depends on.

Each is one file: the SHA-256 of what follows, and what OpenVINO has exported. A file that is
damaged, or was written by another user, is as good as none: what is in it would be run.
"""

import logging
import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from faceserver.errors import StoreError
from faceserver.runtime.atomic_files import make_folder, write_atomically

_log = logging.getLogger(__name__)

_DIGEST_BYTES = 32
_SUFFIX = ".network"


class CompiledNetworks:
    """A folder of compiled networks; without one, or where it cannot be used, nothing is kept."""

    def __init__(self, folder: Path | None) -> None:
        """Remember the folder; it is made when there is something to keep."""
        self._folder = folder
        self._is_told = False

    def read(self, key: str) -> bytes | None:
        """What was kept under a key; None where there is nothing that can be relied on."""
        if self._folder is None:
            return None
        path = self._folder / f"{key}{_SUFFIX}"
        try:
            with path.open("rb") as file:
                if os.fstat(file.fileno()).st_uid not in {0, os.geteuid()}:
                    return None  # of another user: it is compiled anew, and not kept
                digest, content = file.read(_DIGEST_BYTES), file.read()
        except FileNotFoundError:
            return None
        except OSError as error:
            self._tell(f"{path.name} cannot be read: {error.strerror}")
            return None
        if sha256(content).digest() != digest:
            _log.warning("the compiled network %s is damaged and will be compiled again", path)
            return None
        return content

    def keep(self, key: str, make: Callable[[], bytes]) -> None:
        """Keep under a key what ``make`` returns, where that is possible.

        Args:
            key: letters and digits that tell the network, and how and for what it was compiled.
            make: exports the network; not called where there is no folder.
        """
        if self._folder is None:
            return
        path = self._folder / f"{key}{_SUFFIX}"
        try:
            make_folder(self._folder)
            content = make()
            write_atomically(path, sha256(content).digest() + content)
        except StoreError as error:
            self._tell(str(error))

    def _tell(self, reason: str) -> None:
        """Say once that the folder is of no use."""
        if not self._is_told:
            self._is_told = True
            _log.warning("compiled networks cannot be cached in %s: %s", self._folder, reason)
