"""A server whose embedder runs on an inference server, and what users see while that is away."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from faceserver.models.files import FoundModel, find_models
from tests.e2e.server import ROOT, Server
from tests.support.photographs import Photographs
from tests.support.relay import Relay, relay_to
from tests.support.triton import Triton, exported, triton_server

MODEL = "inception_resnet/20180408-102900"


def models() -> list[FoundModel]:
    return [model for model in find_models(ROOT / "models") if model.name == MODEL]


@pytest.fixture(scope="module")
def triton(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Triton]:
    repository = exported(models(), tmp_path_factory.mktemp("triton"))
    with triton_server(repository) as server:
        yield server


@pytest.fixture(params=["grpc", "http"])
def way(request: pytest.FixtureRequest, triton: Triton) -> Iterator[tuple[Relay, str]]:
    port = triton.http_port if request.param == "http" else triton.grpc_port
    with relay_to(port) as relay:
        yield relay, f"{request.param}://127.0.0.1:{relay.port}"


def add(server: Server, picture: Path) -> requests.Response:
    return requests.post(
        f"{server.url}/v1/collections/default/faces",
        files={"file": picture.read_bytes()},
        timeout=60,
    )


def test_a_man_is_found_as_with_the_engine_here_and_503_while_nobody_answers(
    tmp_path: Path, way: tuple[Relay, str], photographs: Photographs
) -> None:
    relay, url = way
    with Server(tmp_path, engine="oip", oip_url=url) as server:
        assert add(server, photographs["obama.jpg"]).status_code == 201
        (found,) = server.retrieve(photographs["obama2.jpg"]).json()["faces"]

        relay.close()
        away = add(server, photographs["biden.jpg"])
        assert (away.status_code, away.json()["code"]) == (503, "engine_unavailable")
        assert away.headers["Retry-After"]
        assert server.retrieve(photographs["obama2.jpg"]).status_code == 503
        # The detector runs here, and what is stored can be seen.
        detected = server.post("/v1/detect", files={"file": photographs["obama.jpg"].read_bytes()})
        assert len(detected.json()["faces"]) == 1
        assert server.get("/health").json()["faces"] == 1

        relay.open = True
        again = add(server, photographs["biden.jpg"])
        for _ in range(20):  # gRPC waits for up to a second after a failure; each call retries
            if again.status_code == 201:
                break
            again = add(server, photographs["biden.jpg"])
        assert again.status_code == 201
        assert len(list((tmp_path / "uploadImages").glob("*.jpg"))) == 2

    with Server(tmp_path) as server:  # the same model, here: the same distances
        (here,) = server.retrieve(photographs["obama2.jpg"]).json()["faces"]
        assert here["path"] == found["path"]
        assert here["distance"] == pytest.approx(found["distance"], abs=0.01)


def test_a_server_that_starts_while_the_inference_server_is_away_waits_for_it(
    tmp_path: Path, way: tuple[Relay, str]
) -> None:
    relay, url = way
    relay.close()
    with Server(tmp_path, ready="", engine="oip", oip_url=url) as server:
        server.wait_for("waiting: ", inside=True)
        health = server.get("/health")
        assert (health.status_code, health.json()["status"]) == (503, "starting")
        relay.open = True
        server.wait_for("Ready")
        assert server.get("/health").json()["engine"] == "oip"
