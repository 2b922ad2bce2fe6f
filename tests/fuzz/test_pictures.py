"""7,000 tampered pictures: read or refused, within the memory that they may take, never a fault.

Most are decoded in processes of their own, where a crash would show and memory can be bounded; a
part goes over HTTP.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from faceserver.config import load_settings
from faceserver.services.context import Limits
from faceserver.store.memory.store import MemoryStore
from faceserver.store.pictures import PictureFolder, PictureStore
from faceserver.vision.analyzer import Analyzer
from faceserver.vision.pool import AnalyzerPool
from tests.fuzz.pictures import BOMBS, SEEDS, mutated
from tests.support.fakes import ColourDetector, ColourEmbedder
from tests.support.services import make_services
from tests.web.fakes import FakeBackend, make_app
from tests.web.forms import post_form

ROOT = Path(__file__).resolve().parents[2]
DECODED = 950  # of each of seven formats
OVER_HTTP = 250


def run(*arguments: str) -> dict[str, int]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.decoder", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    outcomes: dict[str, int] = json.loads(done.stdout)
    assert "no memory" not in outcomes
    return outcomes


@pytest.mark.parametrize("kind", SEEDS)
def test_tampered_pictures_are_read_or_refused(kind: str) -> None:
    outcomes = run(kind, str(DECODED))
    assert sum(outcomes.values()) == DECODED
    # They get far enough to be worth it: some are still pictures, others break halfway.
    assert outcomes["read"] > DECODED / 40
    assert outcomes["truncated_image"] > DECODED / 4


def test_bombs_take_no_memory() -> None:
    outcomes = run("bombs", "0")
    assert sum(outcomes.values()) == len(BOMBS)
    assert outcomes["too_many_pixels"] >= 5


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlaskClient]:
    folder = tmp_path_factory.mktemp("data")
    service = make_services(
        folder,
        AnalyzerPool(Analyzer(ColourDetector(), ColourEmbedder())),
        MemoryStore(dims=3, model="colour"),
        PictureStore(PictureFolder(folder)),
        limits=Limits(
            max_bytes=10_000_000, max_pixels=1_000_000, max_matches=10, max_distance=None
        ),
    )
    loaded = load_settings(data_dir=folder, requests_per_minute=0)
    backend = FakeBackend(loaded, real=service)
    yield make_app(backend).test_client()
    service.close()


@settings(
    max_examples=OVER_HTTP,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(
    st.sampled_from(list(SEEDS)).flatmap(mutated),
    st.sampled_from(["/faceRegister", "/faceRetrieve", "/v1/detect"]),
)
def test_over_http_nothing_is_a_fault(client: FlaskClient, data: bytes, path: str) -> None:
    response = post_form(client, path, ("file", data, "a.jpg"))
    assert response.status_code in {200, 400, 413, 415, 422}, response.text
    assert response.is_json or response.mimetype == "application/problem+json"


@pytest.mark.parametrize("bomb", BOMBS)
def test_bombs_over_http(client: FlaskClient, bomb: str) -> None:
    for path in ("/faceRegister", "/v1/detect"):
        response = post_form(client, path, ("file", BOMBS[bomb](), "a.jpg"))
        assert response.status_code in {200, 413, 422}, response.text
