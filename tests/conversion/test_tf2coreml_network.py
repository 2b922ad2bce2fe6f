"""What the conversion to CoreML does before coremltools is asked: none of this needs it."""

import subprocess
import sys
from argparse import ArgumentParser
from pathlib import Path

import numpy as np
import pytest

from faceserver.conversion import tf2coreml
from faceserver.conversion.coreml.about import About, about, metadata, swift_line
from faceserver.conversion.coreml.check import load_pictures, normalized
from faceserver.conversion.coreml.files import staged
from faceserver.conversion.coreml.library import load
from faceserver.conversion.coreml.network import embedder, pixel_scaling
from faceserver.conversion.fingerprint import sha256_of
from faceserver.conversion.graph.layers import (
    Affine,
    BatchNorm,
    Convolution,
    GlobalAverage,
    Input,
    Layer,
    Pad,
    Pooling,
    PRelu,
    Relu,
    Sum,
)
from faceserver.conversion.graph.shapes import pads
from faceserver.conversion.network import read_network
from faceserver.conversion.options import add_source_options, pixels_of
from faceserver.conversion.readers.tf_source import read_source
from faceserver.errors import ModelError, SetupError
from faceserver.models.spec import FixedNormalization, WhiteningNormalization
from tests.conversion.coreml_graphs import SIZE, read, small_facenet
from tests.conversion.graphs import Graph

MODEL_TOML = (
    Path(__file__)
    .resolve()
    .parents[2]
    .joinpath("models", "inception_resnet", "20180408-102900", "model.toml")
)
SCRIPT = Path(__file__).resolve().parents[2] / "convert" / "tf2coreml.py"

FIXED = FixedNormalization(kind="fixed", mean=127.5, scale=1 / 128)
WHITENED = WhiteningNormalization(kind="whiten")


def picture(channels: int = 3, size: int = 8) -> Input:
    return Input("data", (), (1, channels, size, size))


def convolution(name: str, bottom: str, shape: tuple[int, int, int, int]) -> Convolution:
    return Convolution(name, (bottom,), np.ones(shape, np.float32), None, (1, 1), "VALID")


def vector(bottom: str = "data", channels: int = 3, size: int = 8) -> Convolution:
    return convolution("vector", bottom, (16, channels, size, size))


@pytest.mark.parametrize("dims", [128, 512])
@pytest.mark.parametrize("folded", [False, True])
def test_a_facenet_is_read(tmp_path: Path, dims: int, folded: bool) -> None:
    network = read(small_facenet(dims, folded=folded).save(tmp_path))
    assert network.input_shape == (3, *SIZE)
    assert network.dims == dims
    names = [layer.name for layer in network.layers]
    assert len(set(names)) == len(names)
    assert all(name.isidentifier() for name in names)
    assert network.convolutions[-1].weights.shape == (dims, 10, 1, 1)


def test_a_product_becomes_a_convolution_in_tensorflows_order(tmp_path: Path) -> None:
    graph = Graph((1, 2, 4, 3))
    matrix = graph.noise(24, 5)
    graph.dense("fc", graph.reshape("flat", "input", [-1, 24]), matrix)
    (layer,) = read(graph.save(tmp_path)).convolutions
    values = graph.noise(2, 4, 3)  # rows, columns, channels
    by_convolution = np.einsum("ocij,ijc->o", layer.weights, values)
    assert np.abs(by_convolution - values.ravel() @ matrix).max() < 1e-5


def test_scales_that_nothing_took_in_become_1x1_convolutions() -> None:
    one, two, three = (np.array([value], np.float32) for value in (1, 2, 3))
    channels = np.array([1, 2, 3], np.float32)
    norm = BatchNorm("norm", ("scaled",), channels, two, three, channels**2 - 1, epsilon=1.0)
    layers = [picture(), Affine("scaled", ("data",), two, -one), norm, vector("norm")]
    scaled, normed, _vector = embedder(layers).convolutions
    assert (scaled.groups, scaled.weights.reshape(-1).tolist()) == (3, [2, 2, 2])
    assert scaled.bias is not None
    assert scaled.bias.tolist() == [-1, -1, -1]
    assert normed.weights.reshape(-1).tolist() == [1, 1, 1], "gamma / sqrt(variance + 1)"
    assert normed.bias is not None
    assert normed.bias.tolist() == [-1, -1, -1]


def test_a_global_average_pools_all_rows_and_columns() -> None:
    padded = Pad("padded", ("data",), rows=(1, 0), columns=(2, 3))
    layers = [picture(), padded, GlobalAverage("mean", ("padded",), keeps_axes=False)]
    network = embedder([*layers, vector("mean", size=1)])
    pool = network.layers[2]
    assert isinstance(pool, Pooling)
    assert (pool.method, pool.kernel) == ("average", (9, 13))
    assert network.shapes["padded"] == (3, 9, 13)


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "expected"),
    [(8, 3, 1, (1, 1)), (8, 3, 2, (0, 1)), (7, 3, 2, (1, 1)), (8, 1, 2, (0, 0)), (9, 4, 1, (1, 2))],
)
def test_padding_is_tensorflows(
    size: int, kernel: int, stride: int, expected: tuple[int, int]
) -> None:
    layer = Pooling("pool", ("data",), "max", (kernel, 1), (stride, 1), "SAME")
    assert pads(layer, (3, size, 5)) == (*expected, 0, 0)


@pytest.mark.parametrize("name", ["image", "embedding", "pixels", "whiten_mean", "unit_row", "7x7"])
def test_a_layers_name_does_not_clash_with_ours(name: str) -> None:
    relu = Relu(name, ("data",))
    network = embedder([picture(), relu, vector(name)])
    assert network.layers[1].name == f"net_{name}"
    assert network.layers[2].bottoms == (f"net_{name}",)


def test_names_that_differ_by_their_slashes_stay_apart() -> None:
    layers = [picture(), Relu("a/b", ("data",)), Relu("a_b", ("a/b",)), vector("a_b")]
    assert [layer.name for layer in embedder(layers).layers] == ["data", "a_b", "a_b_", "vector"]


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([], "it must have one input"),
        ([picture(), picture(), vector()], "it must have one input"),
        ([picture(4), vector(channels=4)], "must be a picture of 3 channels"),
        ([picture(), Relu("relu", ("data",))], r"must end in one vector, not in \(3, 8, 8\)"),
        ([picture(), convolution("c", "data", (1, 3, 8, 8))], "must end in one vector"),
        ([picture(size=1), Relu("relu", ("data",))], "must end in one vector"),
        ([picture(), vector(channels=4)], "'vector' needs 4 channels, its input has 3"),
        ([picture(), vector(size=9)], "'vector' has a window larger than its input"),
        (
            [picture(), convolution("c", "data", (3, 3, 2, 2)), Sum("sum", ("data", "c"))],
            "'sum' joins blobs of different shapes",
        ),
        (
            [picture(), PRelu("slopes", ("data",), np.ones(3, np.float32))],
            "must end in one vector",
        ),
    ],
)
def test_what_is_no_facenet_is_refused(layers: list[Layer], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        embedder(layers)


def test_a_product_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    graph = Graph((1, 2, 2, 3))
    graph.dense("fc", graph.reshape("flat", "input", [-1, 12]), graph.noise(11, 5))
    with pytest.raises(ModelError, match="'fc' needs 11 values"):
        read(graph.save(tmp_path))


@pytest.mark.parametrize("normalization", [FIXED, WHITENED], ids=["fixed", "whiten"])
@pytest.mark.parametrize("contrast", [1.0, 0.01, 0.0])
def test_the_scaling_is_the_normalization(
    normalization: FixedNormalization | WhiteningNormalization, contrast: float
) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (1, 6, 5, 3))
    pixels = (90 + contrast * (noise - 90.0)).astype(np.uint8)
    scaling = pixel_scaling(normalization, (3, 6, 5))
    values = pixels.astype(np.float64) * scaling.scale + scaling.bias
    if scaling.floor is not None:
        values = (values - values.mean()) / max(values.std(), scaling.floor)
    found = normalized(pixels, normalization)
    assert found.shape == (1, 3, 6, 5)
    assert np.abs(found - values.transpose(0, 3, 1, 2)).max() < 1e-5


def test_each_picture_is_whitened_by_itself() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (2, 6, 5, 3), np.uint8)
    pixels[1] //= 8
    found = normalized(pixels, WHITENED)
    assert np.abs(found.mean((1, 2, 3))).max() < 1e-6
    assert np.abs(found.std((1, 2, 3)) - 1).max() < 1e-5


def write_description(folder: Path, source: Path) -> Path:
    """The real description, as if it were of this source."""
    text = MODEL_TOML.read_text().splitlines()
    lines = [
        f'"{source.name}" = "{sha256_of(source)}"' if line.startswith('"graph_final') else line
        for line in text
    ]
    path = folder / "model.toml"
    path.write_text("\n".join(lines))
    return path


def known_of(source: Path, *options: str) -> About:
    network = read_network(read_source(source))
    parser = ArgumentParser()
    add_source_options(parser)
    parsed = parser.parse_args([str(source), "out", *options])
    return about(network, pixels_of(parsed, network))


def test_a_source_is_recognised_by_the_description_beside_it(tmp_path: Path) -> None:
    source = small_facenet(512).save(tmp_path)
    write_description(tmp_path, source)
    known = known_of(source)
    assert (known.name, known.licence, known.normalization) == ("20180408-102900", "MIT", FIXED)
    assert known_of(source, "--normalization", "whiten").normalization == WHITENED


def test_a_description_does_not_hold_against_the_vectors_length(tmp_path: Path) -> None:
    source = small_facenet(128).save(tmp_path)
    write_description(tmp_path, source)
    with pytest.raises(ModelError, match="vectors of 128 values, 20180408-102900 has 512"):
        known_of(source)


def test_another_models_description_is_not_taken_unless_it_is_named(tmp_path: Path) -> None:
    source = small_facenet(512).save(tmp_path)
    path = write_description(tmp_path, MODEL_TOML)
    with pytest.raises(ModelError, match=r"graph\.pb is none of the models.*--normalization"):
        known_of(source)
    assert known_of(source, "--model-toml", str(path)).normalization == FIXED


def test_raw_pixels_are_a_choice(tmp_path: Path) -> None:
    source = small_facenet(128).save(tmp_path)
    found = known_of(source, "--normalization", "none").normalization
    assert found == FixedNormalization(kind="fixed", mean=0, scale=1)


def test_a_model_of_ones_own_needs_no_description(tmp_path: Path) -> None:
    known = known_of(small_facenet(128).save(tmp_path), "--normalization", "whiten")
    assert (known.name, known.source, known.licence) == ("graph", "graph.pb", "not stated")


def test_a_description_has_its_name(tmp_path: Path) -> None:
    source = small_facenet(128).save(tmp_path)
    with pytest.raises(ModelError, match=r"other\.toml is not named model\.toml"):
        known_of(source, "--model-toml", str(tmp_path / "other.toml"))


def test_the_metadata_tells_how_to_use_the_model(tmp_path: Path) -> None:
    known = known_of(small_facenet(128).save(tmp_path), "--normalization", "whiten")
    words = metadata(known, "abc", (3, 160, 150), 128)
    assert words["input"] == "RGB picture of a face, 150x160 pixels"
    assert words["normalization"].startswith("inside: (x - mean) / max(deviation")
    assert (words["dims"], words["source_sha256"]) == ("128", "abc")
    assert swift_line("Face").startswith("let vector = try Face(configuration: ")


@pytest.mark.parametrize("as_folder", [False, True])
def test_a_result_replaces_an_older_one(tmp_path: Path, as_folder: bool) -> None:
    target = tmp_path / "out" / "net.mlpackage"
    for round_ in ("first", "second"):
        with staged(target) as made:
            file = made / "Manifest.json" if as_folder else made
            file.parent.mkdir(exist_ok=True)
            file.write_text(round_)
    assert (target / "Manifest.json" if as_folder else target).read_text() == "second"
    assert list(target.parent.iterdir()) == [target]


def test_a_failure_leaves_the_older_result(tmp_path: Path) -> None:
    target = tmp_path / "net.mlmodel"
    target.write_text("first")

    def fail() -> None:
        with staged(target) as made:
            made.write_text("half")
            raise ModelError("no")

    with pytest.raises(ModelError, match="no"):
        fail()
    assert target.read_text() == "first"
    assert list(tmp_path.iterdir()) == [target]


def test_pictures_are_scaled_to_the_network(tmp_path: Path) -> None:
    network = read(small_facenet(128).save(tmp_path))
    assert load_pictures([], network).shape == (2, *SIZE, 3)
    with pytest.raises(ModelError, match=r"graph\.pb cannot be read as a picture"):
        load_pictures([tmp_path / "graph.pb"], network)


def run_command(*arguments: Path | str) -> None:
    tf2coreml.main([str(argument) for argument in arguments])


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"nothing\.pb cannot be read: No such file"):
        run_command(tmp_path / "nothing.pb", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_truncated_graph(tmp_path: Path) -> None:
    source = small_facenet(128).save(tmp_path)
    source.write_bytes(source.read_bytes()[:-7])
    with pytest.raises(ModelError, match="truncated"):
        run_command(source, tmp_path / "out", "--normalization", "fixed")
    assert not (tmp_path / "out").exists()


def test_an_output_folder_that_cannot_be_written(tmp_path: Path) -> None:
    source = small_facenet(128).save(tmp_path)
    with pytest.raises(ModelError, match=r"out cannot be made: the file .*graph\.pb is in the way"):
        run_command(source, source / "out", "--normalization", "fixed")


def test_a_folder_in_the_way_is_kept(tmp_path: Path) -> None:
    target = tmp_path / "net.mlpackage"
    target.mkdir()
    (target / "letter.txt").write_text("mine")
    with (
        pytest.raises(ModelError, match=r"net\.mlpackage cannot be written: a folder of that name"),
        staged(target),
    ):
        pass
    assert (target / "letter.txt").read_text() == "mine"


def test_a_missing_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "coremltools", None)
    source = small_facenet(128).save(tmp_path)
    with pytest.raises(SetupError, match=r"coremltools is not installed; .*make test-convert"):
        run_command(source, tmp_path / "out", "--normalization", "fixed")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_package_that_fails_for_another_reason_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_package.py").write_text("import what_it_needs")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="what_it_needs"):
        load("broken_package")


def test_the_command_ends_with_one_line_and_a_status(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(tmp_path / "nothing.pb"), str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1


def test_help_tells_what_comes_out(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        run_command("--help")
    assert stopped.value.code == 0
    said = capsys.readouterr().out
    assert "OUT_FOLDER/facenet.mlpackage" in said
    assert "examples:" in said
