"""What a check finds wrong with keys, and what a repair does about it."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from faceserver.access.checking import check_keys
from faceserver.access.keys import KeyStore
from faceserver.errors import StoreCorrupt


def test_nothing_is_wrong_without_keys_and_with_good_ones(tmp_path: Path) -> None:
    assert list(check_keys(tmp_path)) == []
    (tmp_path / "keys.sqlite").touch()  # as a full disk leaves it
    assert list(check_keys(tmp_path)) == []
    KeyStore(tmp_path).create("phone", "read")
    KeyStore(tmp_path).revoke("phone")
    assert list(check_keys(tmp_path)) == []


def test_a_damaged_file_is_set_aside_and_opens_to_nobody(tmp_path: Path) -> None:
    KeyStore(tmp_path).create("phone", "read")
    (tmp_path / "keys.made").unlink()  # as in a folder of an earlier version
    (tmp_path / "keys.sqlite").write_bytes(b"no database" * 1000)
    (finding,) = check_keys(tmp_path)
    assert "check --repair" in finding.what
    assert not finding.mended
    (finding,) = check_keys(tmp_path, repair=True)
    assert "faceserver keys create" in finding.mended
    with pytest.raises(StoreCorrupt):
        KeyStore(tmp_path).any()
    (finding,) = check_keys(tmp_path, repair=True)
    assert not finding.mended  # nobody can bring the keys back
    KeyStore(tmp_path).create("phone", "read")
    assert list(check_keys(tmp_path)) == []


def test_a_row_that_makes_no_sense_is_removed(tmp_path: Path) -> None:
    KeyStore(tmp_path).create("phone", "read")
    good, _ = KeyStore(tmp_path).create("camera", "read")
    with closing(sqlite3.connect(tmp_path / "keys.sqlite")) as database, database:
        database.execute("UPDATE keys SET created = '?' WHERE name = 'phone'")
    (finding,) = check_keys(tmp_path, repair=True)
    assert finding.mended == "removed"
    assert [key.id for key in KeyStore(tmp_path).all()] == [good.id]
