"""A real server behind a real reverse proxy, at a sub-path, with real clients."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from faceserver.access.keys import KeyStore
from faceserver.client import Client
from tests.e2e.server import Server
from tests.support.photographs import Photographs
from tests.support.reverse_proxy import reverse_proxy

CLIENT = "192.0.2.9"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def key(data: Path) -> str:
    return KeyStore(data).create("client", "admin")[1]


@pytest.fixture(scope="module")
def server(data: Path, key: str) -> Iterator[Server]:
    with Server(data, trusted_proxies="127.0.0.1, 10.0.0.0/24") as running:
        yield running


@pytest.fixture(scope="module")
def proxied(server: Server) -> Iterator[str]:
    """Its address behind the proxy, which says that a client far away has asked."""
    with reverse_proxy(server.url, "/faces", client=CLIENT) as url:
        yield url


def last_event(data: Path) -> dict[str, object]:
    lines = (data / "audit.jsonl").read_text(encoding="utf-8").splitlines()
    found: dict[str, object] = json.loads(lines[-1])
    return found


def test_the_client_and_the_links_work_below_the_prefix(
    proxied: str, key: str, data: Path, photographs: Photographs
) -> None:
    picture = photographs["obama.jpg"]
    with Client(proxied, key=key) as client:
        face = client.add_faces("default", picture).faces[0]
        (probe,) = client.search("default", picture).probes
        assert [match.face.id for match in probe.matches] == [face.id]
    assert last_event(data)["address"] == CLIENT
    headers = {"Authorization": f"Bearer {key}"}
    shown = f"{proxied}/v1/collections/default/faces/{face.id}"
    links = requests.get(shown, headers=headers, timeout=60).json()
    origin = proxied.removesuffix("/faces")
    for name in ("picture", "crop"):
        assert links[name].startswith("/faces/v1/")
        found = requests.get(origin + links[name], headers=headers, timeout=60)
        assert found.headers["Content-Type"] == "image/jpeg"


def test_the_original_protocol_works_below_both_prefixes(
    proxied: str, key: str, photographs: Photographs
) -> None:
    headers = {"X-Api-Key": key}
    files = {"f": ("f.jpg", photographs["biden.jpg"].read_bytes())}
    base = f"{proxied}/as/original"
    for address in (base, proxied):
        answer = requests.post(f"{address}/faceRegister", files=files, headers=headers, timeout=60)
        assert len(answer.json()["faces"][0]["BoxsPoints"]) == 1
        found = requests.post(f"{address}/faceRetrieve", files=files, headers=headers, timeout=60)
        path = found.json()["faces"][0]["path"]
        picture = requests.get(f"{address}/{path}", headers=headers, timeout=60)
        assert picture.headers["Content-Type"] == "image/jpeg"


def test_redirects_stay_below_the_prefix(proxied: str) -> None:
    answer = requests.get(f"{proxied}/people", headers={"Accept": "text/html"}, timeout=60)
    assert answer.url == f"{proxied}/signIn?next=/faces/people"
    assert answer.status_code == 200


def test_two_proxies_in_a_row(server: Server, data: Path) -> None:
    with (
        reverse_proxy(server.url, "/faces", client="10.0.0.3") as inner,
        reverse_proxy(inner, "", client=CLIENT) as outer,
    ):
        spoofed = {"X-Forwarded-For": "203.0.113.5", "X-Forwarded-Prefix": "/evil"}
        requests.get(f"{outer}/metrics", headers=spoofed, timeout=60)
        assert last_event(data)["address"] == CLIENT


def test_who_is_no_proxy_is_written_down_as_who_it_is(tmp_path: Path) -> None:
    KeyStore(tmp_path).create("client", "admin")
    with Server(tmp_path, trusted_proxies="10.0.0.2") as running:
        spoofed = {"X-Forwarded-For": CLIENT, "X-Forwarded-Prefix": "/evil"}
        running.get("/metrics", headers=spoofed)
        assert last_event(tmp_path)["address"] == "127.0.0.1"
        spoofed["Accept"] = "text/html"
        led = running.get("/", headers=spoofed, allow_redirects=False)
        assert led.headers["Location"] == "/faceRegister.html"
