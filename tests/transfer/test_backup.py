import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from threading import Event, Thread
from zipfile import ZIP_STORED, ZipFile

import pytest

from faceserver.errors import (
    AlreadyExists,
    InvalidArchive,
    NotFound,
    StoreCorrupt,
    StoreError,
    StoreFull,
    StoreLocked,
    StoreTooNew,
)
from faceserver.store.sqlite import maintenance
from faceserver.store.sqlite.maintenance import Progress, count_faces, pictures_named, snapshot
from faceserver.transfer import backup
from faceserver.transfer.backup import back_up, restore
from faceserver.transfer.exporting import export_archive
from tests.store.samples import new_face, people
from tests.transfer.galleries import Stages, content, fill, jpeg, opened, picture_files


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A backup of a gallery that is open meanwhile."""
    with closing(opened(tmp_path / "source")) as store:
        fill(store, store.pictures)
        done = back_up(tmp_path / "source", tmp_path / "backup.zip")
        assert (done.faces, done.pictures, done.missing) == (13, 4, ())
    return tmp_path / "backup.zip"


def test_a_backup_of_an_open_gallery_comes_back_as_it_was(made: Path, tmp_path: Path) -> None:
    assert {path.name for path in tmp_path.iterdir()} == {"source", "backup.zip"}
    done = restore(made, tmp_path / "target")
    assert (done.faces, done.pictures, done.aside) == (13, 4, None)
    with closing(opened(tmp_path / "target")) as target, closing(opened(tmp_path / "source")) as s:
        assert content(target) == content(s)
    assert picture_files(tmp_path / "target") == picture_files(tmp_path / "source")


def test_progress_is_told_to_the_last_byte(made: Path, tmp_path: Path) -> None:
    stages = Stages()
    back_up(tmp_path / "source", tmp_path / "again.zip", begin=stages.begin)
    restore(made, tmp_path / "target", begin=stages.begin)
    assert list(stages.totals) == ["Faces", "Writing", "Unpacking"]
    written = sum(map(len, picture_files(tmp_path / "source").values()))
    assert stages.totals["Writing"] == stages.totals["Faces"] + written
    assert stages.totals["Unpacking"] == stages.totals["Writing"]
    assert stages.done == stages.totals


def test_a_snapshot_is_of_one_moment_and_does_not_begin_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maintenance, "_STEP", 1)
    told: list[tuple[int, int]] = []
    with closing(opened(tmp_path / "source")) as store:
        fill(store, store.pictures)

        def meanwhile(done: int, total: int) -> None:
            told.append((done, total))
            assert len(told) < 1000, "it begins anew each time"
            store.collection().add([new_face(people(1)[0])])

        snapshot(tmp_path / "source" / "faces.sqlite", tmp_path / "copy.sqlite", meanwhile)
        assert store.status().faces == 13 + len(told)
    assert count_faces(tmp_path / "copy.sqlite") == 13
    assert told == [(told[0][0] * step, told[-1][1]) for step in range(1, len(told) + 1)]
    assert told[-1][0] == told[-1][1] == (tmp_path / "copy.sqlite").stat().st_size


def test_an_export_is_no_backup(tmp_path: Path) -> None:
    with closing(opened(tmp_path / "source")) as store:
        export_archive(store, store.pictures, tmp_path / "e.zip", contracts={})
    with pytest.raises(InvalidArchive, match="faceserver import"):
        restore(tmp_path / "e.zip", tmp_path / "target")
    assert not (tmp_path / "target").exists()


def test_every_picture_of_a_backup_is_there_while_faces_come_and_go(tmp_path: Path) -> None:
    stop = Event()
    with closing(opened(tmp_path / "source")) as store:
        fill(store, store.pictures)

        def come_and_go() -> None:
            vectors = people(50)
            number = 0
            while not stop.is_set():
                number += 1
                with store.pictures.batch() as save:
                    face = new_face(vectors[number % 50], picture=save(jpeg(1000 + number)))
                    (stored,) = store.collection().add([face])
                store.collection().delete([stored.id])

        writer = Thread(target=come_and_go)
        writer.start()
        try:
            for number in range(8):
                back_up(tmp_path / "source", tmp_path / f"{number}.zip")
        finally:
            stop.set()
            writer.join()
    for number in range(8):
        restore(tmp_path / f"{number}.zip", tmp_path / f"target-{number}")
        with closing(opened(tmp_path / f"target-{number}")) as target:
            assert target.status().faces in (13, 14)
        named = pictures_named(tmp_path / f"target-{number}" / "faces.sqlite")
        assert sorted(picture_files(tmp_path / f"target-{number}")) == named


def test_a_picture_that_goes_meanwhile_makes_a_new_snapshot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(opened(tmp_path / "source")) as store:
        fill(store, store.pictures)
        taken: list[Path] = []

        def then_delete(source: Path, target: Path, progress: Progress) -> None:
            snapshot(source, target, progress)
            if not taken:
                store.purge("holiday-1")
            taken.append(target)

        monkeypatch.setattr(backup, "snapshot", then_delete)
        done = back_up(tmp_path / "source", tmp_path / "b.zip")
    assert (done.pictures, done.missing, len(taken)) == (3, (), 2)
    restore(tmp_path / "b.zip", tmp_path / "target")
    with closing(opened(tmp_path / "target")) as target:
        assert target.collections() == ["default"]


def test_what_never_rests_cannot_be_backed_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(opened(tmp_path / "source")):
        rounds = iter(range(100))
        monkeypatch.setattr(backup, "pictures_named", lambda _: [f"{next(rounds)}.jpg"])
        with pytest.raises(StoreError, match="too fast"):
            back_up(tmp_path / "source", tmp_path / "b.zip")
    assert not (tmp_path / "b.zip").exists()


def test_a_lost_picture_is_told_and_does_not_stop_a_backup(tmp_path: Path) -> None:
    with closing(opened(tmp_path / "source")) as store:
        fill(store, store.pictures)
        lost = sorted(picture_files(tmp_path / "source"))[0]
        Path(store.pictures.place(lost)).unlink()
        done = back_up(tmp_path / "source", tmp_path / "b.zip")
    assert (done.pictures, done.missing) == (3, (lost,))
    restore(tmp_path / "b.zip", tmp_path / "target")
    assert len(picture_files(tmp_path / "target")) == 3


def test_pictures_on_another_device_are_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(source: Path, target: Path) -> None:
        raise OSError(18, "cross-device link")

    with closing(opened(tmp_path / "source")) as store:
        fill(store, store.pictures)
        lost = sorted(picture_files(tmp_path / "source"))[0]
        Path(store.pictures.place(lost)).unlink()
        monkeypatch.setattr(os, "link", no_links)
        assert back_up(tmp_path / "source", tmp_path / "b.zip").missing == (lost,)
    restore(tmp_path / "b.zip", tmp_path / "target")
    assert picture_files(tmp_path / "target") == picture_files(tmp_path / "source")


def test_a_backup_overwrites_nothing_and_needs_a_gallery(made: Path, tmp_path: Path) -> None:
    with pytest.raises(AlreadyExists):
        back_up(tmp_path / "source", made)
    with pytest.raises(NotFound, match="holds no gallery"):
        back_up(tmp_path / "nowhere", tmp_path / "other.zip")


def test_a_gallery_is_replaced_by_force_alone_and_kept(made: Path, tmp_path: Path) -> None:
    with closing(opened(tmp_path / "target")) as target:
        target.collection().add_subject("Carl")
        before = content(target)
    with pytest.raises(AlreadyExists, match="--force"):
        restore(made, tmp_path / "target")
    aside = restore(made, tmp_path / "target", force=True).aside
    assert aside
    with closing(opened(tmp_path / "target")) as target:
        assert target.status().faces == 13
    with closing(opened(aside)) as old:
        assert content(old) == before


def test_a_folder_in_use_is_not_restored_into(made: Path, tmp_path: Path) -> None:
    with closing(opened(tmp_path / "target")), pytest.raises(StoreLocked):
        restore(made, tmp_path / "target", force=True)


def changed(path: Path, change: Callable[[dict[str, bytes]], object]) -> Path:
    with ZipFile(path) as old:
        members = {name: old.read(name) for name in old.namelist()}
    change(members)
    with ZipFile(path, "w", ZIP_STORED) as new:
        for name, data in members.items():
            new.writestr(name, data)
    return path


def a_picture(members: dict[str, bytes]) -> str:
    return next(name for name in members if name.startswith("uploadImages/"))


def flipped(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda members: members.pop(a_picture(members)), "is missing"),
        (lambda members: members.update({a_picture(members): jpeg(5)}), "does not match its name"),
        (lambda members: members.update({"index/evil": b""}), "does not belong"),
        (lambda members: members.update({"../evil": b""}), "leads out"),
        (
            lambda members: members.pop("faceserver-backup.json"),
            "holds no 'faceserver-backup.json'",
        ),
        (lambda members: members.update({"faceserver-backup.json": b"{}"}), "not that of a backup"),
        (lambda members: members.pop("faces.sqlite"), "holds no 'faces.sqlite'"),
        (
            lambda members: members.update({"faces.sqlite": flipped(members["faces.sqlite"])}),
            "changed since it was written",
        ),
    ],
)
def test_a_changed_backup_is_refused_and_the_folder_stays(
    made: Path, tmp_path: Path, change: Callable[[dict[str, bytes]], object], message: str
) -> None:
    with closing(opened(tmp_path / "target")) as target:
        before = content(target)
    with pytest.raises(InvalidArchive, match=message):
        restore(changed(made, change), tmp_path / "target", force=True)
    assert not list((tmp_path / "target").glob("faceserver-*"))
    with closing(opened(tmp_path / "target")) as target:
        assert content(target) == before


def test_a_backup_of_a_later_version_is_refused(made: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "source" / "faces.sqlite")) as connection:
        connection.execute("PRAGMA user_version = 99")
    back_up(tmp_path / "source", tmp_path / "newer.zip")
    with pytest.raises(StoreTooNew):
        restore(tmp_path / "newer.zip", tmp_path / "target")
    assert not (tmp_path / "target" / "faces.sqlite").exists()


def test_too_little_space_is_told_first(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = type("Usage", (), {"free": 10})
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)
    with pytest.raises(StoreFull):
        restore(made, tmp_path / "target")


def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "faces.sqlite").write_bytes(b"no database at all, " * 1000)
    with pytest.raises(StoreCorrupt):
        back_up(tmp_path, tmp_path / "b.zip")
    with closing(sqlite3.connect(tmp_path / "empty.sqlite")), pytest.raises(StoreError):
        pictures_named(tmp_path / "empty.sqlite")


def test_what_could_not_be_restored_is_not_backed_up(tmp_path: Path) -> None:
    with closing(opened(tmp_path / "source")) as store:
        fill(store, store.pictures)
    path = tmp_path / "source" / "faces.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        ((page,),) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'merges'")
        ((size,),) = connection.execute("PRAGMA page_size")
    with path.open("r+b") as file:  # a page that a backup has no other reason to read
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)
    with pytest.raises(StoreCorrupt, match=rf"^{path} is damaged \([^\n]*\)$"):
        back_up(tmp_path / "source", tmp_path / "b.zip")
    assert {entry.name for entry in tmp_path.iterdir()} == {"source"}


def test_a_gallery_of_the_first_schema_names_its_pictures(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "old.sqlite")) as connection:
        connection.execute("CREATE TABLE faces (picture TEXT)")
        connection.execute("INSERT INTO faces VALUES ('a.jpg'), ('a.jpg'), ('')")
        connection.commit()
    assert pictures_named(tmp_path / "old.sqlite") == ["a.jpg"]
