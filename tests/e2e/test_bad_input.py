"""Whatever comes in: a clear error, nothing stored, and the server goes on."""

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import requests
from PIL import Image as Pillow

from tests.e2e.server import Server
from tests.support import loopback
from tests.support.photographs import Photographs


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(
        tmp_path_factory.mktemp("data"),
        url_allow_networks="127.0.0.0/8",
        url_timeout="2",
        max_file_bytes="2000000",
    ) as running:
        yield running


@pytest.fixture
def site() -> Iterator[loopback.Site]:
    with loopback.serve() as running:
        yield running


def png(width: int, height: int) -> bytes:
    file = io.BytesIO()
    Pillow.fromarray(np.full((height, width, 3), 90, np.uint8)).save(file, "PNG")
    return file.getvalue()


def crowd(photographs: Photographs) -> bytes:
    """Two men in one picture."""
    file = io.BytesIO()
    picture = Pillow.new("RGB", (1880, 1137))
    for left, name in enumerate(("obama.jpg", "biden.jpg")):
        picture.paste(Pillow.open(photographs[name]).crop((0, 0, 910, 1137)), (left * 970, 0))
    picture.save(file, "JPEG")
    return file.getvalue()


def code(answer: requests.Response) -> str:
    return str(answer.json()["error"]["code"])


def send(server: Server, path: str, data: bytes) -> requests.Response:
    return server.post(path, files={"a.jpg": ("a.jpg", data)})


def check_alive(server: Server, faces: int) -> None:
    health = server.get("/health").json()
    assert (health["status"], health["faces"]) == ("ready", faces)


@pytest.mark.parametrize("path", ["/faceRegister", "/faceRetrieve"])
@pytest.mark.parametrize(
    ("data", "status", "expected"),
    [
        (b"", 400, "empty_file"),
        (b"this is no picture", 415, "not_an_image"),
        (png(1, 1), 422, "image_too_small"),
        (png(300, 300), 422, "no_face"),
        (png(13_000, 10_000), 413, "too_many_pixels"),
        (b"\xff\xd8\xff" + bytes(2_000_001), 413, "file_too_large"),
    ],
    ids=["empty", "text", "1x1", "nobody", "pixels", "bytes"],
)
def test_bad_pictures(server: Server, path: str, data: bytes, status: int, expected: str) -> None:
    answer = send(server, path, data)
    assert (answer.status_code, code(answer)) == (status, expected)
    check_alive(server, faces=0)


@pytest.mark.parametrize("path", ["/faceRegister", "/faceRetrieve"])
def test_a_truncated_photograph(server: Server, path: str, photographs: Photographs) -> None:
    whole = photographs["obama.jpg"].read_bytes()
    answer = send(server, path, whole[: len(whole) // 2])
    assert (answer.status_code, code(answer)) == (422, "truncated_image")
    check_alive(server, faces=0)


def test_no_file_and_several_faces(server: Server, photographs: Photographs) -> None:
    assert code(server.post("/faceRegister", data={"names": ""})) == "no_file"
    assert code(server.post("/faceRetrieve")) == "no_file"
    assert code(send(server, "/faceRetrieve", crowd(photographs))) == "several_faces"
    check_alive(server, faces=0)


def test_too_many_urls_store_nothing(server: Server, site: loopback.Site) -> None:
    answer = server.post("/faceRegisterBatch", json={"urls": [site.url("/x.jpg")] * 101})
    assert (answer.status_code, code(answer)) == (413, "too_many_items")
    assert site.requests == []


def test_each_bad_url_has_its_own_error_and_the_good_one_is_stored(
    site: loopback.Site, photographs: Photographs, tmp_path: Path
) -> None:
    site.answers = {
        "/obama.jpg": loopback.send(photographs["obama.jpg"].read_bytes()),
        "/text": loopback.send(b"this is no picture"),
        "/large": loopback.send(b"\xff\xd8\xff" + bytes(3_000_000)),
    }
    expected = {
        site.url("/gone"): "url_failed",
        site.url("/text"): "not_an_image",
        site.url("/large"): "file_too_large",
        "http://127.0.0.2:9/": "url_forbidden",
        "http://localhost.:1/": "url_failed",
        "file:///etc/passwd": "invalid_url",
        "nonsense": "invalid_url",
    }
    good = site.url("/obama.jpg")
    settings = {"url_allow_networks": "127.0.0.1/32,::1/128", "max_file_bytes": "2000000"}
    with Server(tmp_path, **settings) as server:
        answer = server.post("/faceRegisterBatch", json={"urls": [*expected, good]})
        assert answer.status_code == 200, answer.text
        *refused, stored = answer.json()["faces"]
        assert {item["name"]: item["error"]["code"] for item in refused} == expected
        assert all(item["BoxsPoints"] == [] for item in refused)
        assert set(stored) == {"BoxsPoints", "name"}
        assert stored["name"] == good
        assert len(stored["BoxsPoints"]) == 1
        check_alive(server, faces=1)


def test_loopback_is_closed_by_default(
    site: loopback.Site, photographs: Photographs, tmp_path: Path
) -> None:
    site.answers = {"/obama.jpg": loopback.send(photographs["obama.jpg"].read_bytes())}
    with Server(tmp_path) as server:
        answer = server.post("/faceRegisterBatch", json={"urls": [site.url("/obama.jpg")]})
        assert (answer.status_code, code(answer)) == (403, "url_forbidden")
        assert site.requests == []
        check_alive(server, faces=0)
