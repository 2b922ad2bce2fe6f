"""Each route that writes has a case; one that is added has to have one, or to say that it has none.

Written through one server, seen through the other at once. GET writes nothing.
"""

from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from faceserver import web
from faceserver.config import load_settings
from faceserver.lifecycle import Services
from faceserver.web.compat import PROTOCOLS
from faceserver.web.guard.auth import gate_of
from tests.support.postgres import PostgresServer
from tests.web.fakes import FakeBackend
from tests.web.test_scopes import ROUTES
from tests.web.two_servers import compat, v1
from tests.web.two_servers.cases import CASES, Case, Server
from tests.web.v1.conftest import make_service

MODULES = (compat, v1)  # they enter their cases

READ_ONLY = {
    "POST /language",  # a cookie of the browser alone
    "POST /v1/compare",
    "POST /v1/detect",
    "POST /v1/embed",
    "POST /as/compare/service",
    "POST /as/compare/service/compare",
    "POST /as/compare/service/detect",
    "POST /as/compreface/api/v1/detection/detect",
    "POST /as/compreface/api/v1/recognition/embeddings/faces/<image_id>/verify",
    "POST /as/compreface/api/v1/recognition/embeddings/recognize",
    "POST /as/compreface/api/v1/recognition/faces/<image_id>/verify",
    "POST /as/compreface/api/v1/recognition/recognize",
    "POST /as/compreface/api/v1/verification/embeddings/verify",
    "POST /as/compreface/api/v1/verification/verify",
    "POST /as/core/find_faces",
    "POST /as/core/find_faces_base64",
    "POST /as/core/scan_faces",
    "POST /as/deepface/analyze",
    "POST /as/deepface/build/index",  # it answers, and does nothing
    "POST /as/deepface/represent",
    "POST /as/deepface/search",
    "POST /as/deepface/verify",
    "POST /as/deepstack/v1/vision/<path:call>",  # handed on
    "POST /as/deepstack/v1/vision/face",
    "POST /as/deepstack/v1/vision/face/",
    "POST /as/deepstack/v1/vision/face/list",
    "POST /as/deepstack/v1/vision/face/match",
    "POST /as/deepstack/v1/vision/face/recognize",
    "POST /as/face-id/infer",
    "POST /as/facebox/facebox/check",
    "POST /as/facebox/facebox/faceprint/check",
    "POST /as/facebox/facebox/faceprint/compare",
    "POST /as/facebox/facebox/similar",
    "POST /as/facebox/facebox/similars",
    "POST /as/immich/predict",
    "POST /as/nextcloud/compute",
    "POST /as/nextcloud/detect",
    "POST /as/original/faceRetrieve",
    "POST /as/photoprism/api/v1/vision/face",
}
"""Routes with a body that change nothing that servers share."""

Pair = tuple[Services, tuple[Server, Server]]


def all_writing() -> set[str]:
    """Every route but GET; those of a protocol that is served at the root, too, once."""
    known = {route.address for route in ROUTES}
    found = set()
    for route in ROUTES:
        if route.method != "GET":
            twins = [f"/as/{name}{route.address}" for name in PROTOCOLS.names()]
            address = next((twin for twin in twins if twin in known), route.address)
            found.add(f"{route.method} {address}")
    return found


def test_every_route_has_a_case_or_writes_nothing() -> None:
    assert CASES.keys() | READ_ONLY == all_writing()
    assert not CASES.keys() & READ_ONLY


@pytest.fixture(scope="module")
def running(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    folder = tmp_path_factory.mktemp("shared")
    with postgres.database(postgres.prepared) as url, ExitStack() as held:
        services = [held.enter_context(closing(make(folder, url))) for _ in range(2)]
        servers = []
        for each in services:
            app = web.make_app()
            settings = load_settings(data_dir=folder, store=url, requests_per_minute=0)
            app.extensions["faceserver"] = FakeBackend(settings, real=each)
            web.init_app(app)
            held.callback(gate_of(app).close)
            servers.append(Server(app.test_client()))
        yield services[0], (servers[0], servers[1])


def make(folder: Path, url: str) -> Services:
    return make_service(folder, address=url)


@pytest.fixture
def servers(running: Pair) -> Iterator[tuple[Server, Server]]:
    """Both, of an empty default collection, without keys."""
    services, pair = running
    services.context.store.collection().delete_all()
    yield pair
    database = services.context.store.database  # type: ignore[attr-defined]
    database.write(lambda transaction: transaction.run("DELETE FROM keys"))
    for server in pair:
        server.client.delete_cookie("faceserver_session")


@pytest.mark.parametrize(
    "case", list(dict.fromkeys(CASES.values())), ids=lambda case: case.__name__
)
@pytest.mark.parametrize("turned", [False, True], ids=["one", "other"])
def test_what_one_writes_the_other_tells(
    servers: tuple[Server, Server], case: Case, turned: bool
) -> None:
    case(*(servers[::-1] if turned else servers))
