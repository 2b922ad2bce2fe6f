"""What every place for pictures keeps to, and the store of pictures in front of each."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

import pytest

from faceserver.errors import NotFound
from faceserver.store.pictures import (
    PictureFolder,
    Pictures,
    PictureStore,
    open_pictures,
    thumbnail_name,
)
from faceserver.store.results import Link
from tests.support.pictures_in_memory import PicturesInMemory
from tests.support.s3_server import S3Server

JPEG = b"\xff\xd8 a picture \xff\xd9"
NAME = sha256(JPEG).hexdigest() + ".jpg"
THUMBNAIL = thumbnail_name("a" * 32)
NO_NAMES = [
    "",
    ".",
    "..",
    "/etc/passwd",
    "../faces.sqlite",
    f"../uploadImages/{NAME}",
    f"./{NAME}",
    NAME.upper(),
    NAME.removesuffix(".jpg"),
    f"{NAME}\n",
    f"{NAME}\0",
    f"{NAME}/",
    NAME[1:],
    "0" * 64 + ".jpg",
    "\u0660" * 64 + ".jpg",
    "0" * 32 + ".tmp",
    "0" * 31 + ".webp",
]


def a_folder(path: Path) -> Pictures:
    folder = PictureFolder(path)
    folder.prepare()
    return folder


def a_bucket(path: Path, server: S3Server) -> Pictures:
    bucket = open_pictures(path, server.options(f"{path.name}/{uuid4().hex}"))
    bucket.prepare()
    return bucket


PLACES: dict[str, Callable[[Path], Pictures]] = {
    "folder": a_folder,
    "memory": lambda _: PicturesInMemory(),
}


@pytest.fixture(params=[*PLACES, "s3"])
def pictures(request: pytest.FixtureRequest, tmp_path: Path) -> Pictures:
    if request.param in PLACES:
        return PLACES[request.param](tmp_path)
    return a_bucket(tmp_path, request.getfixturevalue("s3"))


def read(pictures: Pictures, name: str) -> bytes:
    with pictures.open(name) as stream:
        return stream.read()


def test_what_is_saved_is_read_again_by_the_name_of_its_content(pictures: Pictures) -> None:
    assert list(pictures.names()) == []
    assert pictures.save(JPEG) == NAME
    assert read(pictures, NAME) == JPEG
    assert list(pictures.names()) == [NAME]
    assert NAME in pictures.place(NAME)


def test_the_same_picture_is_kept_once(pictures: Pictures) -> None:
    other = pictures.save(b"another")
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(pictures.save, [JPEG] * 40)) == {NAME}
    assert sorted(pictures.names()) == sorted([NAME, other])


def test_a_stream_can_be_sought_in_and_outlives_its_picture(pictures: Pictures) -> None:
    pictures.save(JPEG)
    with pictures.open(NAME) as stream:
        assert stream.seek(0, 2) == len(JPEG)
        assert pictures.delete([NAME]) == 1
        assert stream.seek(3) == 3
        assert stream.read(1) + stream.read() == JPEG[3:]


def test_what_is_deleted_is_gone_and_comes_back_when_it_is_saved(pictures: Pictures) -> None:
    others = [pictures.save(bytes([number])) for number in range(5)]
    pictures.save(JPEG)
    assert pictures.delete([]) == 0
    assert pictures.delete(iter([NAME, "0" * 64 + ".jpg", NAME])) == 1
    with pytest.raises(NotFound, match="there is no picture"):
        pictures.open(NAME)
    assert sorted(pictures.names()) == sorted(others)
    pictures.save(JPEG)
    assert read(pictures, NAME) == JPEG


@pytest.mark.parametrize("name", NO_NAMES)
def test_any_other_name_is_not_found(pictures: Pictures, tmp_path: Path, name: str) -> None:
    (tmp_path / "uploadImages").mkdir(exist_ok=True)
    (tmp_path / "uploadImages" / ("0" * 32 + ".tmp")).touch()
    (tmp_path / "faces.sqlite").touch()
    pictures.save(JPEG)
    with pytest.raises(NotFound):
        pictures.open(name)
    with pytest.raises(NotFound):
        pictures.place(name)
    assert pictures.delete([name]) == 0
    assert (tmp_path / "faces.sqlite").exists()
    assert list(pictures.names()) == [NAME]


def test_a_thumbnail_has_the_name_that_it_is_given(pictures: Pictures) -> None:
    pictures.put(THUMBNAIL, b"RIFF one")
    pictures.put(THUMBNAIL, b"RIFF two")
    pictures.save(JPEG)
    assert read(pictures, THUMBNAIL) == b"RIFF two"
    assert sorted(pictures.names()) == sorted([NAME, THUMBNAIL])
    assert pictures.strays() == []
    assert pictures.delete([THUMBNAIL, THUMBNAIL.replace("a", "b")]) == 1
    with pytest.raises(NotFound):
        pictures.open(THUMBNAIL)


def test_thumbnails_are_discarded_and_not_counted(pictures: Pictures) -> None:
    store = PictureStore(pictures, in_use=lambda _: False)
    store.put(THUMBNAIL, b"RIFF")
    store.save(JPEG)
    assert store.discard(store.names()) == 1
    assert list(store.names()) == []


def test_a_folder_is_given_the_same_picture(pictures: Pictures, tmp_path: Path) -> None:
    other = PictureFolder(tmp_path / "other")
    other.prepare()
    pictures.save(JPEG)
    assert pictures.share(NAME, other)
    assert not pictures.share("0" * 64 + ".jpg", other)
    assert pictures.delete([NAME]) == 1
    assert read(other, NAME) == JPEG


def test_a_client_gets_a_stream_unless_there_is_a_link(pictures: Pictures) -> None:
    pictures.save(JPEG)
    stream = PictureStore(pictures).link_or_stream(NAME)
    assert not isinstance(stream, Link)
    with stream:
        assert stream.read() == JPEG


def test_nothing_strange_lies_there(pictures: Pictures) -> None:
    pictures.save(JPEG)
    assert pictures.strays() == []


def test_a_store_keeps_what_is_shown_and_what_is_on_its_way(pictures: Pictures) -> None:
    shown: set[str] = set()
    store = PictureStore(pictures, in_use=shown.__contains__)
    with store.batch() as save:
        lost, kept = save(b"lost"), save(JPEG)
        assert (store.is_pinned(kept), store.discard([lost, kept])) == (True, 0)
        shown.add(kept)
    assert not store.is_pinned(kept)
    assert list(store.names()) == [kept]
    assert store.read(kept) == JPEG
    shown.clear()
    assert store.discard(store.names()) == 1


def test_a_batch_that_fails_leaves_nothing(pictures: Pictures) -> None:
    store = PictureStore(pictures, in_use=lambda _: False)

    def fail() -> None:
        with store.batch() as save:
            save(JPEG)
            raise NotFound

    with pytest.raises(NotFound):
        fail()
    assert list(store.names()) == []


def test_hundreds_are_discarded_at_once(pictures: Pictures) -> None:
    store = PictureStore(pictures, in_use=lambda name: name == NAME)
    for number in range(200):
        store.save(str(number).encode())
    store.save(JPEG)
    assert store.discard(store.names()) == 200
    assert list(store.names()) == [NAME]
