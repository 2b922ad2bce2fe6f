"""The stored pictures: files that are named after their content."""

import re
from hashlib import sha256
from pathlib import Path

from faceserver.errors import NotFound
from faceserver.store.files import TEMPORARY, file_errors, make_folder, write_atomically

_NAME = re.compile(r"[0-9a-f]{64}\.jpg")


class PictureStore:
    """Keeps pictures in ``uploadImages`` under the data folder, the same picture once.

    Safe to call from several threads at once; the data folder belongs to this process alone.
    """

    def __init__(self, data_folder: Path) -> None:
        """Make the folder where it is missing, and remove what a crash left half-written.

        Raises:
            StoreError: the folder cannot be made.
        """
        self._folder = data_folder / "uploadImages"
        make_folder(self._folder)
        with file_errors(self._folder):
            for leftover in self._folder.glob(f"*{TEMPORARY}"):
                leftover.unlink()

    def save(self, jpeg: bytes) -> str:
        """Store a picture; on return it survives a crash.

        A picture that is there already is written again: that costs little, and mends a file that
        the disk has damaged.

        Returns:
            Its file name: the SHA-256 of its bytes in hexadecimal, and ``.jpg``.

        Raises:
            StoreFull: no space is left.
        """
        name = f"{sha256(jpeg).hexdigest()}.jpg"
        write_atomically(self._folder / name, jpeg)
        return name

    def path(self, name: str) -> Path:
        """Where a picture lies.

        Raises:
            NotFound: there is none of that name; a name of any other form than :meth:`save`
                returns is not even looked for.
        """
        path = self._folder / name
        if not _NAME.fullmatch(name) or not path.is_file():
            raise NotFound(f"there is no picture {name!r}")
        return path
