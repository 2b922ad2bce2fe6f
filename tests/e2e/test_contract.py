"""The original endpoints' answers, key by key, from the real server."""

from collections.abc import Iterator

import pytest

from tests.e2e.server import Server
from tests.support.photographs import Photographs


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("data")) as running:
        yield running


def test_register_then_retrieve(server: Server, photographs: Photographs) -> None:
    answer = server.register(photographs["obama.jpg"], photographs["biden.jpg"])
    assert answer.headers["Content-Type"] == "application/json"
    body = answer.json()
    assert set(body) == {"faces"}
    assert [item["name"] for item in body["faces"]] == ["obama.jpg", "biden.jpg"]
    for item, (width, height) in zip(body["faces"], ((910, 1137), (970, 2204)), strict=True):
        assert set(item) == {"BoxsPoints", "name"}
        (face,) = item["BoxsPoints"]
        assert set(face) == {"box", "pt"}
        x1, y1, x2, y2 = face["box"]
        assert 0 <= x1 < x2 <= width
        assert 0 <= y1 < y2 <= height
        assert all(type(number) is int for number in face["box"] + face["pt"])
        x, y = face["pt"][:5], face["pt"][5:]
        assert len(face["pt"]) == 10
        assert x[0] < x[2] < x[1]  # the nose lies between the eyes
        assert x[3] < x[4]  # left before right
        assert max(y[:2]) < y[2] < min(y[3:])  # eyes, nose, mouth, downwards

    answer = server.retrieve(photographs["obama2.jpg"])
    (match,) = answer.json()["faces"]
    assert set(match) == {"distance", "path"}
    assert 0 < match["distance"] < 1
    assert match["path"].startswith("static/uploadImages/")
    assert match["path"].endswith(".jpg")
    assert server.get(match["path"]).status_code == 200


def test_a_client_that_sends_plain_files_is_served_too(
    server: Server, photographs: Photographs
) -> None:
    files = {"file": ("me.png", photographs["astronaut.png"].read_bytes())}
    answer = server.post("/faceRegister", files=files)
    assert answer.json()["faces"][0]["name"] == "me.png"
    assert server.post("/faceRetrieve", files=files).json()["faces"][0]["distance"] < 1e-3


def test_pages_and_health(server: Server) -> None:
    browser = server.get("/", headers={"Accept": "text/html"})
    assert browser.url == f"{server.url}/faceRegister.html"
    ping = server.get("/", allow_redirects=False)
    assert (ping.status_code, ping.json()["name"]) == (200, "faceserver")
    for page in ("faceRegister.html", "faceRetrieve.html"):
        assert server.get(page).headers["Content-Type"].startswith("text/html")
    assert server.get("/health").json()["status"] == "ready"
