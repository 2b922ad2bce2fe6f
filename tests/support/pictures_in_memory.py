"""Pictures in a dictionary: the smallest place for pictures, to test others against."""

import io
from collections.abc import Iterable, Iterator, Sequence
from typing import IO

from faceserver.errors import NotFound
from faceserver.store.pictures import Pictures, picture_name
from faceserver.store.results import Link


class PicturesInMemory:
    def __init__(self) -> None:
        self._held: dict[str, bytes] = {}

    def prepare(self) -> None:
        pass

    def save(self, jpeg: bytes) -> str:
        name = picture_name(jpeg)
        self._held[name] = jpeg
        return name

    def put(self, name: str, content: bytes) -> None:
        self._held[name] = content

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

    def link(self, name: str) -> Link | None:
        del name
        return None

    def share(self, name: str, other: Pictures) -> bool:
        return name in self._held and other.save(self._held[name]) == name

    def strays(self) -> list[str]:
        return []

    def remains(self) -> Sequence[str]:
        return ()

    def delete_stray(self, name: str) -> None:
        raise NotFound(name)
