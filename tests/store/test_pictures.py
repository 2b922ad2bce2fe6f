"""The stored pictures: named after their content, whole or not there."""

import errno
import os
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

import pytest

from faceserver.errors import NotFound, StoreError, StoreFull
from faceserver.store.pictures import PictureStore

JPEG = b"\xff\xd8 a picture \xff\xd9"
NAME = sha256(JPEG).hexdigest() + ".jpg"


def names(data: Path) -> list[str]:
    return sorted(path.name for path in (data / "uploadImages").iterdir())


def test_a_picture_is_named_after_its_content(tmp_path: Path) -> None:
    pictures = PictureStore(tmp_path / "data")
    assert pictures.save(JPEG) == NAME
    assert pictures.path(NAME) == tmp_path / "data" / "uploadImages" / NAME
    assert pictures.path(NAME).read_bytes() == JPEG


def test_the_same_picture_is_kept_once(tmp_path: Path) -> None:
    pictures = PictureStore(tmp_path)
    other = pictures.save(b"another")
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(pictures.save, [JPEG] * 40)) == {NAME}
    assert names(tmp_path) == sorted([NAME, other])


def test_a_damaged_picture_is_mended_when_it_comes_again(tmp_path: Path) -> None:
    pictures = PictureStore(tmp_path)
    pictures.save(JPEG)
    pictures.path(NAME).write_bytes(JPEG[:3])
    pictures.save(JPEG)
    assert pictures.path(NAME).read_bytes() == JPEG


@pytest.mark.parametrize(
    "name",
    [
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
        "0" * 32 + ".tmp",
    ],
)
def test_any_other_name_is_not_found(tmp_path: Path, name: str) -> None:
    pictures = PictureStore(tmp_path)
    pictures.save(JPEG)
    (tmp_path / "uploadImages" / ("0" * 32 + ".tmp")).touch()
    with pytest.raises(NotFound):
        pictures.path(name)


@pytest.mark.parametrize(
    ("code", "error"),
    [(errno.ENOSPC, StoreFull), (errno.EDQUOT, StoreFull), (errno.EIO, StoreError)],
)
def test_a_full_disk_leaves_nothing_and_the_next_call_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, error: type[StoreError]
) -> None:
    def fail(descriptor: int) -> None:
        raise OSError(code, os.strerror(code))

    pictures = PictureStore(tmp_path)
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(error, match=os.strerror(code)) as raised:
        pictures.save(JPEG)
    assert type(raised.value) is error
    assert names(tmp_path) == []
    monkeypatch.undo()
    assert pictures.save(JPEG) == NAME
    assert names(tmp_path) == [NAME]


def test_what_a_crash_left_half_written_goes(tmp_path: Path) -> None:
    PictureStore(tmp_path).save(JPEG)
    (tmp_path / "uploadImages" / "0123.tmp").write_bytes(JPEG[:3])
    PictureStore(tmp_path)
    assert names(tmp_path) == [NAME]


def test_file_and_name_are_on_the_disk_on_return(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures = PictureStore(tmp_path)
    synced: list[str] = []
    fsync = os.fsync

    def record(descriptor: int) -> None:
        synced.append(Path(f"/proc/self/fd/{descriptor}").readlink().suffix)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", record)
    pictures.save(JPEG)
    assert synced == [".tmp", ""]  # the file, then the folder
