"""Models that have little in them: these commands look at files, and run no network."""

import hashlib
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from faceserver.cli.main import main
from faceserver.models.files import fingerprint

DESCRIPTION = """
kind = "embedder"
name = "tiny"
source = "made by a test"
licence = "MIT"
dims = 7
source_sha256 = {{}}
normalization = {{ kind = "whiten" }}
crop = {{ kind = "square", side = 1.15, lowered = 0.1, size = 160 }}
distances = {{ threshold = 0.9, calibration = "not calibrated: made up" }}

[networks.embedder]
prototxt = "{prototxt}"
caffemodel = "net.caffemodel"
onnx = "net.onnx"
sha256 = "{sha256}"
"""


def make_model(folder: Path, prototxt: str = "net.prototxt") -> Path:
    folder.mkdir(parents=True)
    (folder / prototxt).write_text("layers")
    (folder / "net.caffemodel").write_bytes(b"weights")
    digest = fingerprint(folder / prototxt, folder / "net.caffemodel")
    (folder / "net.onnx").write_bytes(b"head " + digest.encode() + b" graph")
    sha256 = hashlib.sha256(b"weights").hexdigest()
    text = DESCRIPTION.format(prototxt=prototxt, sha256=sha256)
    (folder / "model.toml").write_text(text)
    return folder


@pytest.fixture(autouse=True)
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "models"
    make_model(folder / "group" / "first")
    monkeypatch.setenv("FACESERVER_MODELS_DIR", str(folder))
    monkeypatch.setenv("FACESERVER_MODEL", "group/first")
    return folder


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["models", *map(str, arguments)])


@pytest.mark.parametrize("command", [(), ("list",), ("verify",), ("add",)])
def test_every_command_has_help(command: tuple[str, ...]) -> None:
    result = run(*command, "--help")
    assert result.exit_code == 0
    assert "Usage:" in result.output


def test_the_list_tells_what_is_built_and_in_use(models: Path) -> None:
    (make_model(models / "second") / "net.onnx").unlink()
    assert run("list").output.splitlines() == [
        "group/first  embedder  7-D  built  in use",
        "second  embedder  7-D  not built",
    ]


def test_an_added_model_is_there_and_well(models: Path, tmp_path: Path) -> None:
    source = make_model(tmp_path / "converted")
    (source / "report.json").write_text("{}")
    result = run("add", source)
    assert result.exit_code == 0, result.output
    assert "to use it: FACESERVER_MODEL=tiny" in result.output
    assert "threshold 0.9 is not calibrated" in result.output
    assert sorted(path.name for path in (models / "tiny").iterdir()) == [
        "model.toml",
        "net.caffemodel",
        "net.onnx",
        "net.prototxt",
    ]
    assert run("verify").output == "group/first: all well\ntiny: all well\n"
    again = run("add", source)
    assert again.exit_code == 1
    assert "already_exists" in again.output


@pytest.mark.parametrize("name", ["../out", "/elsewhere", "."])
def test_a_name_that_leads_out_is_refused(models: Path, tmp_path: Path, name: str) -> None:
    result = run("add", make_model(tmp_path / "converted"), "--name", name)
    assert result.exit_code == 1
    assert "invalid_request" in result.output
    assert not (models.parent / "out").exists()


@pytest.mark.parametrize(
    ("file", "says"),
    [
        ("net.caffemodel", "net.caffemodel has the sha256"),
        ("net.prototxt", "net.onnx was not made from the Caffe files beside it"),
    ],
)
def test_damage_is_found(models: Path, file: str, says: str) -> None:
    (models / "group" / "first" / file).write_bytes(b"other")
    result = run("verify", "group/first")
    assert result.exit_code == 1
    assert says in result.output


def test_a_damaged_model_is_not_added(models: Path, tmp_path: Path) -> None:
    source = make_model(tmp_path / "converted")
    (source / "net.onnx").unlink()
    result = run("add", source)
    assert result.exit_code == 1
    assert "net.onnx is missing" in result.output
    assert not (models / "tiny").exists()


def test_a_file_outside_the_folder_is_not_taken(models: Path, tmp_path: Path) -> None:
    source = make_model(tmp_path / "converted", prototxt="../secret.prototxt")
    result = run("add", source)
    assert result.exit_code == 1
    assert "must lie in the model's folder" in result.output
    assert not (models / "tiny").exists()


def test_a_folder_that_cannot_be_written_is_said(models: Path, tmp_path: Path) -> None:
    (models / "taken").write_text("a file")
    result = run("add", make_model(tmp_path / "converted"), "--name", "taken/tiny")
    assert result.exit_code == 1
    assert "cannot be written" in result.output


def test_what_is_no_model_is_said(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "model_error" in run("add", tmp_path / "empty").output
    assert "not_found" in run("verify", "nothing").output
