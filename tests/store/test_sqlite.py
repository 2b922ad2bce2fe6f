"""SQLite's file: damage and later versions are told, and nothing is written over."""

import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from faceserver.errors import AlreadyExists, StoreCorrupt, StoreError, StoreFull, StoreTooNew
from faceserver.runtime.database import Database
from faceserver.store import open_store
from faceserver.store.base import EVERYTHING
from faceserver.store.faces import accept
from faceserver.store.sqlite.collectiontable import CollectionTable
from faceserver.store.sqlite.facetable import FaceTable
from faceserver.store.sqlite.migrations import MIGRATIONS
from tests.store.samples import DIMS, MODEL, new_faces, people


def opened(path: Path) -> Database:
    return Database(path, MIGRATIONS)


def table(database: Database) -> FaceTable:
    """The faces of one collection, which is made where it is missing."""
    collections = CollectionTable(database)
    rows = collections.all() or [collections.insert("default", model=MODEL, dims=DIMS)]
    return FaceTable(database, collection=rows[0].id, dims=DIMS)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file with 200 faces, properly closed."""
    path = tmp_path / "faces.sqlite"
    with closing(opened(path)) as database:
        table(database).insert(accept(new_faces(people(200)), dims=DIMS))
    return path


def _overwrite(path: Path, start: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(start)
        file.write(data)


def _noise(path: Path) -> None:
    rng = np.random.default_rng(0)
    path.write_bytes(rng.bytes(path.stat().st_size))


def _pages(path: Path) -> None:
    _overwrite(path, 3 * 8192, b"\xff" * 2 * 8192)


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-8192])


@pytest.mark.parametrize("damage", [_noise, _pages, _cut])
@pytest.mark.parametrize("opening", ["database", "store"])
def test_a_damaged_file_is_told_and_left_as_it_is(path: Path, damage: object, opening: str) -> None:
    assert callable(damage)
    damage(path)
    before = path.read_bytes()
    with pytest.raises(StoreCorrupt, match=r"faces\.sqlite is damaged"):
        opened(path) if opening == "database" else open_store(path.parent, model=MODEL, dims=DIMS)
    assert path.read_bytes() == before


def test_a_damaged_file_with_unmerged_changes_is_left_as_it_is(path: Path, tmp_path: Path) -> None:
    database = opened(path)
    table(database).insert(accept(new_faces(people(5, seed=1)), dims=DIMS))
    crashed = tmp_path / "crashed"
    crashed.mkdir()
    for name in ("faces.sqlite", "faces.sqlite-wal"):
        (crashed / name).write_bytes((tmp_path / name).read_bytes())
    database.close()
    _pages(crashed / "faces.sqlite")
    before = {file.name: file.read_bytes() for file in crashed.iterdir()}
    assert before["faces.sqlite-wal"]

    with pytest.raises(StoreCorrupt):
        opened(crashed / "faces.sqlite")

    after = {file.name: file.read_bytes() for file in crashed.iterdir()}
    after.pop("faces.sqlite-shm", None)  # SQLite's scratch file
    assert after == before


def test_damage_that_shows_up_later_is_told(path: Path) -> None:
    with closing(opened(path)) as database:
        _pages(path)
        with pytest.raises(StoreCorrupt):
            list(table(database).all_vectors())


def test_a_vector_of_another_length_is_told(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE faces SET vector = x'00' WHERE id = 1")
    with closing(opened(path)) as database, pytest.raises(StoreCorrupt, match="1 bytes"):
        table(database).labelled([1], only=EVERYTHING)


def test_a_later_schema_is_refused_and_left_as_it_is(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    before = path.read_bytes()
    with pytest.raises(StoreTooNew, match=f"schema {len(MIGRATIONS) + 1}"):
        opened(path)
    assert path.read_bytes() == before


def test_an_older_schema_is_brought_up_to_date(path: Path) -> None:
    steps = (*MIGRATIONS, "ALTER TABLE faces ADD COLUMN extra REAL; CREATE TABLE more (x)")
    with closing(Database(path, steps)) as database:
        assert table(database).count() == 200
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (len(steps),)
        assert connection.execute("SELECT extra FROM faces WHERE id = 1").fetchone() == (None,)


def test_a_migration_that_fails_changes_nothing(path: Path) -> None:
    steps = (*MIGRATIONS, "CREATE TABLE more (x); INSERT INTO nowhere VALUES (1)")
    with pytest.raises(StoreError, match="no such table"):
        Database(path, steps)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)
        names = connection.execute("SELECT name FROM sqlite_master").fetchall()
        assert ("more",) not in names
    with closing(opened(path)) as database:
        assert table(database).count() == 200


def test_an_empty_file_is_a_new_one(tmp_path: Path) -> None:
    path = tmp_path / "faces.sqlite"
    path.touch()
    with closing(opened(path)) as database:
        assert table(database).count() == 0


def test_commits_reach_the_disk_before_they_return(path: Path) -> None:
    with closing(opened(path)) as database:
        writer = database._writer
        assert writer.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert writer.execute("PRAGMA synchronous").fetchone() == (2,)


def test_an_id_that_is_taken_stores_nothing(path: Path) -> None:
    with closing(opened(path)) as database:
        faces = accept(new_faces(people(2, seed=1)), dims=DIMS)
        with pytest.raises(AlreadyExists):
            table(database).insert([*faces, faces[0]])
        assert table(database).count() == 200
        table(database).insert(faces)
        assert table(database).count() == 202


def test_no_room_for_the_file_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connect = sqlite3.connect

    def tiny(*args: object, **options: object) -> sqlite3.Connection:
        connection = connect(*args, **options)  # type: ignore[call-overload]
        connection.execute("PRAGMA max_page_count = 1")
        assert isinstance(connection, sqlite3.Connection)
        return connection

    monkeypatch.setattr(sqlite3, "connect", tiny)
    with pytest.raises(StoreFull):
        opened(tmp_path / "faces.sqlite")


def test_readers_go_on_while_the_writer_writes(path: Path) -> None:
    with closing(opened(path)) as database:
        database._writer.execute("BEGIN IMMEDIATE")
        database._writer.execute("DELETE FROM faces")
        assert table(database).count() == 200
        database._writer.execute("ROLLBACK")


def test_a_reader_that_comes_back_after_closing_is_closed(path: Path) -> None:
    database = opened(path)
    with database._readers.borrowed() as connection:
        database.close()
        assert connection.execute("SELECT count(*) FROM faces").fetchone() == (200,)
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        connection.execute("SELECT 1")


def test_the_first_schema_is_brought_up_to_date_with_its_faces(tmp_path: Path) -> None:
    path = tmp_path / "faces.sqlite"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(MIGRATIONS[0])
        connection.execute("PRAGMA user_version = 1")
        connection.execute(f"INSERT INTO collections VALUES (1, 'default', '{MODEL}', {DIMS})")
        connection.execute(
            "INSERT INTO faces VALUES (7, ?, 1, 'p.jpg', 's', '2020-01-02T03:04:05.000006+00:00',"
            " '[1, 2, 3, 4]', '[[1, 2], [3, 4], [5, 6], [7, 8], [9, 10]]', 0.5, ?)",
            ("a" * 32, people(1)[0].tobytes()),
        )
    with closing(open_store(tmp_path, model=MODEL, dims=DIMS)) as store:
        (match,) = store.collection().search(people(1)[0], k=2, max_distance=4)
        assert store.collection().created == match.face.created
    face = match.face
    assert (face.id, face.picture, face.source, face.detection.score) == (
        "a" * 32,
        "p.jpg",
        "s",
        0.5,
    )
    assert (face.subject, face.tags, face.crop, face.attributes) == (None, (), None, {})
