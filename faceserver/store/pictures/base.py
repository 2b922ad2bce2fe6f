"""What a place for pictures offers, and how pictures are named."""

import re
from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import IO, Protocol

_NAME = re.compile(r"[0-9a-f]{64}\.jpg", re.ASCII)


class Pictures(Protocol):
    """Bytes by name. Safe to call from several threads at once.

    :class:`~faceserver.store.pictures.kept.PictureStore` stands before it and knows which pictures
    are still needed; a place for them only keeps what it is told to keep.
    """

    def save(self, jpeg: bytes) -> str:
        """Store a picture; on return it survives a crash.

        A picture that is there already is written again: that costs little, and mends one that the
        disk has damaged.

        Returns:
            Its name; see :func:`picture_name`.

        Raises:
            StoreFull: no space is left; nothing of it remains.
            StoreError: it cannot be written; nothing of it remains.
        """
        ...

    def open(self, name: str) -> IO[bytes]:
        """A picture as a stream that can be read and sought in; whoever gets it closes it.

        It can be read to its end even if the picture is deleted meanwhile.

        Raises:
            NotFound: there is none of that name; a name of any other form than :meth:`save`
                returns is not even looked for.
            StoreError: it cannot be read.
        """
        ...

    def delete(self, names: Iterable[str]) -> int:
        """Delete pictures; return how many of them there were.

        Raises:
            StoreError: one cannot be deleted.
        """
        ...

    def names(self) -> Iterator[str]:
        """The names of all pictures, in no order."""
        ...

    def place(self, name: str) -> str:
        """Where a person finds a picture: to be shown, not to be opened.

        Raises:
            NotFound: there is none of that name.
        """
        ...


def picture_name(jpeg: bytes) -> str:
    """The name of a picture: the SHA-256 of its bytes in hexadecimal, and ``.jpg``."""
    return f"{sha256(jpeg).hexdigest()}.jpg"


def is_picture_name(name: str) -> bool:
    """Whether a stored picture can have this name; any other might lead elsewhere."""
    return _NAME.fullmatch(name) is not None
