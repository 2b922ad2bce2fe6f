import json
import os
import socket
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from faceserver.cli.main import main
from tests.support.photographs import Photographs


@pytest.fixture(autouse=True)
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "gallery"
    monkeypatch.setenv("FACESERVER_DATA_DIR", str(folder))
    return folder


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.mark.parametrize("command", [(), ("serve",), ("register",), ("search",), ("settings",)])
def test_every_command_has_help(command: tuple[str, ...]) -> None:
    result = run(*command, "--help")
    assert result.exit_code == 0
    assert "Usage:" in result.output


def test_a_folder_is_registered_and_searched(photographs: Photographs, tmp_path: Path) -> None:
    folder = tmp_path / "photos" / "below"
    folder.mkdir(parents=True)
    for name in ("obama.jpg", "biden.jpg"):
        (folder / name).write_bytes(photographs[name].read_bytes())
    (folder / "notes.txt").write_text("not looked at")
    result = run("register", tmp_path / "photos")
    assert result.exit_code == 0, result.output
    assert "2 faces of 2 pictures stored, 0 refused." in result.output

    result = run("search", photographs["obama2.jpg"])
    assert result.exit_code == 0
    (line,) = result.output.splitlines()
    assert line.endswith("obama.jpg")
    narrowed = run("search", photographs["obama2.jpg"], "--where", "age:20-40")
    assert "Nobody" in narrowed.output  # nothing was told of the stored faces

    (match,) = json.loads(run("search", "--json", photographs["obama2.jpg"]).output)
    assert Path(match["picture"]).is_file()
    assert match["source"].endswith("obama.jpg")
    assert match["person"] is None
    Path(match["picture"]).unlink()
    assert "  -  (missing)  " in run("search", photographs["obama2.jpg"]).output

    assert "Nobody" in run("search", photographs["astronaut.png"]).output


def test_a_file_name_that_is_no_utf_8_is_stored_as_text(
    photographs: Photographs, tmp_path: Path
) -> None:
    odd = os.fsencode(tmp_path) + b"/caf\xe9.jpg"
    Path(os.fsdecode(odd)).write_bytes(photographs["obama.jpg"].read_bytes())
    assert "1 face of 1 picture stored" in run("register", os.fsdecode(odd)).output


def test_what_is_refused_is_named_and_the_rest_is_stored(
    photographs: Photographs, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"this is no picture")
    result = run("register", bad, photographs["obama.jpg"])
    assert result.exit_code == 1
    assert "not_an_image" in result.output
    assert "1 face of 1 picture stored, 1 refused." in result.output


def test_a_folder_without_pictures_is_an_error(tmp_path: Path) -> None:
    result = run("register", tmp_path)
    assert result.exit_code == 1
    assert "no picture" in result.output


def test_a_bad_probe_is_one_line(tmp_path: Path) -> None:
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"this is no picture")
    result = run("search", bad)
    assert result.exit_code == 1
    assert result.output.startswith("Error: ")
    assert "not_an_image" in result.output


def test_settings_show_what_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACESERVER_URL_ALLOW_NETWORKS", "10.0.0.0/8,192.168.0.0/16")
    output = run("settings").output
    assert "FACESERVER_URL_ALLOW_NETWORKS=10.0.0.0/8,192.168.0.0/16\n" in output
    assert "FACESERVER_DISTANCE_THRESHOLD=\n" in output


def test_a_wrong_setting_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACESERVER_PRECISION", "f16")
    result = run("settings")
    assert result.exit_code == 1
    assert "FACESERVER_PRECISION" in result.output


def test_a_port_in_use_is_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = run("serve", "--port", str(taken.getsockname()[1]))
    assert result.exit_code == 1
    assert "choose another with --host and --port" in result.output


def test_a_missing_model_ends_the_start(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FACESERVER_MODELS_DIR", str(tmp_path))
    result = run("search", __file__)
    assert result.exit_code == 1
    assert "model_error" in result.output
