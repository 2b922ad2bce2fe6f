"""What one request costs, in counts that are the same on every machine."""

import sqlite3
import tracemalloc
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from faceserver.lifecycle import Services
from faceserver.models.spec import EmbedderSpec, load_spec
from faceserver.pictures import codec
from faceserver.runtime import database
from faceserver.services.context import Limits
from faceserver.store.sqlite.opening import open_store
from faceserver.vision.analyzer import Analyzer
from faceserver.vision.base import Loading
from faceserver.vision.batched import BatchedEmbedder
from faceserver.vision.facenet import FaceNetEmbedder
from faceserver.vision.pool import AnalyzerPool
from tests.services.test_facade import BLACK, BLUE, RED, png
from tests.support.counting import CountingEngine
from tests.support.fakes import ColourDetector
from tests.support.services import make_services, register

MODEL = Path(__file__).resolve().parents[1] / "models/inception_resnet/20180408-102900"


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every statement that SQLite is given."""
    seen: list[str] = []
    connect = database._connect

    def traced(path: Path) -> sqlite3.Connection:
        connection = connect(path)
        connection.set_trace_callback(seen.append)
        return connection

    monkeypatch.setattr(database, "_connect", traced)
    return seen


@pytest.fixture
def engine() -> CountingEngine:
    return CountingEngine()


@pytest.fixture
def service(tmp_path: Path, statements: list[str], engine: CountingEngine) -> Iterator[Services]:
    spec = load_spec(MODEL, EmbedderSpec)
    embedder = BatchedEmbedder(FaceNetEmbedder(spec, Loading(engine)), most=16, wait=0)
    store = open_store(tmp_path, model=spec.name, dims=spec.dims)
    analyzers = AnalyzerPool(Analyzer(ColourDetector(), embedder))
    limits = Limits(max_bytes=10**8, max_pixels=10**8, max_matches=10, max_distance=None)
    with closing(make_services(tmp_path, analyzers, store, store.pictures, limits=limits)) as made:
        yield made


def test_a_retrieve_is_one_network_call_and_two_statements(
    service: Services, engine: CountingEngine, statements: list[str]
) -> None:
    register(service, ("a.png", png(RED)), ("b.png", png(BLUE)))
    service.searching.by_only_face(png(RED))
    engine.calls.clear()
    statements.clear()
    assert service.searching.by_only_face(png(RED))
    assert engine.calls == [("facenet", (1, 160, 160, 3))]
    assert len(statements) <= 2, statements


def test_the_faces_of_an_upload_are_one_network_call(
    service: Services, engine: CountingEngine
) -> None:
    register(service, *((f"{n}.png", png(RED, *[BLACK] * n, BLUE)) for n in (1, 2)))
    assert engine.calls == [("facenet", (4, 160, 160, 3))]


def test_a_picture_is_held_once(service: Services) -> None:
    """Pillow holds it as well while it decodes; its own memory is not counted here."""
    picture = np.zeros((2000, 2000, 3), np.uint8)
    picture[:16, :16] = RED
    data = codec.encode_jpeg(picture)
    context = service.context
    context.find(data, context.analyzer)
    tracemalloc.start()
    try:
        _, faces = context.find(data, context.analyzer)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(faces) == 1
    assert picture.nbytes < peak < 1.2 * picture.nbytes


def test_health_looks_at_no_row_of_a_face(service: Services, statements: list[str]) -> None:
    register(service, ("a.png", png(RED, BLACK, BLUE)))
    statements.clear()
    assert service.collections.status().faces == 2
    assert not [statement for statement in statements if "faces" in statement]
