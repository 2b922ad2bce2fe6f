"""Adding a place for pictures: docs/extending.md."""

import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import IO

from faceserver.errors import NotFound
from faceserver.store import Options, open_store
from faceserver.store.pictures import (
    PictureFolder,
    Pictures,
    PlaceOptions,
    open_pictures,
    picture_name,
)
from faceserver.store.pictures.base import share_bytes
from faceserver.store.pictures.places import places
from faceserver.store.results import Link

SHELVES: dict[str, dict[str, bytes]] = {}


class Shelf:
    """Keeps pictures in the memory of this process, for as long as it lives."""

    def __init__(self, data_folder: Path, options: PlaceOptions) -> None:
        del data_folder  # nothing lies there
        self._url = options.url
        self._held = SHELVES.setdefault(options.url, {})

    def prepare(self) -> None:
        """There is nothing to make ready."""

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
        return f"{self._url}/{name}"

    def link(self, name: str) -> Link | None:
        return None  # there is no way past the server

    def share(self, name: str, other: Pictures) -> bool:
        return share_bytes(self, name, other)

    def strays(self) -> list[str]:
        return []

    def delete_stray(self, name: str) -> None:
        """There are none."""

    def remains(self) -> Sequence[str]:
        return ()  # what is deleted is gone


def test_a_new_place_keeps_the_pictures_of_a_gallery(tmp_path: Path) -> None:
    places.add("shelf", f"{__name__}:Shelf")
    place = open_pictures(tmp_path, PlaceOptions("shelf://first"))
    options = Options(place=place)
    with closing(open_store(tmp_path, model="m", dims=2, options=options)) as store:
        with store.pictures.batch() as save:
            name = save(b"a picture")
            assert store.pictures.read(name) == b"a picture"
            assert place.share(name, PictureFolder(tmp_path / "other"))
        assert list(SHELVES["shelf://first"]) == []  # no face shows it
    assert not (tmp_path / "uploadImages").exists()
