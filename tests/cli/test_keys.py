"""faceserver keys: beside a running server, written down, and shown once."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from faceserver.access.keys import TOKEN, KeyStore
from faceserver.cli.main import main
from faceserver.runtime.folder_lock import folder_lock


@pytest.fixture(autouse=True)
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "gallery"
    monkeypatch.setenv("FACESERVER_DATA_DIR", str(folder))
    return folder


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["keys", *arguments])


def test_a_key_is_made_shown_once_listed_and_revoked(data_dir: Path) -> None:
    made = run("create", "--name", "phone", "--scope", "read")
    assert made.exit_code == 0, made.output
    token = made.stdout.strip()
    assert TOKEN.fullmatch(token)
    assert "cannot be shown again" in made.stderr
    assert KeyStore(data_dir).find(token)

    run("create", "--name", "door camera", "--scope", "write", "--collection", "door")
    phone, camera = run("list").output.splitlines()
    assert token not in phone
    assert "  phone  read  all collections  created " in phone
    assert "last used " in phone
    assert "  door camera  write  collection door  created " in camera
    assert camera.endswith("never used")

    assert "has been revoked" in run("revoke", "phone").output
    assert KeyStore(data_dir).find(token) is None
    assert "  revoked 2" in run("list").output.splitlines()[0]


def test_it_works_while_a_server_holds_the_folder(data_dir: Path) -> None:
    data_dir.mkdir()
    with folder_lock(data_dir):
        made = run("create", "--name", "phone", "--scope", "admin")
        assert made.exit_code == 0
        assert KeyStore(data_dir).find(made.stdout.strip())
        assert run("revoke", "phone").exit_code == 0


def test_it_is_written_down_without_the_key(data_dir: Path) -> None:
    token = run("create", "--name", "phone", "--scope", "read").stdout.strip()
    run("create", "--name", "phone", "--scope", "read")
    run("revoke", "nobody")
    written = (data_dir / "audit.jsonl").read_text(encoding="utf-8")
    events = [json.loads(line) for line in written.splitlines()]
    assert [(event["who"], event["what"], event["result"]) for event in events] == [
        ("command line", "keys create", "ok"),
        ("command line", "keys create", "already_exists"),
        ("command line", "keys revoke", "not_found"),
    ]
    assert events[0]["target"] == {"name": "phone", "scope": "read", "collection": None}
    assert token.split("_", 2)[2] not in written


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("create", "--scope", "read"), "--name"),
        (("create", "--name", "a"), "--scope"),
        (("create", "--name", "a", "--scope", "god"), "god"),
        (("create", "--name", "", "--scope", "read"), "invalid_request"),
        (("revoke", "nobody"), "not_found"),
    ],
)
def test_what_is_wrong_is_named(arguments: tuple[str, ...], problem: str) -> None:
    result = run(*arguments)
    assert result.exit_code != 0
    assert problem in result.output


def test_no_key_is_no_line() -> None:
    assert run("list").output == ""


def test_a_server_for_others_needs_a_key(data_dir: Path) -> None:
    result = CliRunner().invoke(main, ["serve", "--host", "0.0.0.0", "--port", "0"])
    assert result.exit_code == 1
    assert "no API key exists" in result.output
    assert "--no-auth" in result.output
    assert not data_dir.exists()


def test_other_programs_keys_have_their_own_form(data_dir: Path) -> None:
    made = run("create", "--name", "viseron", "--scope", "write", "--compreface")
    found = KeyStore(data_dir).find(made.stdout.strip())
    assert found is not None
    assert found.kind == "uuid"

    made = run("create", "--name", "phone", "--scope", "read", "--aws")
    told = dict(line.split("=", 1) for line in made.stdout.splitlines())
    pair = KeyStore(data_dir).pair(told["AWS_ACCESS_KEY_ID"])
    assert pair is not None
    assert pair[1] == told["AWS_SECRET_ACCESS_KEY"]
    listed = run("list").output
    assert "  viseron  UUID  write" in listed
    assert "  phone  AWS pair  read" in listed
    written = (data_dir / "audit.jsonl").read_text(encoding="utf-8")
    assert told["AWS_SECRET_ACCESS_KEY"] not in written + listed
