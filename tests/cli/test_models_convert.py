"""From whatever a user holds to an installed and verified model."""

import os
import re
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from faceserver import folders
from faceserver.cli.main import main
from faceserver.conversion.build import build_models
from faceserver.models.files import fingerprint, sha256_of
from faceserver.models.spec import EmbedderSpec, load_spec
from tests.conversion.caffenets import Net, data, layer, noise
from tests.conversion.graphs import Graph

SIDE = 32


@pytest.fixture(autouse=True)
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "models"
    folder.mkdir()
    monkeypatch.setenv("FACESERVER_MODELS_DIR", str(folder))
    return folder


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["models", *map(str, arguments)])


def caffe_net(folder: Path, factor: float = 1) -> tuple[Path, Path]:
    text = (
        data((1, 3, SIDE, SIDE))
        + layer("Convolution", "convolution_param { num_output: 4 kernel_size: 3 stride: 2 }")
        + layer("ReLU", bottoms="it", name="relu")
        + layer(
            "InnerProduct", "inner_product_param { num_output: 128 }", bottoms="relu", name="fc"
        )
    )
    side = (SIDE - 3) // 2 + 1
    weights: Any = {
        "it": [noise(4, 3, 3, 3) / 9, noise(4)],
        "fc": [noise(128, 4 * side * side) / 30 * np.float32(factor), noise(128)],
    }
    return Net(text, weights).save(folder)


def graph(folder: Path) -> Path:
    made = Graph((1, SIDE, SIDE, 3))
    conv = made.conv("a", "input", made.noise(3, 3, 3, 4) / np.float32(9), (4, 4), "SAME")
    row = made.reshape("flat", made.op("Relu", "relu", conv), [-1, 256])
    made.unit_length("embeddings", made.dense("fc", row, made.noise(256, 128) / np.float32(16)))
    return made.save(folder)


SAID = ("--normalization", "signed", "--channels", "bgr")


@pytest.mark.parametrize("turned", [False, True])
def test_a_prototxt_and_its_caffemodel(models: Path, tmp_path: Path, turned: bool) -> None:
    files = caffe_net(tmp_path)
    given = files[::-1] if turned else files
    asked = run("add", *given, "--as", "mine/caffe", "--kind", "embedder")
    assert "--normalization" in asked.output
    assert not (models / "mine").exists()
    result = run("add", *given, "--as", "mine/caffe", *SAID)
    assert result.exit_code == 0, result.output
    assert "checked: the ONNX file differs from the Caffe files by at most" in result.output
    assert run("verify").output == "mine/caffe: all well\n"
    folder = models / "mine" / "caffe"
    spec = load_spec(folder, EmbedderSpec)
    assert (spec.dims, spec.crop.size, spec.crop.kind) == (128, SIDE, "square")
    assert (spec.architecture, spec.licence) == ("facenet", "unknown")
    digest = fingerprint(folder / "net.prototxt", folder / "net.caffemodel")
    assert digest.encode() in (folder / "net.onnx").read_bytes()
    assert set(spec.source_sha256) == {"net.prototxt", "net.caffemodel"}


def test_a_frozen_graph_alone_or_in_a_folder(models: Path, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    path = graph(tmp_path / "folder")
    for name, source in (("one", path), ("two", path.parent)):
        result = run("add", source, "--as", name, *SAID)
        assert result.exit_code == 0, result.output
        assert "checked against OpenVINO's TensorFlow frontend" in result.output
        assert sorted(each.name for each in (models / name).iterdir()) == [
            "graph.caffemodel",
            "graph.onnx",
            "graph.prototxt",
            "model.toml",
        ]
    assert run("verify").exit_code == 0
    assert load_spec(models / "one", EmbedderSpec).input.channels == "bgr"


def test_a_name_of_a_published_model_is_checked_against_the_vectors(
    models: Path, tmp_path: Path
) -> None:
    path = graph(tmp_path)
    result = run("add", path, "--as", "x", "--published", "20180402-114759")
    assert "vectors of 128 values, 20180402-114759 has 512" in result.output
    result = run("add", path, "--as", "x", "--published", "20170512-110547")
    assert result.exit_code == 0, result.output
    spec = load_spec(models / "x", EmbedderSpec)
    assert (spec.input.normalization.kind, spec.distances.threshold) == ("whiten", 0.6)


def test_mtcnn_in_a_folder(models: Path, tmp_path: Path) -> None:
    pack = tmp_path / "pack"
    pack.mkdir()
    for name in ("det1", "det2", "det3"):
        os.link(folders.MODELS / "mtcnn" / f"{name}.caffemodel", pack / f"{name}.caffemodel")
    result = run("add", pack, "--as", "mtcnn/mine")
    assert result.exit_code == 0, result.output
    assert "det3: made of det3.caffemodel; differs by at most" in result.output
    assert run("verify").output == "mtcnn/mine: all well\n"
    toml = tomllib.loads((models / "mtcnn" / "mine" / "model.toml").read_text())
    assert (toml["name"], toml["licence"]) == ("mtcnn/mine", "unknown")
    assert set(toml["source_sha256"]) == {f"{name}.caffemodel" for name in ("det1", "det2", "det3")}
    assert "trained_on" not in toml


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"\x89HDF\r\n\x1a\n" + bytes(99), "is damaged, holds weights|TensorFlow is needed"),
        (b"<!DOCTYPE html><html>", "is a web page, where a model is expected: its address gave"),
        (b"version https://git-lfs.github.com/spec/v1", "is a pointer to a file in Git LFS"),
        (b"\x1c\0\0\0TFL3" + bytes(50), "is a TFLite file, where a model is expected"),
        (b'name: "net"\nlayer {', "is a prototxt.*give its caffemodel, too"),
        (b"", "is an empty file"),
    ],
)
def test_a_wrong_file_is_called_by_its_name(
    models: Path, tmp_path: Path, content: bytes, says: str
) -> None:
    path = tmp_path / "given.onnx"
    path.write_bytes(content)
    result = run("add", path, "--as", "x")
    assert result.exit_code == 1
    assert re.search(says, result.output), result.output
    assert "given.onnx" in result.output
    assert list(models.iterdir()) == []


def test_two_files_that_do_not_belong_together(tmp_path: Path) -> None:
    prototxt, caffemodel = caffe_net(tmp_path)
    assert "are both a prototxt" in run("add", prototxt, prototxt, "--as", "x").output
    third = run("add", prototxt, caffemodel, prototxt, "--as", "x")
    assert "give one file or folder, or a prototxt and its caffemodel" in third.output
    assert "is a TensorFlow graph" in run("add", prototxt, graph(tmp_path), "--as", "x").output


def test_other_weights_are_accepted_by_the_users_word(models: Path, tmp_path: Path) -> None:
    run("add", *caffe_net(tmp_path), "--as", "mine", *SAID)
    run("add", graph(tmp_path), "--as", "other", *SAID)
    folder = models / "mine"
    (tmp_path / "others").mkdir()
    _prototxt, other = caffe_net(tmp_path / "others", factor=2)
    (folder / "net.caffemodel").write_bytes(other.read_bytes())
    assert "has the sha256" in run("verify", "mine").output
    refused = run("verify", "--accept", "mine")
    assert "was not made from the Caffe files" in refused.output
    assert "models build" in refused.output
    assert build_models(models, tmp_path / "cache", print, only={"mine"})
    assert "name the models" in run("verify", "--accept").output
    result = run("verify", "--accept", "mine")
    assert result.exit_code == 0, result.output
    assert "mine: accepted net.caffemodel" in result.output
    assert run("verify").output.endswith("mine: all well\nother: all well\n")
    spec = load_spec(folder, EmbedderSpec)
    assert spec.networks["embedder"].sha256["net.caffemodel"] == sha256_of(
        folder / "net.caffemodel"
    )
    assert "in place of the published" in spec.source
    assert spec.distances.calibration.startswith("not calibrated")
    assert "nothing: all are known already" in run("verify", "--accept", "mine").output
