"""What a place for pictures offers, and how pictures are named."""

import re
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from typing import IO, Protocol

from faceserver.errors import NotFound
from faceserver.store.results import Link

_NAME = re.compile(r"[0-9a-f]{64}\.jpg", re.ASCII)


class Pictures(Protocol):
    """Bytes by name. Safe to call from several threads at once.

    :class:`~faceserver.store.pictures.kept.PictureStore` stands before it and knows which pictures
    are still needed; a place for them only keeps what it is told to keep.
    """

    def prepare(self) -> None:
        """Make ready what :meth:`save` needs; whoever serves the gallery calls it first.

        Raises:
            StoreMismatch: the place belongs to another gallery.
            StoreError: it cannot be used.
        """
        ...

    def save(self, jpeg: bytes) -> str:
        """Store a picture; on return it survives a crash.

        A picture that is there already is mended where it was cut off or, by a disk, damaged.

        Returns:
            Its name; see :func:`picture_name`.

        Raises:
            StoreFull: no space left on the device; nothing of it remains.
            StoreUnavailable: the place is on another machine, which does not answer.
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

    def link(self, name: str) -> Link | None:
        """Where a client gets a picture from the place itself.

        Nothing is asked for it: whether there is such a picture, the place says.

        Returns:
            None where the place has no such URLs, or they are not wanted.
        """
        ...

    def share(self, name: str, other: "Pictures") -> bool:
        """Give another place the same picture, which stays there when it is deleted here.

        Nothing is written to the disk for certain.

        Returns:
            Whether there is such a picture.

        Raises:
            OSError: the system refused.
            StoreError: it cannot be read.
        """
        ...

    def strays(self) -> list[str]:
        """The names of what lies at the place and is neither a picture nor on its way to be one."""
        ...

    def delete_stray(self, name: str) -> None:
        """Delete what :meth:`strays` has named.

        Raises:
            StoreError: the system refused.
        """
        ...

    def remains(self) -> Sequence[str]:
        """Where something of a deleted picture may be left, for the receipt of a purge."""
        ...


def picture_name(jpeg: bytes) -> str:
    """The name of a picture: the SHA-256 of its bytes in hexadecimal, and ``.jpg``."""
    return f"{sha256(jpeg).hexdigest()}.jpg"


def is_picture_name(name: str) -> bool:
    """Whether a stored picture can have this name; any other might lead elsewhere."""
    return _NAME.fullmatch(name) is not None


def share_bytes(pictures: Pictures, name: str, other: Pictures) -> bool:
    """Give another place the bytes of a picture; see :meth:`Pictures.share`."""
    try:
        stream = pictures.open(name)
    except NotFound:
        return False
    with stream:
        return other.save(stream.read()) == name
