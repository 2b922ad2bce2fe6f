"""The commands on a gallery in a database."""

import json
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from faceserver.app import open_gallery
from faceserver.cli.main import main
from faceserver.config import load_settings
from faceserver.types import Face
from tests.store.samples import DETECTION, people
from tests.support.postgres import PostgresServer


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def shared(postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder that holds pictures alone; the gallery has three faces."""
    monkeypatch.setenv("FACESERVER_STORE", postgres_url)
    monkeypatch.setenv("FACESERVER_DATA_DIR", str(tmp_path / "data"))
    with closing(open_gallery(load_settings())) as store:
        held = store.collection()
        ann = held.add_subject("Ann").id
        vectors = people(3, dims=held.dims)
        held.add([Face(vector, DETECTION, None, "a.jpg", subject=ann) for vector in vectors])
    return tmp_path / "data"


def faces() -> int:
    with closing(open_gallery(load_settings())) as store:
        return store.status().faces


def test_an_upgrade_says_what_there_is(shared: Path) -> None:
    assert run("db", "upgrade").output.startswith("The database has schema ")


def test_an_upgrade_needs_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FACESERVER_STORE", raising=False)
    result = run("db", "upgrade")
    assert (result.exit_code, "invalid_setting" in result.output) == (1, True)


def test_commands_say_what_to_run_first(
    postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with postgres.database() as url:
        monkeypatch.setenv("FACESERVER_STORE", url)
        for command in (("keys", "list"), ("check",)):
            result = run(*command)
            assert result.exit_code == 1
            assert "run `faceserver db upgrade` first" in result.output
            assert "store_outdated" in result.output


def test_settings_keep_the_password_to_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACESERVER_STORE", "postgresql://ann:secret@host/faces")
    result = run("settings")
    assert "FACESERVER_STORE=*" in result.output
    assert "secret" not in result.output


def test_keys_are_in_the_database(shared: Path) -> None:
    token = run("keys", "create", "--name", "phone", "--scope", "read").output.splitlines()[0]
    assert token.startswith("fs_")
    assert "phone" in run("keys", "list").output
    assert not (shared / "keys.sqlite").exists()
    assert run("keys", "revoke", "phone").exit_code == 0
    assert "revoked" in run("keys", "list").output


def test_an_export_goes_into_a_data_folder(
    shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("export", tmp_path / "all.zip").exit_code == 0
    assert run("check").output.endswith("0 problems found, 0 repaired.\n")
    monkeypatch.delenv("FACESERVER_STORE")
    monkeypatch.setenv("FACESERVER_DATA_DIR", str(tmp_path / "own"))
    assert "3 faces and 1 subject stored" in run("import", tmp_path / "all.zip").output
    assert faces() == 3


def test_a_purge_tells_what_it_cannot_reach(shared: Path) -> None:
    result = run("purge", "--all", "--yes", "--json")
    receipt = json.loads(result.output)
    assert (receipt["faces"], receipt["subjects"], len(receipt["beyond"])) == (3, 1, 3)
    assert faces() == 0
    assert "may be left in the database's write-ahead log" in run("purge", "--all", "--yes").output


def test_backups_are_the_databases_business(shared: Path, tmp_path: Path) -> None:
    result = run("backup", tmp_path / "x.zip")
    assert (result.exit_code, "pg_dump" in result.output) == (1, True)
    (tmp_path / "x.zip").touch()
    result = run("restore", tmp_path / "x.zip")
    assert (result.exit_code, "pg_restore" in result.output) == (1, True)
