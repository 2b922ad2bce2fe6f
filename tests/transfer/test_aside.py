"""A purge finds what repair and restore have set aside."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from faceserver.errors import AlreadyExists, NotFound
from faceserver.store.sqlite.leftovers import is_restore_cut_off, restoring_folder, undo_unfinished
from faceserver.store.sqlite.store import DurableStore
from faceserver.transfer.backup import back_up, restore
from faceserver.transfer.check import check_folder
from tests.store.samples import DIMS, MODEL, new_face, people
from tests.transfer.galleries import content, jpeg, opened, picture_files

SECRET = b"secret"


def everything(folder: Path) -> bytes:
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return b"".join(str(path).encode() + path.read_bytes() for path in files)


def add(store: DurableStore, name: str, source: str, seed: int) -> None:
    """Two faces of one picture; a third whose picture is to be damaged."""
    part = store.collection(name)
    with store.pictures.batch() as save:
        one, other = save(jpeg(seed)), save(jpeg(seed + 1))
        vectors = people(3, seed=seed)
        part.add([new_face(vector, source, picture=one) for vector in vectors[:2]])
        part.add([new_face(vectors[2], source, picture=other)])


@pytest.fixture
def gallery(tmp_path: Path) -> Path:
    """Two collections; of each, a row and a picture were damaged and set aside."""
    folder = tmp_path / "gallery"
    with closing(opened(folder)) as store:
        store.create("other", model=MODEL, dims=DIMS)
        add(store, "other", "secret", 10)
        add(store, "default", "open", 20)
    back_up(folder, tmp_path / "before.zip")
    damage(folder)
    assert len(check_folder(folder, repair=True)) == 4
    return folder


def damage(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "faces.sqlite")) as connection:
        for collection in (1, 2):
            rows = connection.execute(
                "SELECT id, picture FROM faces WHERE collection = ? ORDER BY id", (collection,)
            ).fetchall()
            connection.execute("UPDATE faces SET box = '[]' WHERE id = ?", rows[0][:1])
            picture = folder / "uploadImages" / rows[2][1]
            picture.write_bytes(b"secret damage" if collection == 2 else b"open damage")
        connection.commit()


@pytest.fixture
def restored(gallery: Path, tmp_path: Path) -> Path:
    """The same, restored, so that it lies inside itself as it was before."""
    assert restore(tmp_path / "before.zip", gallery, force=True)
    damage(gallery)
    check_folder(gallery, repair=True)
    return gallery


def aside(folder: Path) -> Iterator[str]:
    return (path.name for path in folder.iterdir() if path.name.startswith(("damaged", "before")))


def test_a_collection_goes_from_what_repair_has_set_aside(gallery: Path) -> None:
    with closing(opened(gallery)) as store:
        before = everything(gallery)
        assert before.count(b"secret damage") == before.count(b"open damage") == 1
        receipt = store.purge("other")
        assert (receipt.aside, receipt.unknown) == (("damaged/2",), ())
        left = everything(gallery)
    assert SECRET not in left
    assert b"open damage" in left
    assert (gallery / "damaged" / "1" / "faces.jsonl").exists()


def test_a_collection_goes_from_the_gallery_that_restore_has_set_aside(restored: Path) -> None:
    (old,) = restored.glob("before-restore-*")
    assert (old / "damaged" / "2" / "faces.jsonl").exists()
    with closing(opened(restored)) as store:
        receipt = store.purge("other")
        assert receipt.aside == ("damaged/2", old.name)
        assert SECRET not in everything(restored)
        assert store.purge("default").aside[-1] == old.name
        assert b"open" not in everything(old / "damaged")
    with closing(opened(old)) as kept:
        assert kept.collections() == ["default"]
        assert kept.status().faces == 0
    assert picture_files(old) == {}


def test_other_collections_of_a_gallery_set_aside_stay(restored: Path) -> None:
    (old,) = restored.glob("before-restore-*")
    with closing(opened(old)) as kept:
        before = content(kept)["default"]
    with closing(opened(restored)) as store:
        store.create("third", model=MODEL, dims=DIMS)
        assert store.purge("third").aside == ()
        store.purge("other")
    with closing(opened(old)) as kept:
        assert content(kept)["default"] == before
        assert len(picture_files(old)) == 1


def test_a_purge_of_all_takes_all_that_was_set_aside(restored: Path) -> None:
    (old,) = restored.glob("before-restore-*")
    with closing(opened(restored)) as store:
        assert store.purge().aside == ("damaged", old.name)
        assert list(aside(restored)) == []
        assert store.purge().aside == ()
    left = everything(restored)
    assert SECRET not in left
    assert b"open damage" not in left


def test_a_gallery_that_cannot_be_opened_is_told(restored: Path) -> None:
    (old,) = restored.glob("before-restore-*")
    (old / "faces.sqlite").write_bytes(b"no database at all, " * 1000)
    (restored / "before-restore-cut-off").mkdir()
    with closing(opened(restored)) as store:
        receipt = store.purge("other")
        assert (receipt.aside, receipt.unknown) == (("damaged/2",), (old.name,))
        assert old.name in store.purge().aside
    assert list(aside(restored)) == []


def test_pictures_that_no_face_is_in_go_with_a_purge(tmp_path: Path) -> None:
    with closing(opened(tmp_path)) as store:
        add(store, "default", "open", 1)
        store.create("other", model=MODEL, dims=DIMS)
        orphan = store.pictures.save(b"left by a crash")  # before its face was stored
        assert store.purge("other").pictures == 1
        assert orphan not in picture_files(tmp_path)
        with store.pictures.batch() as save:
            on_its_way = save(b"of a face that is just being stored")
            assert store.purge().pictures == 2
            assert set(picture_files(tmp_path)) == {on_its_way}


def test_a_restore_that_was_killed_leaves_nothing_after_the_next_start(tmp_path: Path) -> None:
    opened(tmp_path).close()
    with restoring_folder(tmp_path) as work:
        kept = tmp_path / "kept"
        (work / "uploadImages").mkdir()
        work.rename(kept)
    kept.rename(work)  # as it is when nobody was there to clean up
    opened(tmp_path).close()
    assert not work.exists()
    undo_unfinished(tmp_path)


KILLED = """
import os, signal, sys
from pathlib import Path
from faceserver.transfer.backup import restore

left = int(sys.argv[3])
plain = Path.replace

def replace(self, target):
    global left
    left -= 1
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)
    return plain(self, target)

Path.replace = replace
restore(Path(sys.argv[1]), Path(sys.argv[2]), force=True)
"""


def test_a_restore_that_is_killed_while_it_moves_brings_the_old_gallery_back(
    gallery: Path, tmp_path: Path
) -> None:
    with closing(opened(gallery)) as store:
        before, pictures = content(store), picture_files(gallery)
    for move in range(1, 10):
        arguments = [tmp_path / "before.zip", gallery, move]
        killed = subprocess.run(
            [sys.executable, "-c", KILLED, *map(str, arguments)], check=False
        ).returncode
        if not killed:
            break
        assert is_restore_cut_off(gallery)
        if not (gallery / "faces.sqlite").exists():
            with pytest.raises(NotFound, match="interrupted"):
                back_up(gallery, tmp_path / "never.zip")
        with closing(opened(gallery)) as store:
            assert content(store) == before
        assert picture_files(gallery) == pictures
        assert not list(gallery.glob("*restore*"))
        assert (gallery / "damaged" / "2").is_dir()
    assert move > 4, "it was never killed while it moved"
    with closing(opened(gallery)) as store:
        assert content(store) != before


def test_a_restore_begins_by_making_up_for_one_that_was_killed(
    gallery: Path, tmp_path: Path
) -> None:
    arguments = [tmp_path / "before.zip", gallery, 4]
    killed = subprocess.run([sys.executable, "-c", KILLED, *map(str, arguments)], check=False)
    assert killed.returncode
    with pytest.raises(AlreadyExists):
        restore(tmp_path / "before.zip", gallery)
    assert restore(tmp_path / "before.zip", gallery, force=True).faces == 6
    assert len(list(gallery.glob("*restore*"))) == 1
