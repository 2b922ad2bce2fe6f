"""Several models side by side: each loaded when it is first used, the oldest let go."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from faceserver.errors import ModelError
from faceserver.models.spec import EmbedderSpec, NetworkFiles
from faceserver.vision.analyzer import Analyzer
from faceserver.vision.base import Embedder
from faceserver.vision.pool import AnalyzerPool
from tests.support.fakes import ColourDetector, ColourEmbedder, colour_spec


class Named(ColourEmbedder):
    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name


class Loader:
    """Loads embedders that bear their model's name, and counts."""

    def __init__(self) -> None:
        self.loaded: list[str] = []

    def __call__(self, spec: EmbedderSpec) -> Embedder:
        self.loaded.append(spec.name)
        return Named(spec.name)


def spec(name: str, folder: Path, size: int = 100) -> EmbedderSpec:
    (folder / f"{name}.onnx").write_bytes(b"x" * size)
    networks = {"embedder": NetworkFiles(onnx=folder / f"{name}.onnx")}
    return colour_spec(name).model_copy(update={"networks": networks})


def pool(folder: Path, load: Loader, *names: str, max_bytes: int = 0) -> AnalyzerPool:
    specs = {name: spec(name, folder) for name in ("colour", *names)}
    return AnalyzerPool(
        Analyzer(ColourDetector(), ColourEmbedder()), specs, load, max_bytes=max_bytes
    )


def test_a_model_is_loaded_when_it_is_first_used_and_once(tmp_path: Path) -> None:
    load = Loader()
    models = pool(tmp_path, load, "a", "b")
    assert models.names() == ["a", "b", "colour"]
    assert models.dims("a") == 3
    assert load.loaded == []
    assert models.analyzer("a").embedder.name == "a"
    assert models.analyzer("a") is models.analyzer("a")
    assert models.analyzer("colour") is models.default
    assert load.loaded == ["a"]


def test_the_model_that_was_not_used_for_the_longest_time_leaves_first(tmp_path: Path) -> None:
    load = Loader()
    models = pool(tmp_path, load, "a", "b", "c", max_bytes=300)  # the default and two more
    for name in ("a", "b", "a", "c", "a"):
        models.analyzer(name)
    assert load.loaded == ["a", "b", "c"]
    models.analyzer("b")
    assert load.loaded == ["a", "b", "c", "b"]


def test_a_model_larger_than_the_limit_is_held_alone(tmp_path: Path) -> None:
    load = Loader()
    models = pool(tmp_path, load, "a", "b", max_bytes=150)
    assert models.analyzer("a").embedder.name == "a"
    assert models.analyzer("b").embedder.name == "b"


def test_threads_that_ask_at_the_same_time_share_one_load(tmp_path: Path) -> None:
    load = Loader()
    models = pool(tmp_path, load, "a")
    together = Barrier(4)

    def ask(_: int) -> Analyzer:
        together.wait()
        return models.analyzer("a")

    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(ask, range(4)))
    assert load.loaded == ["a"]
    assert len({id(analyzer) for analyzer in found}) == 1


def test_a_load_that_fails_is_tried_anew(tmp_path: Path) -> None:
    failures = [ModelError("the file is damaged")]
    load = Loader()

    def at_first_not(described: EmbedderSpec) -> Embedder:
        if failures:
            raise failures.pop()
        return load(described)

    default = Analyzer(ColourDetector(), ColourEmbedder())
    models = AnalyzerPool(default, {"a": spec("a", tmp_path)}, at_first_not)
    with pytest.raises(ModelError, match="damaged"):
        models.analyzer("a")
    assert models.analyzer("a").embedder.name == "a"


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    models = pool(tmp_path, Loader(), "a")
    with pytest.raises(ModelError, match="no model 'z'; there are: a, colour"):
        models.analyzer("z")
    assert models.dims("z") is None
    assert models.distances("z") is None
