"""A gallery of the real model becomes one of the 128-D mosaic, and one of the real model again."""

import os
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from faceserver.app import create_app
from faceserver.cli.main import main
from faceserver.config import load_settings
from faceserver.conversion import caffe2onnx, tf2caffe
from tests.e2e.server import ROOT, Server
from tests.e2e.test_whitening import DESCRIPTION, mosaic
from tests.support.photographs import Photographs

REAL = "inception_resnet/20180408-102900"


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    for name in ("mtcnn", REAL):
        shutil.copytree(ROOT / "models" / name, folder / name, copy_function=os.symlink)
    own = folder / "mosaic"
    own.mkdir()
    (own / "model.toml").write_text(DESCRIPTION)
    tf2caffe.convert(mosaic().save(folder), "mosaic").write(own, "mosaic")
    onnx = caffe2onnx.convert(own / "mosaic.prototxt", own / "mosaic.caffemodel")
    (own / "mosaic.onnx").write_bytes(onnx)
    return folder


def test_there_on_the_command_line_and_back_in_the_server(
    models: Path, tmp_path: Path, photographs: Photographs, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Server(tmp_path, models_dir=str(models)) as server:
        server.register(photographs["obama.jpg"], photographs["biden.jpg"])
    monkeypatch.setenv("FACESERVER_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("FACESERVER_MODELS_DIR", str(models))
    done = CliRunner().invoke(main, ["change-model", "mosaic"])
    assert done.exit_code == 0, done.output
    assert "2 faces, changed from 20180408-102900 to the model mosaic." in done.output
    again = CliRunner().invoke(main, ["change-model", "mosaic"])
    assert "2 faces, already uses the model mosaic." in again.output
    with Server(tmp_path, models_dir=str(models), model="mosaic") as server:
        (match,) = server.retrieve(photographs["obama2.jpg"]).json()["faces"]
        (default,) = server.get("/health").json()["collections"]
        assert (default["model"], default["dims"]) == ("mosaic", 128)

    settings = load_settings(model=REAL, change_model=True)
    client = create_app(settings).test_client()
    backend = client.application.extensions["faceserver"]
    backend.wait()
    backend._changer.join()
    health = client.get("/health").get_json()
    assert (health["change_failure"], health["collections"][0]["dims"]) == (None, 512)
    backend.close()
    with Server(tmp_path, models_dir=str(models), model=REAL) as server:
        (same,) = server.retrieve(photographs["obama2.jpg"]).json()["faces"]
        assert same["path"] == match["path"]
        assert same["distance"] != match["distance"]


def test_faces_of_which_nothing_is_kept_are_told_or_deleted(
    models: Path, tmp_path: Path, photographs: Photographs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACESERVER_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("FACESERVER_MODELS_DIR", str(models))
    monkeypatch.setenv("FACESERVER_KEEP_PICTURES", "nothing")
    nowhere = CliRunner().invoke(main, ["change-model", "mosaic"])
    assert (nowhere.exit_code, "holds no gallery" in nowhere.output) == (1, True)
    CliRunner().invoke(main, ["register", str(photographs["obama.jpg"])])
    told = CliRunner().invoke(main, ["change-model", "mosaic"])
    assert (told.exit_code, "--drop-lost" in told.output) == (1, True)
    done = CliRunner().invoke(main, ["change-model", "mosaic", "--drop-lost"])
    assert "obama.jpg: deleted: its picture was not kept" in done.output
    assert "0 faces, changed from 20180408-102900 to the model mosaic." in done.output
