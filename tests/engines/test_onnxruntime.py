"""What ONNX Runtime computes on; the networks' answers are compared in the engines' contract."""

import logging
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from faceserver.engines import EngineOptions, make_engine
from faceserver.engines.onnxruntime import PROVIDERS, chosen
from faceserver.errors import InvalidSetting, LibraryMissing
from faceserver.models.spec import NetworkFiles

LIBRARY = "faceserver.engines.onnxruntime_library"


@pytest.mark.parametrize(
    ("setting", "available", "expected"),
    [
        ("auto", ["CPUExecutionProvider"], "cpu"),
        ("auto", ["AzureExecutionProvider", "CPUExecutionProvider"], "cpu"),
        ("auto", ["TensorrtExecutionProvider", *PROVIDERS.values()], "cuda"),
        ("auto", ["DmlExecutionProvider", "CPUExecutionProvider"], "directml"),
        ("cpu", list(PROVIDERS.values()), "cpu"),
        ("coreml", ["CoreMLExecutionProvider", "CPUExecutionProvider"], "coreml"),
    ],
)
def test_what_computes(setting: str, available: list[str], expected: str) -> None:
    assert chosen(setting, available) == expected


def test_a_provider_that_is_not_installed_is_named_with_those_that_are() -> None:
    with pytest.raises(InvalidSetting, match="only: cpu"):
        chosen("cuda", ["CPUExecutionProvider"])


def test_without_the_library_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, LIBRARY, None)
    with pytest.raises(LibraryMissing, match=r"faceserver\[onnxruntime\]"):
        make_engine("onnxruntime", EngineOptions())


class StandInSession:
    """A session that was asked for a GPU, and where there is one or not."""

    made: list["StandInSession"]
    works: bool

    def __init__(
        self, path: str, options: Any, providers: list[tuple[str, dict[str, str]]]
    ) -> None:
        self.path, self.options, self.asked = path, options, providers
        self.made.append(self)

    def get_providers(self) -> list[str]:
        return [name for name, _ in self.asked[0 if self.works else 1 :]]

    def get_inputs(self) -> list[SimpleNamespace]:
        return [SimpleNamespace(name="data")]

    get_outputs = get_inputs


class StandInOptions:
    enable_mem_pattern = True

    def add_session_config_entry(self, name: str, value: str) -> None:
        vars(self)[name] = value


@pytest.fixture
def sessions(monkeypatch: pytest.MonkeyPatch) -> list[StandInSession]:
    """Put a library that has every provider in ONNX Runtime's place."""
    made: list[StandInSession] = []
    session = type("Session", (StandInSession,), {"made": made, "works": True})
    module = ModuleType("onnxruntime")
    vars(module).update(
        InferenceSession=session,
        SessionOptions=StandInOptions,
        get_available_providers=lambda: list(PROVIDERS.values()),
    )
    library = ModuleType(LIBRARY)
    vars(library)["onnxruntime"] = module
    monkeypatch.setitem(sys.modules, LIBRARY, library)
    return made


def onnx(folder: Path, size: int = 100) -> NetworkFiles:
    path = folder / "net.onnx"
    path.write_bytes(bytes(size))
    return NetworkFiles(onnx=path)


@pytest.mark.parametrize(
    ("provider", "size", "expected"),
    [
        ("cpu", 100, (4, 1)),
        ("cpu", 9 << 20, (1, 4)),
        ("cuda", 9 << 20, (4, 1)),
        ("directml", 100, (1, 1)),
    ],
)
def test_how_many_predictions_run_at_once(
    sessions: list[StandInSession],
    tmp_path: Path,
    provider: str,
    size: int,
    expected: tuple[int, int],
) -> None:
    """At the same time, and each with so many threads of the library's own."""
    engine = make_engine("onnxruntime", EngineOptions(threads=4, provider=provider))
    network = engine.load(onnx(tmp_path, size), "f32")
    assert (network.at_once, sessions[0].options.intra_op_num_threads) == expected
    assert sessions[0].options.enable_mem_pattern == (provider != "directml")
    asked = [name for name, _ in sessions[0].asked]
    assert asked == list(dict.fromkeys([PROVIDERS[provider], "CPUExecutionProvider"]))


@pytest.mark.parametrize(("precision", "tf32"), [("f32", "0"), ("auto", "1")])
def test_a_gpu_rounds_to_tf32_where_it_may(
    sessions: list[StandInSession], tmp_path: Path, precision: Any, tf32: str
) -> None:
    make_engine("onnxruntime", EngineOptions(provider="cuda")).load(onnx(tmp_path), precision)
    assert sessions[0].asked[0][1]["use_tf32"] == tf32


def test_a_gpu_that_cannot_be_used_is_said(
    sessions: list[StandInSession],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    engine = make_engine("onnxruntime", EngineOptions(provider="cuda"))
    with caplog.at_level(logging.WARNING):
        engine.load(onnx(tmp_path), "f32")
        assert not caplog.messages
        monkeypatch.setattr(sys.modules[LIBRARY].onnxruntime.InferenceSession, "works", False)
        engine.load(onnx(tmp_path), "f32")
    assert "CUDAExecutionProvider cannot be used here" in caplog.text
