"""``faceserver models export-triton``: a repository that Triton takes as it is."""

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from faceserver.cli.main import main

ROOT = Path(__file__).resolve().parents[2]
FACENET = "inception_resnet/20180408-102900"


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A models' folder of its own, with one embedder and a detector."""
    folder = tmp_path / "models"
    for name in (FACENET, "mtcnn"):
        shutil.copytree(ROOT / "models" / name, folder / name)
    monkeypatch.setenv("FACESERVER_MODELS_DIR", str(folder))
    return folder


def export(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["models", "export-triton", *map(str, arguments)])


def change(folder: Path, old: str, new: str) -> None:
    path = folder / "model.toml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_networks_with_a_name_on_the_server_are_written(models: Path, tmp_path: Path) -> None:
    result = export(tmp_path / "r", "--max-batch", "16")
    assert result.exit_code == 0, result.output
    assert "facenet-20180408-102900: version 1, up to 16 at once" in result.output
    (made,) = (tmp_path / "r").iterdir()
    config = (made / "config.pbtxt").read_text(encoding="utf-8")
    for line in (
        'name: "facenet-20180408-102900"',
        'backend: "onnxruntime"',
        "max_batch_size: 16",
        'input [ { name: "data" data_type: TYPE_FP32 dims: [ 3, 160, 160 ] } ]',
        'output [ { name: "embeddings" data_type: TYPE_FP32 dims: [ 512 ] } ]',
        "dynamic_batching {",
    ):
        assert line in config
    onnx = (models / FACENET / "facenet.onnx").read_bytes()
    assert (made / "1" / "model.onnx").read_bytes() == onnx
    assert sorted(path.name for path in (made / "1").iterdir()) == ["model.onnx"]


def test_versions_detectors_and_the_python_backend(models: Path, tmp_path: Path) -> None:
    change(
        models / "mtcnn",
        "[networks.pnet]\n",
        '[networks.pnet]\nremote = { model = "p", version = "3" }\n',
    )
    result = export(tmp_path / "r", "mtcnn", "--backend", "python")
    assert result.exit_code == 0, result.output
    names = sorted(path.name for path in (tmp_path / "r" / "p" / "3").iterdir())
    assert names == ["model.onnx", "model.py"]
    config = (tmp_path / "r" / "p" / "config.pbtxt").read_text(encoding="utf-8")
    assert "dims: [ 3, -1, -1 ]" in config
    assert "KIND_CPU" in config


def test_nothing_is_written_over_or_made_up(models: Path, tmp_path: Path) -> None:
    assert export(tmp_path / "r").exit_code == 0
    assert "already_exists" in export(tmp_path / "r").output
    assert "invalid_request" in export(tmp_path / "s", "mtcnn").output
    assert "not_found" in export(tmp_path / "s", "nobody").output
    (models / FACENET / "facenet.onnx").unlink()
    assert "models build" in export(tmp_path / "s", FACENET).output
    assert not (tmp_path / "s").exists()


def test_two_networks_of_one_name_are_refused(models: Path, tmp_path: Path) -> None:
    change(
        models / "mtcnn",
        "[networks.pnet]\n",
        '[networks.pnet]\nremote = "facenet-20180408-102900"\n',
    )
    assert "both called" in export(tmp_path / "r").output


def test_a_name_that_the_network_does_not_have_is_refused(models: Path, tmp_path: Path) -> None:
    change(
        models / FACENET,
        'remote = "facenet-20180408-102900"',
        'remote = { model = "f", outputs = { embeddings = "OUTPUT__0" } }',
    )
    result = export(tmp_path / "r")
    assert "has no output 'OUTPUT__0'" in result.output
    assert not (tmp_path / "r").exists()
