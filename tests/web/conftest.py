from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from faceserver import web
from faceserver.config import load_settings
from tests.web.fakes import FakeBackend, FakeService


@pytest.fixture
def backend(tmp_path: Path) -> FakeBackend:
    return FakeBackend(
        load_settings(
            data_dir=tmp_path / "data",
            max_files=4,
            max_urls=3,
            max_file_bytes=1_000,
            max_request_bytes=20_000,
        )
    )


@pytest.fixture
def service(backend: FakeBackend) -> FakeService:
    return backend.fake


@pytest.fixture
def app(backend: FakeBackend) -> Flask:
    app = web.make_app()
    app.extensions["faceserver"] = backend
    web.init_app(app)
    return app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()
