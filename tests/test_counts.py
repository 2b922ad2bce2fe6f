"""What one request costs, in counts that are the same on every machine."""

import sqlite3
import tracemalloc
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from faceserver.models.spec import EmbedderSpec, load_spec
from faceserver.pictures import codec
from faceserver.runtime import database
from faceserver.services.facade import FaceService, Limits, Upload
from faceserver.store.sqlite.store import open_store
from faceserver.vision.analyzer import Analyzer
from faceserver.vision.base import Loading
from faceserver.vision.batched import BatchedEmbedder
from faceserver.vision.facenet import FaceNetEmbedder
from faceserver.vision.pool import AnalyzerPool
from tests.services.test_facade import BLACK, BLUE, RED, png
from tests.support.counting import CountingEngine
from tests.support.fakes import ColourDetector

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
def service(tmp_path: Path, statements: list[str], engine: CountingEngine) -> Iterator[FaceService]:
    spec = load_spec(MODEL, EmbedderSpec)
    embedder = BatchedEmbedder(FaceNetEmbedder(spec, Loading(engine)), most=16, wait=0)
    store = open_store(tmp_path, model=spec.name, dims=spec.dims)
    with closing(
        FaceService(
            analyzers=AnalyzerPool(Analyzer(ColourDetector(), embedder)),
            store=store,
            pictures=store.pictures,
            fetch=lambda _, __=None: b"",
            limits=Limits(max_bytes=10**8, max_pixels=10**8, max_matches=10, max_distance=None),
        )
    ) as made:
        yield made


def test_a_retrieve_is_one_network_call_and_two_statements(
    service: FaceService, engine: CountingEngine, statements: list[str]
) -> None:
    service.register([Upload("a.png", png(RED)), Upload("b.png", png(BLUE))])
    service.retrieve(png(RED))
    engine.calls.clear()
    statements.clear()
    assert service.retrieve(png(RED))
    assert engine.calls == [("facenet", (1, 160, 160, 3))]
    assert len(statements) <= 2, statements


def test_the_faces_of_an_upload_are_one_network_call(
    service: FaceService, engine: CountingEngine
) -> None:
    service.register([Upload(f"{n}.png", png(RED, BLACK, BLUE)) for n in range(2)])
    assert engine.calls == [("facenet", (4, 160, 160, 3))]


def test_a_picture_is_held_once(service: FaceService) -> None:
    """Pillow holds it as well while it decodes; its own memory is not counted here."""
    picture = np.zeros((2000, 2000, 3), np.uint8)
    picture[:16, :16] = RED
    data = codec.encode_jpeg(picture)
    registrar = service.registrar()
    registrar.find(data)
    tracemalloc.start()
    try:
        _, faces = registrar.find(data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(faces) == 1
    assert picture.nbytes < peak < 1.2 * picture.nbytes


def test_health_looks_at_no_row_of_a_face(service: FaceService, statements: list[str]) -> None:
    service.register([Upload("a.png", png(RED, BLACK, BLUE))])
    statements.clear()
    assert service.status().faces == 2
    assert not [statement for statement in statements if "faces" in statement]
