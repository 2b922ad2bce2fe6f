"""A data folder, an archive and a backup of the version before are taken over without loss."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from faceserver.store.sqlite.migrations import MIGRATIONS
from faceserver.transfer.archive import ArchiveReader
from faceserver.transfer.backup import restore
from faceserver.transfer.check import check_folder
from faceserver.transfer.exporting import export_archive
from faceserver.transfer.importing import import_archive
from tests.earlier import Earlier, unpacked
from tests.transfer.galleries import content, jpeg, opened, picture_files

PICTURES = {jpeg(0), jpeg(1), jpeg(2), jpeg(99)}


@pytest.fixture
def earlier(tmp_path: Path) -> Earlier:
    return unpacked("schema-4", tmp_path / "earlier")


def test_a_data_folder_is_taken_over(earlier: Earlier) -> None:
    before = picture_files(earlier.gallery)
    assert version_of(earlier.gallery) == 4
    assert held(earlier.gallery) == earlier.content
    assert version_of(earlier.gallery) == len(MIGRATIONS)
    assert held(earlier.gallery) == earlier.content, "opening it again changes nothing"
    assert picture_files(earlier.gallery) == before
    assert set(before.values()) == PICTURES
    assert check_folder(earlier.gallery) == []


def test_numbers_keep_all_their_digits(earlier: Earlier) -> None:
    with closing(opened(earlier.gallery)) as store:
        told = [face.attributes for face in store.collection().faces(limit=99).items]
    assert told == [{"quality": n / 7} if n % 2 else {} for n in range(12)]


def test_a_quality_that_was_no_number_is_left_behind(earlier: Earlier) -> None:
    with closing(sqlite3.connect(earlier.gallery / "faces.sqlite")) as connection, connection:
        connection.execute("UPDATE faces SET quality = 9e999 WHERE id = 2")
        connection.execute("UPDATE faces SET quality = 1e-300 WHERE id = 4")
    with closing(opened(earlier.gallery)) as store:
        _, two, _, four, *_ = store.collection().faces(limit=99).items
    assert (two.attributes, four.attributes) == ({}, {"quality": 1e-300})


def test_an_archive_of_format_1_is_taken_in_and_goes_out_as_format_4(
    earlier: Earlier, tmp_path: Path
) -> None:
    assert take_in(earlier.archive, tmp_path / "new") == (2, 13)
    assert held(tmp_path / "new") == earlier.content
    assert set(picture_files(tmp_path / "new").values()) == PICTURES
    with closing(opened(tmp_path / "new")) as store:
        export_archive(store, store.pictures, tmp_path / "new.zip", contracts={})
    with ArchiveReader(tmp_path / "new.zip") as archive:
        assert archive.manifest.format == 4
    assert take_in(tmp_path / "new.zip", tmp_path / "newest") == (2, 13)
    assert held(tmp_path / "newest") == earlier.content


def test_an_archive_of_its_own_folder_brings_nothing_new(earlier: Earlier) -> None:
    assert take_in(earlier.archive, earlier.gallery) == (0, 0)
    assert held(earlier.gallery) == earlier.content


def test_a_backup_is_restored(earlier: Earlier, tmp_path: Path) -> None:
    assert restore(earlier.backup, tmp_path / "new").faces == 13
    assert held(tmp_path / "new") == earlier.content
    assert check_folder(tmp_path / "new") == []


@pytest.mark.parametrize("statement", range(10))
def test_a_process_that_dies_on_the_way_leaves_the_folder_as_a_step_made_it(
    earlier: Earlier, statement: int
) -> None:
    """It is killed before each statement of the two steps, from BEGIN to COMMIT."""
    run = subprocess.run(
        [sys.executable, "-c", DYING, str(earlier.gallery / "faces.sqlite"), str(statement)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        check=False,
    )
    assert run.returncode == -signal.SIGKILL
    assert version_of(earlier.gallery) == (4 if statement < 5 else 5)
    assert held(earlier.gallery) == earlier.content
    assert check_folder(earlier.gallery) == []


DYING = """
import os, signal, sys
from pathlib import Path
from faceserver.runtime import database
from faceserver.store.sqlite.database import gallery_database

connect = database._connect
left = int(sys.argv[2])
STEPS = ("BEGIN", "CREATE TABLE", "INSERT", "ALTER", "UPDATE", "PRAGMA user_version =", "COMMIT")

def watch(statement):
    global left
    if statement.strip(" ;\\n").startswith(STEPS):
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)

def watched(path):
    connection = connect(path)
    connection.set_trace_callback(watch)
    return connection

database._connect = watched
gallery_database(Path(sys.argv[1]))
"""


def take_in(archive: Path, folder: Path) -> tuple[int, int]:
    """How many people and faces came in."""
    with closing(opened(folder)) as store, ArchiveReader(archive) as reader:
        done = import_archive(reader, store, store.pictures, contracts={})
    return done.subjects, done.faces


def held(folder: Path) -> dict[str, Any]:
    """All that a data folder holds, its lines as values."""
    with closing(opened(folder)) as store:
        held: dict[str, Any] = content(store)
    return {
        name: [model, dims, people, [[json.loads(line), *more] for line, *more in faces]]
        for name, (model, dims, people, faces) in held.items()
    }


def version_of(folder: Path) -> int:
    with closing(sqlite3.connect(folder / "faces.sqlite")) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])
