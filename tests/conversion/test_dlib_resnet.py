"""dlib's face recognition network, read from a file in dlib's own form with made-up weights."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray

from faceserver.cli.main import main
from faceserver.conversion import dlib_model
from faceserver.conversion.checks.judge import run_openvino
from faceserver.conversion.dlib_resnet import FILE, SIZE, read_numbers, to_onnx
from faceserver.errors import ModelError
from faceserver.models.files import sha256_of
from faceserver.models.spec import EmbedderSpec, load_spec
from faceserver.types import Floats

Numbers = NDArray[np.floating]

FILTERS = [32] * 7 + [64] * 8 + [128] * 6 + [256] * 8
HALVING = (7, 15, 21, 27)
"""Of the convolutions, by their places: those that begin a block that halves its input."""


def integer(value: int) -> bytes:
    """As dlib writes it: how many bytes, and the bytes, lowest first."""
    size = max((value.bit_length() + 7) // 8, 1)
    return bytes([size]) + value.to_bytes(size, "little")


def written(name: str, values: Floats, *before: int) -> bytes:
    """A layer's name and numbers."""
    shape = b"".join(map(integer, (2, values.size, 1, 1, 1)))
    text = integer(len(name)) + name.encode() + b"".join(map(integer, before))
    return text + shape + values.astype("<f4").tobytes()


def layers() -> Iterator[tuple[Floats, Floats, Floats, Floats]]:
    """Weights, bias, scale and shift of each convolution."""
    random, before = np.random.default_rng(5), 3
    for place, filters in enumerate(FILTERS):
        kernel = 3 if place else 7
        weights = random.normal(size=(filters, before, kernel, kernel)) / kernel / before**0.5
        rest = random.normal(size=(3, filters)) * 0.2 + [[0], [1], [0]]
        bias, scale, shift = rest.astype(np.float32)
        yield weights.astype(np.float32), bias, scale, shift
        before = filters


LAYERS = list(layers())
LAST = np.random.default_rng(6).normal(size=(256, 128)).astype(np.float32)


@pytest.fixture(scope="module")
def dat(tmp_path_factory: pytest.TempPathFactory) -> Path:
    parts = [b"\x01\x01\x01\x0dloss_metric_2"]
    for weights, bias, scale, shift in LAYERS:
        parts.append(written("con_4", np.concatenate([weights.ravel(), bias])))
        parts.append(written("affine_", np.concatenate([scale, shift])))
    parts.append(written("fc_2", LAST, 128, 256))
    path = tmp_path_factory.mktemp("dlib") / "net.dat"
    path.write_bytes(b"".join(parts))
    return path


def convolved(pixels: Numbers, place: int) -> Numbers:
    """A convolution and its affine layer, the obvious way: shape (filters, rows, columns)."""
    weights, bias, scale, shift = LAYERS[place]
    kernel, stride = weights.shape[-1], 2 if place in (0, *HALVING) else 1
    if stride == 1:
        pixels = np.pad(pixels, ((0, 0), (1, 1), (1, 1)))
    seen = np.lib.stride_tricks.sliding_window_view(pixels, (kernel, kernel), axis=(1, 2))
    answer = np.einsum("cyxab,fcab->fyx", seen[:, ::stride, ::stride], weights, optimize=True)
    return np.asarray((answer + bias[:, None, None]) * scale[:, None, None] + shift[:, None, None])


def pooled(pixels: Numbers, size: int) -> Numbers:
    seen = np.lib.stride_tricks.sliding_window_view(pixels, (size, size), axis=(1, 2))
    return seen[:, ::2, ::2]


def added(parts: Sequence[Numbers]) -> Numbers:
    """The sum, as dlib has it: what one lacks is zero."""
    shape = np.max([part.shape for part in parts], axis=0)
    missing = [shape - part.shape for part in parts]
    padded = [
        np.pad(part, [(0, more) for more in each])
        for part, each in zip(parts, missing, strict=True)
    ]
    return np.maximum(sum(padded), 0)


def reference(pixels: Numbers) -> Numbers:
    pixels = pooled(np.maximum(convolved(pixels, 0), 0), 3).max(axis=(3, 4))
    for place in range(1, len(LAYERS), 2):
        inner = convolved(np.maximum(convolved(pixels, place), 0), place + 1)
        halves = place in HALVING
        pixels = added([inner, pooled(pixels, 2).mean(axis=(3, 4)) if halves else pixels])
    return np.asarray(pixels.mean(axis=(1, 2)) @ LAST)


def test_the_network_computes_what_dlib_says_it_does(dat: Path, tmp_path: Path) -> None:
    onnx.save(to_onnx(dat), tmp_path / "net.onnx")
    blob = np.random.default_rng(7).normal(size=(2, 3, SIZE, SIZE)).astype(np.float32)
    (found,) = run_openvino(tmp_path / "net.onnx", blob).values()
    wanted = np.stack([reference(one.astype(np.float64)) for one in blob])
    assert np.abs(found - wanted).max() < 1e-4 * np.abs(wanted).max()


def test_the_numbers_are_those_that_were_written(dat: Path) -> None:
    found = read_numbers(dat)
    assert np.array_equal(found["con_4"][3][:-32], LAYERS[3][0].ravel())
    assert np.array_equal(found["affine_"][28], np.concatenate(LAYERS[28][2:]))
    assert np.array_equal(found["fc_2"][0], LAST.ravel())


@pytest.mark.parametrize("cut", [0.01, 0.5, 0.999])
def test_a_file_that_lacks_something_is_refused(dat: Path, tmp_path: Path, cut: float) -> None:
    data = dat.read_bytes()
    (tmp_path / "cut.dat").write_bytes(data[: int(cut * len(data))])
    with pytest.raises(ModelError, match=r"cut\.dat: it is not dlib's face recognition network"):
        to_onnx(tmp_path / "cut.dat")


def test_layers_of_other_sizes_are_refused(tmp_path: Path, dat: Path) -> None:
    data = dat.read_bytes()
    first, rest = written("con_4", np.concatenate([LAYERS[0][0].ravel(), LAYERS[0][1]])), data[17:]
    assert rest.startswith(first)
    other = data[:17] + written("con_4", np.zeros(99, np.float32)) + rest[len(first) :]
    (tmp_path / "other.dat").write_bytes(other)
    with pytest.raises(ModelError, match="it is not dlib's face"):
        to_onnx(tmp_path / "other.dat")


def run(*arguments: str | Path) -> str:
    result = CliRunner().invoke(main, ["models", *map(str, arguments)])
    return result.output


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FACESERVER_MODELS_DIR", str(tmp_path / "models"))
    return tmp_path / "models"


def test_the_file_is_added_as_a_model(dat: Path, models: Path) -> None:
    assert "added dlib" in run("add", dat)
    spec = load_spec(models / "dlib", EmbedderSpec)
    assert (spec.name, spec.dims, spec.crop.size) == ("dlib", 128, SIZE)
    assert "already exists" in run("add", dat)
    assert "added mine/dlib-net" in run("add", dat, "--as", "mine/dlib-net")
    assert load_spec(models / "mine" / "dlib-net", EmbedderSpec).name == "dlib-net"


def test_it_is_pulled_out_of_the_package_that_holds_it(
    dat: Path, models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dlib_model, "PACKAGE", "made_up_package")
    assert 'pip install "faceserver[dlib]"' in run("pull", "dlib")
    held = tmp_path / "site" / "made_up_package" / "models" / FILE
    held.parent.mkdir(parents=True)
    held.parent.parent.joinpath("__init__.py").write_text("raise RuntimeError('nothing is run')")
    held.write_bytes(dat.read_bytes())
    monkeypatch.syspath_prepend(tmp_path / "site")
    assert 'pip install "faceserver[dlib]"' in run("pull", "dlib")  # of another sha256
    monkeypatch.setattr(dlib_model, "SHA256", sha256_of(held))
    assert "added dlib" in run("pull", "dlib.Calculator")
    assert (models / "dlib" / "dlib.onnx").is_file()
