"""A disk that is really full: a small one of its own, which only root can mount.

Elsewhere the stand-ins in test_durable.py and test_pictures.py have to do.
"""

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
from tests.support.small_disk import disk, fill_up

__all__ = ["disk"]


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
