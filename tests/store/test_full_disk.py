"""A disk that is really full: a small one of its own, which only root can mount.

Elsewhere the stand-ins in test_durable.py and test_pictures.py have to do.
"""

import errno
import os
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from faceserver.errors import StoreFull
from faceserver.store import open_store
from faceserver.store.sqlite.store import DurableStore
from faceserver.transfer.backup import back_up, restore
from faceserver.transfer.exporting import export_archive
from faceserver.types import Face
from tests.store.samples import DIMS, MODEL, new_face, people


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """An empty disk of 4 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "none", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("nobody but root can mount a small disk")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def fill_up(disk: Path) -> Path:
    """Write a file until there is no space for another byte."""
    ballast = disk / "ballast"
    with ballast.open("ab", buffering=0) as file:
        for size in (1 << 16, 1 << 12, 1):
            try:
                while file.write(bytes(size)) == size:
                    pass
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
    return ballast


def opened(folder: Path) -> DurableStore:
    return open_store(folder, model=MODEL, dims=DIMS)


def register(store: DurableStore, seed: int, count: int = 40) -> list[Face]:
    with store.pictures.batch() as save:
        picture = save(seed.to_bytes(2) * 5000)
        faces = [new_face(vector, picture=picture) for vector in people(count, seed=seed)]
        return store.collection().add(faces)


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def assert_holds(store: DurableStore, faces: list[Face]) -> None:
    collection = store.collection()
    assert [face.id for face in collection.faces(limit=9999).items] == [face.id for face in faces]
    assert set(store.pictures.names()) == {face.picture for face in faces}
    for face in faces:
        (match,) = collection.search(face.embedding, k=1, max_distance=1e-6)
        assert match.face.id == face.id


def test_a_request_fails_cleanly_and_the_next_one_works(disk: Path) -> None:
    with closing(opened(disk / "data")) as store:
        faces = register(store, 1)
        ballast = fill_up(disk)
        before = files(disk)
        for attempt in range(3):
            with pytest.raises(StoreFull):
                register(store, 2 + attempt)
            with pytest.raises(StoreFull):
                store.collection().add([new_face(people(1)[0], "x" * 100_000)])
        assert files(disk) == before
        assert_holds(store, faces)
        ballast.unlink()
        faces += register(store, 2)
        assert_holds(store, faces)
    with closing(opened(disk / "data")) as store:
        assert_holds(store, faces)


def test_a_disk_that_fills_up_while_it_is_written_to_loses_nothing(disk: Path) -> None:
    faces: list[Face] = []
    with closing(opened(disk / "data")) as store:
        for seed in range(1000):
            try:
                faces += register(store, seed)
            except StoreFull:
                break
        else:
            pytest.fail("it was never full")
        assert_holds(store, faces)
    with closing(opened(disk / "data")) as store:
        assert_holds(store, faces)


def test_exports_and_backups_that_find_no_space_leave_nothing(tmp_path: Path, disk: Path) -> None:
    with closing(opened(tmp_path / "data")) as store:
        for seed in range(20):
            register(store, seed, 5)
        back_up(tmp_path / "data", tmp_path / "backup.zip")
        ballast = fill_up(disk)
        with ballast.open("r+b") as file:
            file.truncate(ballast.stat().st_size - 60_000)  # it begins, and cannot end
        before = files(disk)
        with pytest.raises(StoreFull):
            export_archive(store, store.pictures, disk / "export.zip", contracts={})
        with pytest.raises(StoreFull):
            back_up(tmp_path / "data", disk / "backup.zip")
        with pytest.raises(StoreFull):
            restore(tmp_path / "backup.zip", disk / "restored")
        assert files(disk) - {"restored/lock"} == before
        assert not list(disk.glob("faceserver-*"))
        ballast.unlink()
        export_archive(store, store.pictures, disk / "export.zip", contracts={})
