"""``faceserver models add`` takes ONNX files and packs; the networks are made here."""

import json
import tomllib
import zipfile
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from faceserver.cli.main import main
from faceserver.engines import EngineOptions, make_engine
from faceserver.models.files import sha256_of
from faceserver.models.spec import EmbedderSpec, load_spec
from faceserver.vision.architectures import make_embedder
from faceserver.vision.base import Loading
from tests.support.loopback import send, serve
from tests.support.nets import anchor_net, dot_net

RANDOM = np.random.default_rng(3)


@pytest.fixture(autouse=True)
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "models"
    folder.mkdir()
    monkeypatch.setenv("FACESERVER_MODELS_DIR", str(folder))
    return folder


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["models", *map(str, arguments)])


def embedder(path: Path, *, batch: int | str = "batch", side: int = 112) -> Path:
    return dot_net(path, RANDOM.normal(size=(128, 3, side, side)), batch=batch)


def described(models: Path, name: str) -> dict[str, object]:
    return tomllib.loads((models / name / "model.toml").read_text())


def test_an_embedder_needs_to_be_told_what_its_file_does_not_say(
    models: Path, tmp_path: Path
) -> None:
    file = embedder(tmp_path / "w600k.onnx")
    for options, missing in (
        ([], "--normalization (none, unit, signed, signed128, imagenet, whiten)"),
        (["--normalization", "signed"], "--channels (rgb, bgr)"),
    ):
        result = run("add", file, "--as", "mine/arc", *options)
        assert result.exit_code == 1
        assert missing in result.output
        assert not (models / "mine").exists()
    result = run("add", file, "--as", "mine/arc", "--normalization", "signed", "--channels", "bgr")
    assert result.exit_code == 0, result.output
    assert "to use it: FACESERVER_MODEL=mine/arc" in result.output
    assert "threshold 1.2 is not calibrated" in result.output
    spec = load_spec(models / "mine" / "arc", EmbedderSpec)
    assert (spec.architecture, spec.dims, spec.crop.kind) == ("arcface", 128, "aligned")
    assert spec.input.channels == "bgr"
    vectors = make_embedder(spec, Loading(make_engine("openvino", EngineOptions()))).embed(
        [np.full((112, 112, 3), 200, np.uint8)]
    )
    assert vectors.shape == (1, 128)
    assert run("verify").output == "mine/arc: all well\n"


def test_a_network_for_one_face_is_asked_for_one_at_a_time(models: Path, tmp_path: Path) -> None:
    file = embedder(tmp_path / "one.onnx", batch=1)
    options = ["--as", "one", "--normalization", "127.5,0.0078125", "--channels", "rgb"]
    assert run("add", file, *options).exit_code == 0
    toml = described(models, "one")
    assert toml["options"] == {"batch": 1}
    assert toml["input"] == {
        "channels": "rgb",
        "normalization": {"kind": "fixed", "mean": 127.5, "scale": 0.0078125},
    }


@pytest.mark.parametrize("side", [128, None])
def test_a_detector_is_known_by_its_shapes(models: Path, tmp_path: Path, side: int | None) -> None:
    result = run("add", anchor_net(tmp_path / "det.onnx", side=side), "--as", "scrfd")
    assert result.exit_code == 0, result.output
    toml = described(models, "scrfd")
    assert (toml["kind"], toml["architecture"]) == ("detector", "scrfd")
    assert toml["options"] == {"fixed": side is not None, "long_side": side or 640}
    assert "FACESERVER_DETECTOR=scrfd" in result.output


def test_a_mask_network_gets_its_labels(models: Path, tmp_path: Path) -> None:
    file = dot_net(tmp_path / "mask.onnx", RANDOM.normal(size=(2, 3, 64, 64)) / 1e6)
    options = ["--kind", "attribute", "--architecture", "classes"]
    options += ["--normalization", "unit", "--channels", "rgb"]
    assert "--labels" in run("add", file, "--as", "mask", *options).output
    result = run("add", file, "--as", "mask", *options, "--labels", "with_mask,without_mask")
    assert result.exit_code == 0, result.output
    assert described(models, "mask")["labels"] == ["with_mask", "without_mask"]
    assert "attributes=mask" in result.output
    wrong = run("add", file, "--as", "other", *options, "--labels", "a,b,c")
    assert "3 labels, its network 2 outputs" in wrong.output
    assert not (models / "other").exists()


@pytest.mark.parametrize("packed", [True, False])
def test_a_pack_becomes_a_model_for_each_file(models: Path, tmp_path: Path, packed: bool) -> None:
    pack = tmp_path / "buffalo"
    pack.mkdir()
    anchor_net(pack / "det_10g.onnx", side=640)
    embedder(pack / "w600k_r50.onnx")
    dot_net(pack / "2d106det.onnx", RANDOM.normal(size=(212, 3, 192, 192)) / 1e6)
    dot_net(pack / "genderage.onnx", RANDOM.normal(size=(3, 3, 96, 96)) / 1e6)
    dot_net(pack / "1k3d68.onnx", RANDOM.normal(size=(3309 // 100, 3, 192, 192)) / 1e6)
    source = pack
    if packed:
        source = tmp_path / "buffalo.zip"
        with zipfile.ZipFile(source, "w") as archive:
            for file in pack.iterdir():
                archive.write(file, f"buffalo/{file.name}")
            archive.writestr("../../evil.txt", "passed over")
    result = run("add", source, "--as", "insightface")
    assert result.exit_code == 0, result.output
    assert "1k3d68.onnx: skipped" in result.output
    kinds = {
        path.parent.name: tomllib.loads(path.read_text())["architecture"]
        for path in models.rglob("model.toml")
    }
    assert kinds == {
        "det_10g": "scrfd",
        "w600k_r50": "arcface",
        "2d106det": "landmarks106",
        "genderage": "genderage",
    }
    assert described(models, "insightface/2d106det")["name"] == "landmarks106"
    shown = run("show", "insightface.FaceDetector@det_10g")
    assert "insightface/det_10g" in shown.output
    assert "non-commercial research" in shown.output


def test_files_that_look_alike_are_no_pack(models: Path, tmp_path: Path) -> None:
    """Shapes alone establish neither a licence nor how pixels were normalized."""
    pack = tmp_path / "mine"
    pack.mkdir()
    embedder(pack / "w600k_mine.onnx")
    anchor_net(pack / "det_mine.onnx", side=640)
    result = run("add", pack, "--as", "mine")
    assert result.exit_code == 0
    assert result.output.count("skipped; add it separately, and say what it is") == 2
    assert list(models.iterdir()) == []


def test_what_the_user_says_of_a_pack_comes_first(models: Path, tmp_path: Path) -> None:
    pack = tmp_path / "buffalo"
    pack.mkdir()
    embedder(pack / "w600k_r50.onnx")
    anchor_net(pack / "det_10g.onnx", side=640)
    options = ["--normalization", "signed128", "--channels", "bgr", "--licence", "bought"]
    result = run("add", pack, "--as", "pack", *options)
    assert "w600k_r50.onnx: by its name and shapes a file of InsightFace's" in result.output
    toml = described(models, "pack/w600k_r50")
    assert toml["licence"] == "bought"
    assert toml["input"] == {
        "channels": "bgr",
        "normalization": {"kind": "fixed", "mean": 127.5, "scale": 0.0078125},
    }


def test_an_onnx_file_is_known_by_its_hash(models: Path, tmp_path: Path) -> None:
    """The description beside it names its sha256, and nothing needs to be said."""
    file = embedder(tmp_path / "net.onnx")
    options = ["--normalization", "signed", "--channels", "bgr", "--licence", "MIT"]
    run("add", file, "--as", "first", *options, "--threshold", "1.5")
    folder = models / "first"
    result = run("add", folder / "net.onnx", "--as", "second")
    assert result.exit_code == 0, result.output
    first, second = described(models, "first"), described(models, "second")
    for key in ("licence", "input", "crop", "dims", "distances"):
        assert first[key] == second[key], key


@pytest.mark.parametrize("right", [True, False])
def test_vectors_of_the_sources_own_program_are_compared(
    models: Path, tmp_path: Path, right: bool
) -> None:
    weights = RANDOM.normal(size=(128, 3, 112, 112))
    file = dot_net(tmp_path / "net.onnx", weights, batch="batch")
    pixels = RANDOM.integers(0, 256, (112, 112, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "face.png")
    fed = (pixels[..., ::-1].astype(np.float64) - 127.5) / 127.5
    vector = np.tensordot(weights, fed.transpose(2, 0, 1), 3)
    (tmp_path / "own.json").write_text(json.dumps([vector.tolist()]))
    options: list[str | Path] = ["--normalization", "signed"]
    options += ["--channels", "bgr" if right else "rgb"]
    options += ["--picture", tmp_path / "face.png", "--expected", tmp_path / "own.json"]
    result = run("add", file, "--as", "mine", *options)
    if right:
        assert "the whole way from picture to vector differs by at most" in result.output
    else:
        assert "in bgr agrees: --normalization signed --channels bgr" in result.output
    assert (models / "mine").exists() == right


def test_what_is_no_network_is_refused(models: Path, tmp_path: Path) -> None:
    (tmp_path / "text.onnx").write_text("this is no network")
    said = run("add", tmp_path / "text.onnx", "--as", "x").output
    assert "text.onnx is a file of no kind that is known here, where a model is expected" in said
    assert "not_found" in run("add", tmp_path / "nothing.onnx", "--as", "x").output
    file = embedder(tmp_path / "net.onnx")
    assert "does not have the sha256" in run("add", file, "--as", "x", "--sha256", "0" * 64).output
    options = ["--normalization", "wild", "--channels", "rgb"]
    assert "'wild' is not a normalization" in run("add", file, "--as", "x", *options).output
    assert "invalid_request" in run("add", file).output
    assert list(models.iterdir()) == []


def test_a_zip_of_two_files_of_one_name_is_refused(models: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as archive:
        archive.writestr("a/net.onnx", b"1")
        archive.writestr("b/net.onnx", b"2")
    result = run("add", tmp_path / "two.zip", "--as", "x")
    assert "cannot be extracted" in result.output
    (tmp_path / "cut.zip").write_bytes((tmp_path / "two.zip").read_bytes()[:-20])
    assert run("add", tmp_path / "cut.zip", "--as", "x").exit_code == 1


def test_a_url_is_fetched(models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACESERVER_URL_ALLOW_NETWORKS", "127.0.0.0/8")
    file = anchor_net(tmp_path / "det.onnx")
    with serve() as site:
        site.answers["/det.onnx?raw=1"] = send(file.read_bytes())
        right = sha256_of(file)
        result = run("add", site.url("/det.onnx?raw=1"), "--as", "far", "--sha256", right)
    assert result.exit_code == 0, result.output
    assert (models / "far" / "det.onnx").read_bytes() == file.read_bytes()


def test_a_url_within_is_refused_like_any_other(tmp_path: Path) -> None:
    result = run("add", "http://127.0.0.1:1/net.onnx", "--as", "x")
    assert result.exit_code == 1
    assert "url_forbidden" in result.output


def test_a_model_is_removed_unless_it_is_needed(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = ["--normalization", "none", "--channels", "rgb"]
    for name in ("one", "two"):
        run("add", embedder(tmp_path / f"{name}.onnx"), "--as", name, *options)
    text = (models / "two" / "model.toml").read_text()
    (models / "two" / "model.toml").write_text(text.replace('"two.onnx"\n', '"../one/one.onnx"\n'))
    assert "two needs files of one" in run("remove", "one").output
    assert run("remove", "two").output == "removed two\n"
    monkeypatch.setenv("FACESERVER_MODEL", "one")
    assert "in use" in run("remove", "one").output
    monkeypatch.setenv("FACESERVER_MODEL", "another")
    assert run("remove", "one").output == "removed one\n"
    assert "not_found" in run("remove", "one").output
    assert list(models.iterdir()) == []


@pytest.mark.parametrize("command", ["add", "show", "remove", "pull"])
def test_every_command_has_help(command: str) -> None:
    assert "Usage:" in run(command, "--help").output
