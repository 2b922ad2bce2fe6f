"""Keys: made once, kept as a hash, heeded by every process at once."""

import os
import re
import sqlite3
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from uuid import UUID

import pytest

from faceserver.access import keys as keys_module
from faceserver.access.keyfile import KeyFile
from faceserver.access.keys import TOKEN, KeyStore
from faceserver.errors import (
    AlreadyExists,
    InvalidRequest,
    NotFound,
    StoreCorrupt,
    StoreError,
    StoreFull,
    StoreTooNew,
)
from tests.test_texts import BAD


@pytest.fixture
def store(tmp_path: Path) -> KeyStore:
    return KeyStore(tmp_path / "data")


def file_of(tmp_path: Path) -> Path:
    return tmp_path / "data" / "keys.sqlite"


def test_without_a_key_there_is_no_file(store: KeyStore, tmp_path: Path) -> None:
    assert not store.any()
    assert store.all() == []
    assert store.find("fs_0123456789ab_" + "a" * 43) is None
    assert store.get("0123456789ab") is None
    with pytest.raises(NotFound):
        store.revoke("nobody")
    assert not (tmp_path / "data").exists()


def test_a_key_is_found_by_itself_alone(store: KeyStore) -> None:
    key, token = store.create("phone", "write", "family")
    other, _ = store.create("camera", "read")
    assert TOKEN.fullmatch(token)
    found = store.find(token)
    assert found is not None
    assert (found.id, found.name, found.scope, found.collection) == (
        key.id,
        "phone",
        "write",
        "family",
    )
    assert store.find(token.replace(key.id, other.id)) is None
    assert store.find(token[:-1] + ("a" if token[-1] != "a" else "b")) is None
    assert store.find(token + "a") is None
    assert store.find("") is None


def test_keys_are_never_the_same(store: KeyStore) -> None:
    assert len({store.create(str(number), "read")[1] for number in range(20)}) == 20


def test_the_file_holds_no_key_and_is_private(store: KeyStore, tmp_path: Path) -> None:
    _, token = store.create("phone", "read")
    path = file_of(tmp_path)
    assert token.split("_", 2)[2].encode() not in path.read_bytes()
    assert path.stat().st_mode & 0o077 == 0
    assert path.parent.stat().st_mode & 0o077 == 0


def test_a_revoked_key_is_good_no_more_but_the_server_stays_closed(store: KeyStore) -> None:
    key, token = store.create("phone", "read")
    assert store.revoke("phone").revoked is not None
    assert store.find(token) is None
    assert store.get(key.id) is None
    assert store.any()
    assert [each.revoked is not None for each in store.all()] == [True]
    with pytest.raises(NotFound):
        store.revoke("phone")


def test_a_key_is_revoked_by_its_id_too(store: KeyStore) -> None:
    key, token = store.create("phone", "read")
    store.revoke(key.id)
    assert store.find(token) is None


def test_a_name_is_free_again_when_its_key_is_revoked(store: KeyStore) -> None:
    _, old = store.create("phone", "read")
    with pytest.raises(AlreadyExists):
        store.create("phone", "admin")
    store.revoke("phone")
    _, new = store.create("phone", "admin")
    assert store.find(old) is None
    assert store.find(new) is not None


@pytest.mark.parametrize("name", [*BAD.values(), "0123456789ab"])
def test_a_bad_name(store: KeyStore, name: str) -> None:
    with pytest.raises(InvalidRequest):
        store.create(name, "read")


def test_the_last_use_is_noted_to_the_minute(
    store: KeyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime(2030, 1, 1, tzinfo=UTC)

    class Clock:
        fromisoformat = datetime.fromisoformat

        @staticmethod
        def now(_: object) -> datetime:
            return now

    monkeypatch.setattr(keys_module, "datetime", Clock)
    key, token = store.create("phone", "read")
    assert store.all()[0].last_used is None
    store.find(token)
    assert store.all()[0].last_used == now
    first, now = now, now + timedelta(seconds=59)
    store.find(token)
    assert store.all()[0].last_used == first
    now += timedelta(seconds=2)
    store.find(token)
    assert store.all()[0].last_used == now
    assert store.get(key.id) == store.all()[0]


def test_another_process_sees_it_at_once(store: KeyStore, tmp_path: Path) -> None:
    server = KeyStore(tmp_path / "data")
    assert not server.any()
    _, token = store.create("phone", "read")
    assert server.any()
    assert server.find(token) is not None
    store.revoke("phone")
    assert server.find(token) is None


def test_two_threads_make_the_file_together(tmp_path: Path) -> None:
    barrier = threading.Barrier(4)
    failures: list[BaseException] = []

    def make(number: int) -> None:
        try:
            barrier.wait()
            KeyStore(tmp_path).create(str(number), "read")
        except BaseException as error:  # noqa: BLE001
            failures.append(error)

    threads = [threading.Thread(target=make, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(KeyStore(tmp_path).all()) == 4


def test_a_damaged_file_lets_nobody_in(store: KeyStore, tmp_path: Path) -> None:
    _, token = store.create("phone", "read")
    file_of(tmp_path).write_bytes(b"this is no database, and long enough to be looked at" * 20)
    with pytest.raises(StoreCorrupt):
        store.find(token)
    with pytest.raises(StoreCorrupt):
        store.any()


def test_a_newer_file(store: KeyStore, tmp_path: Path) -> None:
    store.create("phone", "read")
    database = sqlite3.connect(file_of(tmp_path))
    database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(StoreTooNew):
        store.all()


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="cannot be made"):
        KeyStore(tmp_path / "file" / "data").create("phone", "read")


def fill_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no file of SQLite grow any more."""
    real = sqlite3.connect

    def connect(*args: object, **options: object) -> sqlite3.Connection:
        database: sqlite3.Connection = real(*args, **options)  # type: ignore[call-overload]
        (pages,) = database.execute("PRAGMA page_count").fetchone()
        database.execute(f"PRAGMA max_page_count = {pages}")
        return database

    monkeypatch.setattr(sqlite3, "connect", connect)


def test_a_full_disk(store: KeyStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store.create("phone", "read")
    fill_disk(monkeypatch)

    def fill() -> None:
        for number in range(200):
            store.create(f"{number:0100}", "read")

    with pytest.raises(StoreFull):
        fill()


def test_a_good_key_is_good_although_its_use_cannot_be_noted(
    store: KeyStore, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    _, token = store.create("phone", "read")
    database = sqlite3.connect(file_of(tmp_path))
    database.execute(
        "CREATE TRIGGER full BEFORE UPDATE ON keys BEGIN SELECT no_such_function(); END"
    )
    database.close()
    assert store.find(token) is not None
    assert "could not be recorded" in caplog.text


def test_an_empty_file_that_a_full_disk_left_is_read_as_no_keys(
    store: KeyStore, tmp_path: Path
) -> None:
    file_of(tmp_path).parent.mkdir()
    file_of(tmp_path).touch()
    assert not store.any()
    assert store.all() == []
    assert store.find("fs_0123456789ab_" + "a" * 43) is None
    assert store.get("0123456789ab") is None
    with pytest.raises(NotFound):
        store.revoke("nobody")
    assert file_of(tmp_path).stat().st_size == 0  # reading wrote nothing
    store.create("phone", "read")
    assert store.any()


@pytest.mark.parametrize("length", [None, 0, 1])
def test_keys_that_are_lost_let_nobody_in(
    store: KeyStore, tmp_path: Path, length: int | None
) -> None:
    _, token = store.create("phone", "read")
    if length is None:
        file_of(tmp_path).unlink()
    else:
        os.truncate(file_of(tmp_path), length)
    for ask in (store.any, store.all, lambda: store.find(token), lambda: store.get(token[3:15])):
        with pytest.raises(StoreCorrupt, match="faceserver keys create"):
            ask()
    new, good = store.create("phone", "admin")
    assert store.any()
    assert store.find(token) is None
    assert [key.id for key in store.all()] == [new.id]
    assert store.find(good) == new


@pytest.mark.parametrize("length", [99, 100, 511, 4096, 5000, 8192])
def test_a_file_that_was_cut_lets_nobody_in_until_it_is_set_aside(
    store: KeyStore, tmp_path: Path, length: int
) -> None:
    for number in range(50):
        store.create(f"key {number}", "read")
    assert file_of(tmp_path).stat().st_size > 12_000
    os.truncate(file_of(tmp_path), length)
    file = KeyFile(tmp_path / "data")
    with pytest.raises(StoreCorrupt, match=r"faceserver keys create.*check --repair"):
        store.all()
    with pytest.raises(StoreCorrupt):
        store.find("fs_0123456789ab_" + "a" * 43)
    assert file.fault()
    aside = file.set_aside()
    assert aside.stat().st_size == length
    with pytest.raises(StoreCorrupt, match="although keys were created"):
        store.any()
    store.create("phone", "read")
    assert file.fault() is None
    assert store.any()


def test_a_folder_of_before_there_was_a_mark_gets_one(store: KeyStore, tmp_path: Path) -> None:
    store.create("phone", "read")
    mark = tmp_path / "data" / "keys.made"
    mark.unlink()
    assert store.any()
    assert mark.exists()
    assert mark.stat().st_mode & 0o777 == 0o600


def test_who_deletes_both_files_begins_anew(store: KeyStore, tmp_path: Path) -> None:
    store.create("phone", "read")
    file_of(tmp_path).unlink()
    (tmp_path / "data" / "keys.made").unlink()
    assert not store.any()


def test_a_table_whose_rows_are_gone_lets_nobody_in(store: KeyStore, tmp_path: Path) -> None:
    store.create("phone", "read")
    with closing(sqlite3.connect(file_of(tmp_path))) as database, database:
        database.execute("DELETE FROM keys")
    with pytest.raises(StoreCorrupt, match="although keys were created"):
        store.any()
    with closing(sqlite3.connect(file_of(tmp_path))) as database, database:
        database.execute("DROP TABLE keys")
    with pytest.raises(StoreCorrupt, match="is damaged"):
        store.any()


def test_a_file_without_a_schema_is_no_keys(store: KeyStore, tmp_path: Path) -> None:
    file_of(tmp_path).parent.mkdir()
    with closing(sqlite3.connect(file_of(tmp_path))) as database:
        database.execute("VACUUM")  # a first page, and nothing in it
    assert not store.any()
    store.create("phone", "read")
    assert store.any()


def test_rows_that_make_no_sense_are_found(store: KeyStore, tmp_path: Path) -> None:
    keys = [store.create(f"key {number}", "read")[0].id for number in range(4)]
    with closing(sqlite3.connect(file_of(tmp_path))) as database, database:
        database.execute("UPDATE keys SET created = 'x' WHERE id = ?", keys[:1])
        database.execute("UPDATE keys SET scope = 'god' WHERE id = ?", keys[1:2])
        database.execute("UPDATE keys SET hash = x'00' WHERE id = ?", keys[2:3])
    file = KeyFile(tmp_path / "data")
    assert sorted(file.bad_rows()) == sorted(keys[:3])
    for key in keys[:3]:
        file.remove(key)
    assert [key.id for key in store.all()] == keys[3:]


def test_a_uuid_is_a_key_too(store: KeyStore, tmp_path: Path) -> None:
    key, token = store.create("viseron", "write", "cameras", kind="uuid")
    assert str(UUID(token)) == token
    for written in (token, token.upper()):
        found = store.find(written)
        assert found is not None
        assert (found.id, found.kind, found.collection) == (key.id, "uuid", "cameras")
    assert store.find(str(UUID(int=0))) is None
    assert token.encode() not in file_of(tmp_path).read_bytes()
    store.revoke("viseron")
    assert store.find(token) is None


def test_a_pair_is_found_by_its_id_alone_and_is_no_key_by_itself(store: KeyStore) -> None:
    key, token = store.create("phone", "read", kind="pair")
    access_id, _, secret = token.partition(":")
    assert re.fullmatch(r"FSAK[A-Z2-7]{16}", access_id)
    assert len(secret) == 40
    found = store.pair(access_id)
    assert found is not None
    assert (found[0].id, found[0].kind, found[1]) == (key.id, "pair", secret)
    for shown in (token, access_id, secret):
        assert store.find(shown) is None
    assert store.pair("FSAK" + "A" * 16) is None
    store.revoke("phone")
    assert store.pair(access_id) is None


def test_keys_of_the_first_version_stay_good(store: KeyStore, tmp_path: Path) -> None:
    token = "fs_0123456789ab_" + "A" * 43
    file_of(tmp_path).parent.mkdir()
    with closing(sqlite3.connect(file_of(tmp_path))) as database, database:
        database.executescript(
            """
            CREATE TABLE keys (
                id TEXT PRIMARY KEY, name TEXT NOT NULL, scope TEXT NOT NULL, collection TEXT,
                hash BLOB NOT NULL, created TEXT NOT NULL, last_used TEXT, revoked TEXT
            ) STRICT;
            CREATE UNIQUE INDEX keys_by_name ON keys (name) WHERE revoked IS NULL;
            PRAGMA user_version = 1;
            """
        )
        row = ("0123456789ab", "old", "read", None, sha256(token.encode()).digest(), "2026-01-01")
        database.execute("INSERT INTO keys VALUES (?, ?, ?, ?, ?, ?, NULL, NULL)", row)
    found = store.find(token)
    assert found is not None
    assert (found.name, found.kind) == ("old", "own")
    _, new = store.create("new", "read", kind="uuid")
    assert store.find(new) is not None
    assert [key.name for key in store.all()] == ["old", "new"]
