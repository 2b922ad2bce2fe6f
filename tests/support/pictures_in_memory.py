"""Pictures in a dictionary: the smallest place for pictures, to test others against."""

import io
from collections.abc import Iterable, Iterator
from typing import IO

from faceserver.errors import NotFound
from faceserver.store.pictures import picture_name


class PicturesInMemory:
    def __init__(self) -> None:
        self._held: dict[str, bytes] = {}

    def save(self, jpeg: bytes) -> str:
        name = picture_name(jpeg)
        self._held[name] = jpeg
        return name

    def open(self, name: str) -> IO[bytes]:
        if name not in self._held:
            raise NotFound(f"there is no picture {name!r}")
        return io.BytesIO(self._held[name])

    def delete(self, names: Iterable[str]) -> int:
        return sum(self._held.pop(name, None) is not None for name in names)

    def names(self) -> Iterator[str]:
        return iter(list(self._held))

    def place(self, name: str) -> str:
        self.open(name)
        return f"memory:{name}"
