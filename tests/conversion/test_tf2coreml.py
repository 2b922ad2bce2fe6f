"""CoreML files, read back by others' code, compute what their source computes."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from faceserver.conversion import tf2coreml
from faceserver.conversion.coreml import check
from faceserver.conversion.coreml.about import About
from faceserver.conversion.coreml.check import (
    HALF_TOLERANCE,
    TOLERANCE,
    check_outputs,
    check_program,
    expected_embeddings,
    load_pictures,
    normalized,
)
from faceserver.conversion.coreml.library import load
from faceserver.conversion.coreml.network import Embedder, PixelScaling, embedder
from faceserver.conversion.coreml.reader import Pictures, read_program, run_neural_network
from faceserver.conversion.graph.layers import Affine, Convolution, GlobalAverage, Input, Pad
from faceserver.conversion.published import published
from faceserver.conversion.readers.tf_source import read_source
from faceserver.conversion.tf2coreml import Form
from faceserver.errors import ModelError, SetupError
from faceserver.models.spec import (
    EmbedderSpec,
    FixedNormalization,
    Normalization,
    WhiteningNormalization,
    load_spec,
)
from tests.conversion.coreml_graphs import SIZE, read, small_facenet
from tests.support.photographs import Photographs

try:
    load("coremltools")
except SetupError:
    pytest.skip("the extra convert is not installed", allow_module_level=True)

pytestmark = [
    pytest.mark.convert,
    # coremltools leaves a folder of its own to be removed when it is forgotten.
    pytest.mark.filterwarnings("ignore:Implicitly cleaning up:ResourceWarning"),
]

ROOT = Path(__file__).resolve().parents[2]
FACENET = ROOT / "models" / "inception_resnet" / "20180408-102900"

FIXED = FixedNormalization(kind="fixed", mean=127.5, scale=1 / 128)
WHITENED = WhiteningNormalization(kind="whiten")


def made_of(network: Embedder, folder: Path, form: Form, normalization: Normalization) -> Path:
    path = folder / f"net{form.suffix}"
    about = About("net", "nobody", "none", "a test", normalization)
    tf2coreml.convert(network, about, form).save(str(path))
    return path


def pictures() -> Pictures:
    """Noise, a dark picture of little contrast, and one of a single colour."""
    noise = np.random.default_rng(3).integers(0, 256, (3, *SIZE, 3), np.uint8)
    noise[1] = 20 + noise[1] // 64
    noise[2] = 90
    return noise


@pytest.mark.parametrize("normalization", [FIXED, WHITENED], ids=["fixed", "whiten"])
@pytest.mark.parametrize("dims", [128, 512])
@pytest.mark.parametrize("half", [False, True])
def test_a_neural_network_agrees_with_its_source(
    tmp_path: Path, normalization: Normalization, dims: int, half: bool
) -> None:
    source = small_facenet(dims, folded=dims == 128, unit=half).save(tmp_path)
    network = read(source)
    made = made_of(network, tmp_path, Form(neural_network=True, half=half), normalization)
    found = run_neural_network(made, pictures())
    expected = expected_embeddings(read_source(source), normalization, pictures())
    assert found.shape == (3, dims)
    assert np.abs(found - expected).max() < (HALF_TOLERANCE if half else 1e-6)
    assert np.abs(np.linalg.norm(found, axis=1) - 1).max() < 1e-5


@pytest.mark.parametrize("normalization", [FIXED, WHITENED], ids=["fixed", "whiten"])
@pytest.mark.parametrize("dims", [128, 512])
@pytest.mark.parametrize("half", [False, True])
def test_a_program_has_its_sources_weights(
    tmp_path: Path, normalization: Normalization, dims: int, half: bool
) -> None:
    network = read(small_facenet(dims, folded=dims == 512).save(tmp_path))
    made = made_of(network, tmp_path, Form(half=half), normalization)
    apart = check_program(made, network, half=half)
    assert apart == 0 if not half else 0 < apart < 1e-2


def test_a_product_over_rows_and_columns_reads_them_in_tensorflows_order(tmp_path: Path) -> None:
    source = small_facenet(128, whole=True).save(tmp_path)
    made = made_of(read(source), tmp_path, Form(neural_network=True), FIXED)
    assert check_outputs(made, read_source(source), FIXED, pictures(), half=False) < 1e-6


def test_layers_that_other_facenets_have(tmp_path: Path) -> None:
    random = np.random.default_rng(5)
    weights = random.standard_normal((6, 3, 3, 3), np.float32)
    pooled = random.standard_normal((6,), np.float32)
    network = embedder(
        [
            Input("data", (), (1, 3, 8, 7)),
            Affine("scaled", ("data",), np.full(1, 2, np.float32), np.full(1, -1, np.float32)),
            Pad("padded", ("scaled",), rows=(1, 0), columns=(2, 1)),
            Convolution("conv", ("padded",), weights, None, (1, 1), "VALID"),
            GlobalAverage("mean", ("conv",), keeps_axes=True),
            Affine("last", ("mean",), pooled, pooled),
        ]
    )
    made = made_of(network, tmp_path, Form(neural_network=True), FIXED)
    program = made_of(network, tmp_path, Form(), FIXED)
    assert check_program(program, network, half=False) == 0
    picture = random.integers(0, 256, (1, 8, 7, 3), np.uint8)
    padded = np.pad(2 * normalized(picture, FIXED)[0] - 1, [(0, 0), (1, 0), (2, 1)])
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (1, 2))
    means = np.einsum("cyxij,ocij->oyx", windows, weights).mean((1, 2))
    expected = means * pooled + pooled
    found = run_neural_network(made, picture)
    assert np.abs(found - expected / np.linalg.norm(expected)).max() < 1e-5


def test_the_check_notices_another_normalization(tmp_path: Path) -> None:
    source = small_facenet(128).save(tmp_path)
    made = made_of(read(source), tmp_path, Form(neural_network=True), FIXED)
    with pytest.raises(ModelError, match=r"the embeddings differ by .*, more than 1e-03"):
        check_outputs(made, read_source(source), WHITENED, pictures(), half=False)


@pytest.mark.parametrize("half", [False, True])
def test_the_check_notices_other_weights(tmp_path: Path, half: bool) -> None:
    network = read(small_facenet(128).save(tmp_path))
    made = made_of(network, tmp_path, Form(half=half), FIXED)
    network.convolutions[3].weights[0, 0, 0, 0] += 0.01
    with pytest.raises(ModelError, match=r"the weights of 'net_block_up' differ by 1\.0e-02"):
        check_program(made, network, half=half)


def test_the_check_notices_other_windows_and_layers(tmp_path: Path) -> None:
    network = read(small_facenet(128).save(tmp_path))
    made = made_of(network, tmp_path, Form(), FIXED)
    place, first = next(
        (place, layer)
        for place, layer in enumerate(network.layers)
        if isinstance(layer, Convolution)
    )
    network.layers[place] = replace(first, padding="VALID")
    with pytest.raises(ModelError, match=r"'net_Conv2d_1a' has steps and pads of"):
        check_program(made, network, half=False)
    network.layers[place] = replace(first, name="other")
    with pytest.raises(ModelError, match=r"\['net_Conv2d_1a', 'other'\] are in one of the two"):
        check_program(made, network, half=False)


def test_the_check_notices_another_size(tmp_path: Path) -> None:
    made = made_of(read(small_facenet(128).save(tmp_path)), tmp_path, Form(), FIXED)
    other = read(small_facenet(512).save(tmp_path))
    with pytest.raises(ModelError, match=r"the output should be embedding \(1, 512\)"):
        check_program(made, other, half=False)


def test_16_bits_leave_the_whitening_and_the_length_in_32(tmp_path: Path) -> None:
    network = read(small_facenet(128).save(tmp_path))
    program = read_program(made_of(network, tmp_path, Form(half=True), WHITENED))
    dtypes = {
        op.name: op.outputs[0].dtype.__name__
        for op in program.functions["main"].operations
        if op.op_type not in ("const", "cast")
    }
    in_halves = {name for name, dtype in dtypes.items() if dtype == "fp16"}
    assert {name for name in dtypes if name.startswith(("whiten", "unit", "pixels"))}.isdisjoint(
        in_halves
    )
    assert dtypes["embedding"] == "fp32"
    assert {layer.name + "_cast_fp16" for layer in network.convolutions} <= in_halves


def test_a_mac_runs_the_file_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    source = small_facenet(128).save(tmp_path)
    expected = iter(
        expected_embeddings(read_source(source), FIXED, load_pictures([], read(source)))
    )

    class Runs(load("coremltools").models.MLModel):  # type: ignore[misc]
        def predict(self, data: dict[str, Image.Image]) -> dict[str, NDArray[np.float32]]:
            assert data["image"].size == SIZE[::-1]
            return {"embedding": next(expected)[None]}

    monkeypatch.setattr(load("coremltools").models, "MLModel", Runs)
    monkeypatch.setattr(check, "RUNS_COREML", True)
    tf2coreml.main([str(source), str(tmp_path / "out"), "--normalization", "fixed", "--check"])
    assert "the embeddings differ from the source's by at most 0.0e+00" in capsys.readouterr().out
    assert (tmp_path / "out" / "facenet.mlpackage").is_dir()


@pytest.mark.parametrize("form", [Form(), Form(neural_network=True)], ids=["program", "network"])
def test_the_file_says_what_it_is(
    tmp_path: Path, form: Form, capsys: pytest.CaptureFixture[str]
) -> None:
    source = small_facenet(128).save(tmp_path)
    arguments = [str(source), str(tmp_path / "out"), "--name", "Face", "--normalization", "whiten"]
    arguments += ["--author", "A. Author", "--licence", "CC0", "--check"]
    arguments += ["--neural-network"] * form.neural_network
    tf2coreml.main(arguments)
    path = tmp_path / "out" / f"Face{form.suffix}"
    model = load("coremltools").models.MLModel(str(path), skip_model_load=True)
    assert [path.name for path in (tmp_path / "out").iterdir()] == [path.name]
    assert (model.author, model.license, model.version) == ("A. Author", "CC0", "graph")
    words = dict(model.user_defined_metadata)
    assert words["dims"] == "128"
    assert words["source"] == "graph.pb"
    assert words["input"] == "RGB picture of a face, 21x24 pixels"
    assert words["swift"] in model.short_description
    assert "Face(configuration: MLModelConfiguration()).prediction(image: " in words["swift"]
    description = model.get_spec().description
    image = description.input[0].type.imageType
    assert (description.input[0].name, image.width, image.height) == ("image", 21, 24)
    assert image.colorSpace == image.RGB
    vector = description.output[0].type.multiArrayType
    assert (description.output[0].name, vector.shape[-1]) == ("embedding", 128)
    assert vector.dataType == vector.FLOAT32
    said = capsys.readouterr().out
    assert "layers with" in said
    assert "checked: the " in said


def test_nothing_is_put_in_place_when_the_check_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = small_facenet(128).save(tmp_path)
    nothing_done = PixelScaling(scale=1.0, bias=0.0, floor=None)
    monkeypatch.setattr(tf2coreml, "pixel_scaling", lambda *_: nothing_done)
    arguments = [str(source), str(tmp_path / "out"), "--normalization", "fixed", "--check"]
    with pytest.raises(ModelError, match="the embeddings differ"):
        tf2coreml.main([*arguments, "--neural-network"])
    assert list((tmp_path / "out").iterdir()) == []


@pytest.fixture(scope="module")
def graph() -> Path:
    return published("facenet").fetch(load_spec(FACENET, EmbedderSpec), ROOT / ".cache" / "sources")


@pytest.fixture(scope="module")
def faces(photographs: Photographs) -> Pictures:
    """Faces of two men, as they are cut out for the model."""
    crops = []
    for name, box in {"obama.jpg": (330, 60, 680, 410), "biden.jpg": (400, 150, 800, 550)}.items():
        with Image.open(photographs[name]) as picture:
            crops.append(np.asarray(picture.convert("RGB").crop(box).resize((160, 160))))
    return np.stack(crops)


@pytest.mark.parametrize(
    ("normalization", "half"), [(FIXED, False), (FIXED, True), (WHITENED, True)]
)
def test_facenet_agrees_with_its_source_on_faces(
    tmp_path: Path, graph: Path, faces: Pictures, half: bool, normalization: Normalization
) -> None:
    form = Form(neural_network=True, half=half)
    made = made_of(read(graph), tmp_path, form, normalization)
    apart = check_outputs(made, read_source(graph), normalization, faces, half=half)
    assert apart < (HALF_TOLERANCE if half else TOLERANCE)


@pytest.mark.parametrize("half", [False, True])
def test_facenets_program_is_recognised_and_keeps_its_weights(
    tmp_path: Path, graph: Path, half: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    tf2coreml.main([str(graph), str(tmp_path), "--check", *["--half"] * half])
    said = capsys.readouterr().out
    assert "133 layers with 23,467,824 parameters make 512 values of 160x160 pixels" in said
    program = tmp_path / "facenet.mlpackage"
    model = load("coremltools").models.MLModel(str(program), skip_model_load=True)
    assert model.license == "MIT"
    assert "inside: (x - 127.5) * 0.0078125" in model.user_defined_metadata["normalization"]
    shutil.rmtree(program)
