"""The same calls on every engine that is present give the same answers."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from faceserver.engines import (
    Engine,
    EngineOptions,
    Network,
    Precision,
    Preprocessing,
    RemoteOptions,
    engines,
    make_engine,
)
from faceserver.engines.pixels import normalized
from faceserver.errors import LibraryMissing, ModelError
from faceserver.models.remote import RemoteNetwork
from faceserver.models.spec import (
    DetectorSpec,
    EmbedderSpec,
    FixedNormalization,
    NetworkFiles,
    Normalization,
    WhiteningNormalization,
    load_spec,
)
from faceserver.types import Floats, Image
from tests.support.triton import Triton

MODELS = Path(__file__).resolve().parents[2] / "models"
OPTIONS = EngineOptions(threads=2)
REFERENCE = "opencv"


def network_files() -> dict[str, NetworkFiles]:
    detector = load_spec(MODELS / "mtcnn", DetectorSpec)
    embedder = load_spec(MODELS / "inception_resnet" / "20180408-102900", EmbedderSpec)
    networks = {**detector.networks, **embedder.networks}
    return {
        name: files.model_copy(update={"remote": RemoteNetwork(model=name)})
        for name, files in networks.items()
    }


FILES = network_files()
SHAPES = [
    ("pnet", (1, 3, 12, 12)),
    ("pnet", (1, 3, 57, 40)),
    ("pnet", (1, 3, 360, 241)),
    ("pnet", (3, 3, 97, 64)),
    ("pnet", (8, 3, 33, 33)),
    *(("rnet", (batch, 3, 24, 24)) for batch in (1, 3, 8)),
    *(("onet", (batch, 3, 48, 48)) for batch in (1, 3, 8)),
    *(("embedder", (batch, 3, 160, 160)) for batch in (1, 3, 8)),
]


def present(name: str) -> Engine | None:
    try:
        return make_engine(name, OPTIONS)
    except LibraryMissing:
        return None


PRESENT = [name for name in engines.names() if name != "oip" and present(name)]
REMOTE = ["oip-grpc", "oip-http"]
ENGINES = [
    pytest.param(name, marks=pytest.mark.pycaffe if name == "caffe" else ())
    for name in (*PRESENT, *REMOTE)
]
ADDRESSES: dict[str, RemoteOptions] = {}


@pytest.fixture
def engine(request: pytest.FixtureRequest) -> str:
    """An engine's name; where it is one that needs a server, that runs by now."""
    name: str = request.param
    if name in REMOTE:
        triton: Triton = request.getfixturevalue("triton")
        ADDRESSES[name] = triton.options(name.removeprefix("oip-"))
    return name


def make(name: str, options: EngineOptions) -> Engine:
    if name in REMOTE:
        return make_engine("oip", replace(options, remote=ADDRESSES[name]))
    return make_engine(name, options)


@pytest.fixture(scope="module")
def loaded() -> dict[tuple[str, str, str], Network]:
    """Networks by engine, precision and name, each loaded once."""
    return {}


def network(
    loaded: dict[tuple[str, str, str], Network], engine: str, precision: Precision, name: str
) -> Network:
    key = (engine, precision, name)
    if key not in loaded:
        loaded[key] = make(engine, OPTIONS).load(FILES[name], precision)
    return loaded[key]


def picture(shape: tuple[int, ...]) -> Floats:
    """Smooth noise in the range of normalized pixels, the same for the same shape."""
    noise = np.random.default_rng(shape).standard_normal(shape).cumsum(2).cumsum(3)
    return np.asarray(np.tanh(noise / noise.std()), np.float32)


def unit(rows: Floats) -> Floats:
    flat = rows.reshape(len(rows), -1)
    return np.asarray(flat / np.linalg.norm(flat, axis=1, keepdims=True), np.float32)


@pytest.mark.parametrize("engine", ENGINES, indirect=True)
@pytest.mark.parametrize(("name", "shape"), SHAPES)
def test_outputs_agree_in_f32(
    loaded: dict[tuple[str, str, str], Network], engine: str, name: str, shape: tuple[int, ...]
) -> None:
    feeds = picture(shape)
    tested, reference = (network(loaded, each, "f32", name) for each in (engine, REFERENCE))
    answers = tested.predict({tested.inputs[0]: feeds})
    expected = reference.predict({reference.inputs[0]: feeds})
    assert set(answers) == set(tested.outputs) == set(expected)
    for output, values in answers.items():
        assert values.dtype == np.float32
        assert values.shape == expected[output].shape
        assert len(values) == shape[0]
        assert np.abs(values - expected[output]).max() < 1e-4, output


@pytest.mark.parametrize("engine", ENGINES, indirect=True)
@pytest.mark.parametrize("batch", [1, 3, 8])
def test_embeddings_agree_in_the_fastest_precision(
    loaded: dict[tuple[str, str, str], Network], engine: str, batch: int
) -> None:
    """The detector's networks are not asked: they always run in f32."""
    feeds = picture((batch, 3, 160, 160))
    fast = network(loaded, engine, "auto", "embedder")
    exact = network(loaded, engine, "f32", "embedder")
    answers = fast.predict({fast.inputs[0]: feeds})["embeddings"]
    expected = exact.predict({exact.inputs[0]: feeds})["embeddings"]
    assert np.sum(unit(answers) * unit(expected), axis=1).min() >= 0.9999


def photographs(count: int, side: int) -> Image:
    """Smooth pictures, each brighter than the one before."""
    shape = (count, side, side, 3)
    noise = np.random.default_rng(shape).standard_normal(shape).cumsum(1).cumsum(2)
    light = np.linspace(0.2, 1.0, count).reshape(-1, 1, 1, 1)
    return np.asarray((np.tanh(noise / noise.std()) + 1) * 127 * light, np.uint8)


NORMALIZATIONS: list[Normalization] = [
    FixedNormalization(kind="fixed", mean=127.5, scale=1 / 128),
    FixedNormalization(kind="fixed", mean=99.0, scale=0.01),
    WhiteningNormalization(kind="whiten"),
]


@pytest.mark.parametrize("engine", ENGINES, indirect=True)
@pytest.mark.parametrize("how", NORMALIZATIONS, ids=str)
@pytest.mark.parametrize("axes", [(0, 3, 1, 2), (0, 3, 2, 1)], ids=["upright", "on its side"])
def test_preprocessing_is_part_of_the_network(
    loaded: dict[tuple[str, str, str], Network],
    engine: str,
    how: Normalization,
    axes: tuple[int, int, int, int],
) -> None:
    pictures = photographs(3, 24)
    tested = make(engine, OPTIONS).load(FILES["rnet"], "f32", Preprocessing(how, axes))
    assert tested.takes == np.uint8
    reference = network(loaded, REFERENCE, "f32", "rnet")
    blob = np.ascontiguousarray(normalized(pictures, how).transpose(axes))
    answers = tested.predict({tested.inputs[0]: pictures})
    for output, values in reference.predict({reference.inputs[0]: blob}).items():
        assert np.abs(values - answers[output]).max() < 1e-4, output


@pytest.mark.parametrize("engine", ENGINES, indirect=True)
@pytest.mark.parametrize("how", NORMALIZATIONS[1:], ids=str)
def test_preprocessing_keeps_its_precision_in_the_fastest_one(
    loaded: dict[tuple[str, str, str], Network], engine: str, how: Normalization
) -> None:
    pictures = photographs(3, 160)
    inside = make(engine, OPTIONS).load(FILES["embedder"], "auto", Preprocessing(how))
    outside = network(loaded, engine, "auto", "embedder")
    blob = np.ascontiguousarray(normalized(pictures, how).transpose(0, 3, 1, 2))
    answers = inside.predict({inside.inputs[0]: pictures})["embeddings"]
    expected = outside.predict({outside.inputs[0]: blob})["embeddings"]
    assert np.sum(unit(answers) * unit(expected), axis=1).min() >= 0.99999


@pytest.mark.parametrize("engine", ENGINES, indirect=True)
def test_a_network_that_takes_pictures_refuses_floats(engine: str) -> None:
    how = Preprocessing(NORMALIZATIONS[0])
    network = make(engine, OPTIONS).load(FILES["rnet"], "f32", how)
    with pytest.raises(ValueError, match="uint8"):
        network.predict({network.inputs[0]: np.zeros((1, 24, 24, 3), np.float32)})


@pytest.mark.parametrize("engine", ENGINES, indirect=True)
@pytest.mark.parametrize("threads", [1, 2])
def test_calls_from_several_threads_do_not_mix(engine: str, threads: int) -> None:
    net = make(engine, EngineOptions(threads=threads)).load(FILES["pnet"], "f32")
    feeds = [picture((1, 3, size, size + 7)) for size in (20, 31, 44, 57) for _ in range(5)]
    alone = [net.predict({net.inputs[0]: feed})["prob1"] for feed in feeds]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda feed: net.predict({net.inputs[0]: feed})["prob1"], feeds))
    for one, other in zip(alone, together, strict=True):
        assert np.allclose(one, other, atol=1e-6)


def test_a_small_network_makes_a_prediction_for_each_processor_and_a_large_one_in_float32_one(
    loaded: dict[tuple[str, str, str], Network],
) -> None:
    assert network(loaded, "openvino", "f32", "pnet").at_once == OPTIONS.threads
    assert network(loaded, "openvino", "f32", "embedder").at_once == 1
    assert network(loaded, "opencv", "f32", "pnet").at_once == 1


def test_a_network_works_on_after_calls_that_failed() -> None:
    net = make_engine("openvino", EngineOptions(threads=2)).load(FILES["rnet"], "f32")
    for _ in range(5):
        with pytest.raises(RuntimeError):
            net.predict({net.inputs[0]: picture((1, 3, 24, 11))})
    assert net.predict({net.inputs[0]: picture((1, 3, 24, 24))})["prob1"].shape == (1, 2)


def test_a_network_that_cannot_be_copied_makes_one_prediction_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    net = make_engine("openvino", EngineOptions(threads=4)).load(FILES["pnet"], "f32")
    monkeypatch.setattr(net, "_compile_copy", broken)
    feeds = [picture((1, 3, 200, 200 + 2 * size)) for size in range(8)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda feed: net.predict({net.inputs[0]: feed})["prob1"], feeds))
    assert [answer.shape[3] for answer in answers] == [95 + size for size in range(8)]


def broken() -> None:
    raise RuntimeError("out of memory")


@pytest.mark.parametrize("engine", ENGINES, indirect=True)
def test_answers_belong_to_the_caller(
    loaded: dict[tuple[str, str, str], Network], engine: str
) -> None:
    net = network(loaded, engine, "f32", "rnet")
    first = net.predict({net.inputs[0]: picture((1, 3, 24, 24))})["prob1"]
    before = first.copy()
    net.predict({net.inputs[0]: -picture((1, 3, 24, 24))})
    assert np.array_equal(first, before)
    first[:] = 0  # writable


@pytest.mark.parametrize("engine", ENGINES, indirect=True)
@pytest.mark.parametrize(
    "feeds",
    [
        {},
        {"data": np.zeros((1, 3, 24, 24))},
        {"data": np.zeros((3, 24, 24), np.float32)},
        {"other": np.zeros((1, 3, 24, 24), np.float32)},
    ],
    ids=["none", "float64", "three axes", "unknown name"],
)
def test_wrong_input_is_refused(
    loaded: dict[tuple[str, str, str], Network], engine: str, feeds: dict[str, Floats]
) -> None:
    with pytest.raises(ValueError, match="input"):
        network(loaded, engine, "f32", "rnet").predict(feeds)


@pytest.mark.parametrize("engine", ENGINES, indirect=True)
def test_missing_files_are_named(engine: str, tmp_path: Path) -> None:
    files = NetworkFiles(
        prototxt=tmp_path / "no.prototxt",
        caffemodel=tmp_path / "no.caffemodel",
        onnx=tmp_path / "no.onnx",
    )
    with pytest.raises(ModelError, match="models build"):
        make(engine, OPTIONS).load(files, "f32")


@pytest.mark.parametrize(
    "engine", [name for name in (*PRESENT, *REMOTE) if name != "caffe"], indirect=True
)
@pytest.mark.parametrize("good_prototxt", [True, False])
def test_malformed_files_are_named(engine: str, good_prototxt: bool, tmp_path: Path) -> None:
    for name in ("bad.prototxt", "bad.caffemodel", "bad.onnx"):
        (tmp_path / name).write_bytes(b"no network at all")
    files = NetworkFiles(
        prototxt=FILES["rnet"].prototxt if good_prototxt else tmp_path / "bad.prototxt",
        caffemodel=tmp_path / "bad.caffemodel",
        onnx=tmp_path / "bad.onnx",
    )
    with pytest.raises(ModelError, match=r"bad\.|cannot"):
        make(engine, OPTIONS).load(files, "f32")


def test_an_absent_engine_says_how_to_get_it() -> None:
    if "caffe" in PRESENT:
        pytest.skip("pycaffe is installed here")
    with pytest.raises(LibraryMissing, match=r"environment\.yml"):
        make_engine("caffe", OPTIONS)


def test_compiled_networks_are_kept_on_disk(tmp_path: Path) -> None:
    options = EngineOptions(threads=2, cache_dir=tmp_path)
    make_engine("openvino", options).load(FILES["rnet"], "f32")
    kept = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert kept
    make_engine("openvino", options).load(FILES["rnet"], "f32")
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == kept
