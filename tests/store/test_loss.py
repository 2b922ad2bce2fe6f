"""What the disk loses of what was committed is noticed and told; nothing else is taken for it."""

import logging
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from faceserver.layout import COMMITS
from faceserver.store import open_store
from faceserver.store.results import Loss
from faceserver.store.sqlite.commits import CommitFile, Committed
from faceserver.store.sqlite.store import DurableStore
from faceserver.transfer.backup import back_up, restore
from faceserver.transfer.check import check_folder
from tests.store.samples import DIMS, MODEL, new_face, people
from tests.store.test_crash import killed, writers

FACES = 30
KILLED = f"""
import os, signal
from pathlib import Path
from faceserver.layout import COMMITS
from faceserver.store import open_store
from tests.store.samples import DIMS, MODEL, new_face, people

collection = open_store(Path(os.environ["FOLDER"]), model=MODEL, dims=DIMS).collection()
for vector in people({FACES}):
    collection.add([new_face(vector, picture="")])
os.kill(os.getpid(), signal.SIGKILL)
"""


def opened(folder: Path) -> DurableStore:
    return open_store(folder, model=MODEL, dims=DIMS)


def add(store: DurableStore, count: int, seed: int = 0) -> None:
    for vector in people(count, seed=seed):
        store.collection().add([new_face(vector, picture="")])


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a killed process leaves: all faces are in the log."""
    folder = tmp_path_factory.mktemp("killed") / "data"
    process = subprocess.run(
        [sys.executable, "-c", KILLED], env={**os.environ, "FOLDER": str(folder)}, check=False
    )
    assert process.returncode == -9
    assert (folder / "faces.sqlite-wal").stat().st_size > 100_000
    return folder


@pytest.fixture
def folder(left: Path, tmp_path: Path) -> Path:
    shutil.copytree(left, tmp_path / "data")
    return tmp_path / "data"


def wal(folder: Path) -> Path:
    return folder / "faces.sqlite-wal"


def cut(path: Path, share: float) -> None:
    with path.open("r+b") as file:
        file.truncate(int(path.stat().st_size * share))


def test_a_killed_process_has_lost_nothing(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    with closing(opened(folder)) as store:
        assert store.status().faces == FACES
        assert not store.status().loss
    assert caplog.text == ""
    assert check_folder(folder) == []


@pytest.mark.parametrize("share", [0.95, 0.8, 0.57, 0.5, 0.4, 0.3])
def test_a_log_that_was_cut_is_noticed(
    folder: Path, share: float, caplog: pytest.LogCaptureFixture
) -> None:
    cut(wal(folder), share)
    with closing(opened(folder)) as store:
        status = store.status()
        gone = FACES - status.faces
        assert 0 < gone < FACES
        assert status.loss == Loss(changes=gone, faces=gone)
        add(store, 2 * FACES, seed=1)  # more than were there before
    assert f"the last {gone} committed" in caplog.text
    with closing(opened(folder)) as store:
        assert store.status().loss == Loss(changes=gone, faces=gone)


@pytest.mark.parametrize("how", ["removed", "emptied", "overwritten"])
def test_a_log_that_is_gone_is_noticed(folder: Path, how: str) -> None:
    if how == "removed":
        wal(folder).unlink()
    elif how == "emptied":
        cut(wal(folder), 0)
    else:
        with wal(folder).open("r+b") as file:
            file.seek(wal(folder).stat().st_size // 2)
            file.write(bytes(100_000))
    with closing(opened(folder)) as store:
        assert store.status().loss.faces == FACES - store.status().faces > 0


def test_a_file_that_is_empty_gone_or_older_is_noticed(folder: Path, tmp_path: Path) -> None:
    with closing(opened(folder)):
        pass
    older = tmp_path / "older.sqlite"
    shutil.copyfile(folder / "faces.sqlite", older)
    with closing(opened(folder)) as store:
        store.collection().delete([store.collection().faces(limit=1).items[0].id])
        add(store, 2, seed=2)
    for how, faces in (("removed", FACES + 2), ("emptied", FACES + 2), ("older", 2)):
        copy = tmp_path / how
        shutil.copytree(folder, copy)
        if how == "removed":
            (copy / "faces.sqlite").unlink()
        elif how == "emptied":
            cut(copy / "faces.sqlite", 0)
        else:
            shutil.copyfile(older, copy / "faces.sqlite")
        with closing(opened(copy)) as store:
            loss = store.status().loss
        assert loss.changes >= 3
        assert loss.faces == faces


def test_a_deletion_that_was_lost_is_noticed(folder: Path, tmp_path: Path) -> None:
    with closing(opened(folder)):
        pass
    shutil.copyfile(folder / "faces.sqlite", tmp_path / "before")
    with closing(opened(folder)) as store:
        store.collection().delete([store.collection().faces(limit=1).items[0].id])
    shutil.copyfile(tmp_path / "before", folder / "faces.sqlite")
    with closing(opened(folder)) as store:
        assert store.status().loss == Loss(changes=1, faces=0)


def test_check_tells_it_and_a_repair_takes_the_gallery_as_it_is(folder: Path) -> None:
    cut(wal(folder), 0.5)
    (finding,) = check_folder(folder)
    assert "committed changes are missing" in finding.what
    assert not finding.mended
    (finding,) = check_folder(folder, repair=True)
    assert "taken as it is" in finding.mended
    assert check_folder(folder) == []
    with closing(opened(folder)) as store:
        assert not store.status().loss


def test_twenty_kills_are_taken_for_no_loss(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rng, folder = random.Random(7), tmp_path / "data"
    with writers() as process:
        for _ in range(20):
            for _ in killed(process, folder, rng):
                pass
            folder.mkdir(exist_ok=True)
            copy = tmp_path / "copy"
            shutil.copytree(folder, copy)
            with closing(opened(copy)) as store:
                assert not store.status().loss
            shutil.rmtree(copy)
        assert process.stdin
        process.stdin.close()
    assert "missing" not in caplog.text


def test_a_process_killed_between_the_two_writes_is_taken_for_no_loss(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(opened(tmp_path)) as store:
        add(store, 3)
        monkeypatch.setattr(CommitFile, "note", lambda *_: None)
        add(store, 1)
        monkeypatch.undo()
    with closing(opened(tmp_path)) as store:
        assert not store.status().loss
        assert store.status().faces == 4


def test_purges_restores_and_older_folders_are_taken_for_no_loss(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with closing(opened(folder)) as store:
        add(store, 3)
    back_up(folder, tmp_path / "backup.zip")
    with closing(opened(folder)) as store:
        add(store, 5)
        store.collection().delete([face.id for face in store.collection().faces(limit=9).items])
        store.create("staff", model=MODEL, dims=DIMS)
        store.purge()
    with closing(opened(folder)) as store:
        assert not store.status().loss
    restore(tmp_path / "backup.zip", folder, force=True)
    with closing(opened(folder)) as store:
        assert (store.status().faces, bool(store.status().loss)) == (3, False)
    (folder / COMMITS).unlink()  # as before there was such a file
    with closing(opened(folder)) as store:
        assert not store.status().loss
        add(store, 1)
    (folder / "faces.sqlite").unlink()
    restore(tmp_path / "backup.zip", folder, force=True)
    with closing(opened(folder)) as store:
        assert (store.status().faces, bool(store.status().loss)) == (3, False)


@pytest.mark.parametrize("content", [b"", b"fscommit", b"x" * 44, b"x" * 100])
def test_a_damaged_count_begins_anew(tmp_path: Path, content: bytes) -> None:
    with closing(opened(tmp_path)) as store:
        add(store, 3)
    (tmp_path / COMMITS).write_bytes(content)
    with closing(opened(tmp_path)) as store:
        assert not store.status().loss
    assert CommitFile(tmp_path / COMMITS).compare(Committed(0, 0)).faces == 3


def test_a_count_that_cannot_be_written_hinders_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with closing(opened(tmp_path)) as store, caplog.at_level(logging.WARNING):
        with monkeypatch.context() as full:
            full.setattr(os, "pwrite", refuse)
            add(store, 3)
        assert caplog.text.count("cannot be written") == 1  # not at each commit
        add(store, 1)
    assert CommitFile(tmp_path / COMMITS).compare(Committed(0, 0)).faces == 4


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    with caplog.at_level(logging.WARNING):
        yield
