"""The commands on real photographs and real models."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from faceserver.cli import main
from tests.e2e.server import Server
from tests.photographs import Photographs
from tests.transfer.galleries import picture_files

COMMANDS = ["import", "export", "backup", "restore", "check"]


@pytest.fixture(autouse=True)
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return use(tmp_path / "gallery", monkeypatch)


def use(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FACESERVER_DATA_DIR", str(folder))
    return folder


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def people(photographs: Photographs, tmp_path: Path) -> Path:
    folder = tmp_path / "people"
    for name, person in (("obama.jpg", "Barack"), ("obama2.jpg", "Barack"), ("biden.jpg", "Joe")):
        (folder / person).mkdir(parents=True, exist_ok=True)
        shutil.copy(photographs[name], folder / person / name)
    (folder / "Joe" / "torn.jpg").write_bytes(photographs["biden.jpg"].read_bytes()[:5000])
    return folder


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str) -> None:
    result = run(command, "--help")
    assert result.exit_code == 0
    assert "Usage:" in result.output


def test_people_are_imported_exported_and_taken_back(
    people: Path, photographs: Photographs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = use(tmp_path / "source", monkeypatch)
    report = tmp_path / "report.jsonl"
    result = run("import", people, "--jobs", "2", "--report", report)
    assert result.exit_code == 1
    assert "3 faces of 3 pictures stored, 1 refused." in result.output
    (entry,) = map(json.loads, report.read_text().splitlines())
    assert (entry["source"], entry["code"]) == ("Joe/torn.jpg", "truncated_image")

    again = run("import", people)
    assert "0 faces of 0 pictures stored, 1 refused." in again.output
    assert "3 pictures in already." in again.output

    archive = tmp_path / "all.zip"
    exported = run("export", archive)
    assert exported.exit_code == 0, exported.output
    assert "1 collection, 2 subjects, 3 faces, 3 pictures" in exported.output
    assert archive.stat().st_mode & 0o077 == 0

    target = use(tmp_path / "target", monkeypatch)
    result = run("import", archive)
    assert result.exit_code == 0, result.output
    assert "3 faces and 2 subjects stored, 0 faces in already." in result.output
    assert picture_files(target) == picture_files(source)
    (match,) = json.loads(run("search", "--json", photographs["obama3.jpg"]).output)[:1]
    assert match["source"].startswith("Barack/")
    assert run("check").exit_code == 0
    assert "brings collections" in run("import", archive, "--collection", "x").output


def test_a_running_server_is_backed_up_and_restored(
    photographs: Photographs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = use(tmp_path / "live", monkeypatch)
    backup = tmp_path / "backup.zip"
    with Server(live) as server:
        assert server.register(photographs["obama.jpg"]).status_code == 200
        done = run("backup", backup)
        assert done.exit_code == 0, done.output
        assert "1 picture and all faces" in done.output
        assert server.register(photographs["biden.jpg"]).status_code == 200
        for command in (["check"], ["restore", backup, "--force"]):
            refused = run(*command)
            assert refused.exit_code == 1
            assert "store_locked" in refused.output

    assert "--force" in run("restore", backup).output
    result = run("restore", backup, "--force")
    assert result.exit_code == 0, result.output
    assert "What was there is in" in result.output
    assert run("check").output.endswith("0 faults found, 0 mended.\n")
    assert "obama" in run("search", photographs["obama2.jpg"]).output
    assert "Nobody" in run("search", photographs["biden.jpg"]).output


def test_faults_are_told_and_mended(
    photographs: Photographs, data_dir: Path, tmp_path: Path
) -> None:
    assert "not_found" in run("check").output
    assert run("register", photographs["obama.jpg"]).exit_code == 0
    again = run("register", photographs["obama.jpg"])
    assert "is in already" in again.output
    (picture,) = (data_dir / "uploadImages").iterdir()
    picture.unlink()
    assert f"the picture {picture.name} is missing" in run("backup", tmp_path / "b.zip").output
    found = run("check")
    assert (found.exit_code, "1 fault found, 0 mended." in found.output) == (1, True)
    mended = run("check", "--repair")
    assert mended.exit_code == 0
    assert "1 rows name it no more" in mended.output
    assert "(not kept)" in run("search", photographs["obama2.jpg"]).output


def test_a_backup_is_no_import(data_dir: Path, tmp_path: Path, photographs: Photographs) -> None:
    assert run("register", photographs["obama.jpg"]).exit_code == 0
    run("backup", tmp_path / "b.zip")
    result = run("import", tmp_path / "b.zip")
    assert result.exit_code == 1
    assert "faceserver restore" in result.output
