"""What a place for pictures offers, and how pictures are named."""

import re
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from typing import IO, Protocol

from faceserver.errors import NotFound
from faceserver.store.results import Link

_NAME = re.compile(r"[0-9a-f]{64}\.jpg", re.ASCII)
_THUMBNAIL = re.compile(r"[0-9a-f]{32}\.webp", re.ASCII)


class Pictures(Protocol):
    """Bytes by name: pictures, and thumbnails of faces. Safe to call from several threads at once.

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

    def put(self, name: str, content: bytes) -> None:
        """Store a thumbnail, in place of what there is of that name.

        Readers see the old one or the new one. A crash may lose it: it can be made again.

        Args:
            name: see :func:`thumbnail_name`.
            content: the file's.

        Raises:
            StoreFull: no space is left.
            StoreUnavailable: the place is on another machine, which does not answer.
            StoreError: it cannot be written.
        """
        ...

    def open(self, name: str) -> IO[bytes]:
        """A picture or thumbnail as a stream that can be read and sought in, to be closed.

        It can be read to its end even if it is deleted meanwhile.

        Raises:
            NotFound: there is none of that name; a name of any other form than pictures and
                thumbnails have is not even looked for.
            StoreError: it cannot be read.
        """
        ...

    def delete(self, names: Iterable[str]) -> int:
        """Delete pictures and thumbnails; return how many of them there were.

        Raises:
            StoreError: one cannot be deleted.
        """
        ...

    def names(self) -> Iterator[str]:
        """The names of all pictures and thumbnails, in no order."""
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


def thumbnail_name(face_id: str) -> str:
    """The name of a face's thumbnail: its id, 32 digits in hexadecimal, and ``.webp``."""
    return f"{face_id}.webp"


def is_thumbnail_name(name: str) -> bool:
    """Whether a thumbnail can have this name."""
    return _THUMBNAIL.fullmatch(name) is not None


def is_stored_name(name: str) -> bool:
    """Whether a picture or a thumbnail can have this name."""
    return is_picture_name(name) or is_thumbnail_name(name)


def share_bytes(pictures: Pictures, name: str, other: Pictures) -> bool:
    """Give another place the bytes of a picture; see :meth:`Pictures.share`."""
    try:
        stream = pictures.open(name)
    except NotFound:
        return False
    with stream:
        return other.save(stream.read()) == name
