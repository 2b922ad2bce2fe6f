"""Thumbnails of faces: two sizes in one file, WebP after WebP.

So a face has one file, which is written and deleted as a whole. A WebP file says in its first eight
bytes how long it is (RIFF), so the second begins where the first ends; what reads the file as a
picture sees the first.
"""

from collections.abc import Mapping
from typing import Literal

from faceserver.errors import TruncatedImage
from faceserver.pictures import codec
from faceserver.types import Image

Size = Literal["small", "large"]

SIDES: Mapping[Size, int] = {"small": 96, "large": 256}
"""Pixels of each size's side, in the order in which they are in the file."""

_HEAD = 8
"""Bytes of ``RIFF`` and the length of what follows."""


def packed(face: Image) -> bytes:
    """Make the file of a face.

    Args:
        face: RGB, uint8, square; as large as the largest size, or any other size.
    """
    return b"".join(codec.encode_webp(face, side) for side in SIDES.values())


def part(content: bytes, size: Size) -> bytes:
    """One size out of the file of a face.

    Raises:
        TruncatedImage: the file is none that :func:`packed` has made, or not all of it.
    """
    for name in SIDES:
        length = _HEAD + int.from_bytes(content[4:_HEAD], "little")
        if content[:4] != b"RIFF" or len(content) < length:
            raise TruncatedImage("The stored thumbnail is damaged.")
        if name == size:
            return content[:length]
        content = content[length:]
    raise AssertionError(size)
