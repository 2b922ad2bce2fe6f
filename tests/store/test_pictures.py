"""The folder of pictures: whole or not there. What any place keeps to: test_pictures_contract."""

import errno
import os
from hashlib import sha256
from pathlib import Path

import pytest

from faceserver.errors import StoreError, StoreFull
from tests.store.test_pictures_contract import a_folder, read

JPEG = b"\xff\xd8 a picture \xff\xd9"
NAME = sha256(JPEG).hexdigest() + ".jpg"


def names(data: Path) -> list[str]:
    return sorted(path.name for path in (data / "uploadImages").iterdir())


def test_a_damaged_picture_is_mended_when_it_comes_again(tmp_path: Path) -> None:
    pictures = a_folder(tmp_path)
    pictures.save(JPEG)
    Path(pictures.place(NAME)).write_bytes(JPEG[:3])
    pictures.save(JPEG)
    assert read(pictures, NAME) == JPEG


@pytest.mark.parametrize(
    ("code", "error"),
    [(errno.ENOSPC, StoreFull), (errno.EDQUOT, StoreFull), (errno.EIO, StoreError)],
)
def test_a_full_disk_leaves_nothing_and_the_next_call_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, error: type[StoreError]
) -> None:
    def fail(descriptor: int) -> None:
        raise OSError(code, os.strerror(code))

    pictures = a_folder(tmp_path)
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(error, match=os.strerror(code)) as raised:
        pictures.save(JPEG)
    assert type(raised.value) is error
    assert names(tmp_path) == []
    monkeypatch.undo()
    assert pictures.save(JPEG) == NAME
    assert names(tmp_path) == [NAME]


def test_what_a_crash_left_half_written_goes(tmp_path: Path) -> None:
    a_folder(tmp_path).save(JPEG)
    (tmp_path / "uploadImages" / "0123.tmp").write_bytes(JPEG[:3])
    a_folder(tmp_path)
    assert names(tmp_path) == [NAME]


def test_file_and_name_are_on_the_disk_on_return(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures = a_folder(tmp_path)
    synced: list[str] = []
    fsync = os.fsync

    def record(descriptor: int) -> None:
        synced.append(Path(f"/proc/self/fd/{descriptor}").readlink().suffix)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", record)
    pictures.save(JPEG)
    assert synced == [".tmp", ""]  # the file, then the folder
