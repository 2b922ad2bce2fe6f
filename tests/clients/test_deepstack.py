"""DeepStack's and CodeProject.AI's own clients, unmodified, against a real server."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from faceserver.access.keys import KeyStore
from tests.clients.envs import run_python
from tests.e2e.server import Server
from tests.services.test_facade import BLACK, png
from tests.support.loopback import posted, send, serve
from tests.support.photographs import Photographs

SCRIPTS = Path(__file__).parent / "scripts"
DOG = {"label": "dog", "confidence": 0.9, "x_min": 1, "y_min": 2, "x_max": 3, "y_max": 4}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("data")
    with serve() as site:
        answer = json.dumps({"success": True, "predictions": [DOG]}).encode()
        site.answers["/v1/vision/detection"] = posted(
            send(answer, Content_Type="application/json"), []
        )
        with Server(
            folder,
            compat="original,deepstack",
            compat_listen="127.0.0.1:0=deepstack?scope=write",
            deepstack_upstream=site.url(),
        ) as running:
            yield running


@pytest.fixture(scope="module")
def key(server: Server) -> str:
    return KeyStore(server.data_dir).create("client", "write")[1]


@pytest.fixture
def pictures(
    server: Server, key: str, photographs: Photographs, tmp_path: Path
) -> Iterator[list[str]]:
    """Somebody, the same man again, another man, and nobody."""
    nobody = tmp_path / "nobody.png"
    nobody.write_bytes(png(*[BLACK] * 4))
    yield [*(str(photographs[f"{name}.jpg"]) for name in ("obama", "obama2", "biden")), str(nobody)]
    for name in ("Barack", "Joe"):
        server.post("/v1/vision/face/delete", data={"api_key": key, "userid": name})


def place_of(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return str(parts.hostname), str(parts.port)


def run(name: str, script: str, *arguments: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(run_python(name, SCRIPTS / script, *arguments))
    return told


def test_deepstack_sdk(server: Server, key: str, pictures: list[str]) -> None:
    told = run("deepstack-sdk", "deepstack_sdk_calls.py", server.url, *pictures, key)
    assert all(told[what] for what in ("registered", "replaced", "second", "deleted"))
    assert told["listed"] == ["Barack", "Joe"]
    ((who, confidence),) = told["recognised"]
    assert (who, confidence > 0.67) == ("Barack", True)
    ((left, top, right, bottom),) = told["boxes"]
    assert 0 < left < right
    assert 0 < top < bottom
    assert told["nobody"] == 0
    assert told["left"] == ["Barack"]
    assert told["objects"] == ["dog"]
    assert told["no picture"] == told["no face"] == "Invalid image"
    assert told["wrong key"] == "Unknown error : 401 occured"


def test_deepstack_python(server: Server, key: str, pictures: list[str]) -> None:
    place = place_of(server.url)
    told = run("deepstack-python", "deepstack_python_calls.py", *place, *pictures, key)
    assert (told["added"], told["updated"], told["second"]) == (
        "face added",
        "face updated",
        "face added",
    )
    assert told["listed"] == ["Barack", "Joe"]
    assert told["recognised"].keys() == {"Barack"}
    assert told["recognised"]["Barack"] > 67
    assert told["found"] == 1
    assert told["nobody"] == []
    assert told["objects"] == ["dog"]
    for what in ("no picture", "no face"):
        assert told[what] == "Error from Deepstack request, status code: 400"
    assert told["wrong key"] == "Error from Deepstack request, status code: 401"


def test_codeproject_ai_api_which_sends_no_key(server: Server, pictures: list[str]) -> None:
    (door,) = [line.split(" at ")[1].split()[0] for line in server.output if " at http" in line]
    told = run("codeproject-ai-api", "codeproject_ai_calls.py", *place_of(door), *pictures)
    assert (told["added"], told["second"]) == ("face added", "face added")
    assert told["listed"] == ["Barack", "Joe"]
    assert told["recognised"].keys() == {"Barack"}
    assert (told["found"], told["nobody"], told["objects"]) == (1, [], ["dog"])
    assert told["no picture"] == "CodeProject.AI Server error: 400"


def test_two_men_in_photographs_are_told_apart(
    server: Server, key: str, photographs: Photographs
) -> None:
    """DeepStack's own tests want the same person above 0.65, others below 0.55."""

    def match(one: str, other: str) -> float:
        files = {"image1": photographs[one].read_bytes(), "image2": photographs[other].read_bytes()}
        answer = server.post("/v1/vision/face/match", files=files, data={"api_key": key})
        return float(answer.json()["similarity"])

    assert match("obama.jpg", "obama2.jpg") > 0.65
    assert match("obama.jpg", "biden.jpg") < 0.55
    assert match("obama2.jpg", "biden.jpg") < 0.55


def test_a_server_is_looked_for_as_other_programs_do(server: Server) -> None:
    for path in ("/v1/status/ping", "/v1/server/status/ping", "/"):
        answer = requests.get(server.url + path, timeout=60)
        assert (answer.status_code, "version" in answer.json()) == (200, True)
