"""The API before a real gallery on the disk; faces are coloured tiles."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Thread

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.serving import WSGIRequestHandler, make_server

from faceserver import web
from faceserver.api.pictures import Credentials
from faceserver.client import Client
from faceserver.config import Settings, load_settings
from faceserver.errors import UrlFailed
from faceserver.jobs.manager import Jobs
from faceserver.lifecycle import Services
from faceserver.models.distances import Distances, SimilarityCurve
from faceserver.pictures.fetch import Fetch
from faceserver.store import Options
from faceserver.store.opening import open_gallery
from faceserver.vision.analyzer import Analyzer
from faceserver.vision.pool import AnalyzerPool
from tests.services.test_facade import RED, png
from tests.support.fakes import ColourDetector, ColourEmbedder, MirroredEmbedder, colour_spec
from tests.support.services import make_services
from tests.web.fakes import FakeBackend

CURVE = SimilarityCurve(midpoint=0.1, steepness=20, same_pairs=9, different_pairs=9, rates=())
SITE: dict[str, bytes] = {"https://faces.example/red": png(RED)}


class CalibratedEmbedder(ColourEmbedder):
    """Knows what its distances mean."""

    distances = Distances(threshold=0.1, calibration="none", similarity=CURVE)


def fetch(url: str, _: Credentials | None = None, /) -> bytes:
    """Get what lies in SITE."""
    if url not in SITE:
        raise UrlFailed("it is not there")
    return SITE[url]


def make_service(
    folder: Path,
    fetch: Fetch = fetch,
    *,
    max_items: int = 5,
    keep: str = "originals",
    settings: Settings | None = None,
    address: str = "",
) -> Services:
    """All use cases; with an address the gallery is in that database."""
    embedder = CalibratedEmbedder()
    store = open_gallery(
        address,
        folder,
        model=embedder.name,
        dims=embedder.dims,
        options=Options(keep=keep),  # type: ignore[arg-type]
        connections=10,
    )
    analyzers = AnalyzerPool(
        Analyzer(ColourDetector(), embedder),
        {"mirrored": colour_spec("mirrored")},
        lambda _: MirroredEmbedder(),
    )
    return make_services(
        folder,
        analyzers,
        store,
        store.pictures,
        fetch=fetch,
        max_items=max_items,
        settings=settings,
        address=address,
    )


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(data_dir=tmp_path / "data", max_file_bytes=10_000, max_job_items=5)


@pytest.fixture
def service(settings: Settings) -> Iterator[Services]:
    with closing(make_service(settings.data_dir)) as made:
        yield made


@pytest.fixture
def desk(service: Services) -> Jobs:
    """Jobs that nobody works on until ``start`` is called."""
    return service.jobs


@pytest.fixture
def app(settings: Settings, service: Services) -> Flask:
    app = web.make_app()
    app.extensions["faceserver"] = FakeBackend(settings, real=service)
    web.init_app(app)
    return app


@pytest.fixture
def http(app: Flask) -> FlaskClient:
    return app.test_client()


class _Quiet(WSGIRequestHandler):
    """Tells the log nothing."""

    def log_request(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def url(app: Flask) -> Iterator[str]:
    """Where the app is served."""
    with served(app) as url:
        yield url


@contextmanager
def served(app: Flask) -> Iterator[str]:
    """Serve an app on a real socket while the context lasts; yields its address."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def client(url: str) -> Iterator[Client]:
    """The package's own client."""
    with Client(url) as made:
        yield made
