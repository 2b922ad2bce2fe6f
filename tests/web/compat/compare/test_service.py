"""``POST /service`` before a real gallery, and with other servers behind it."""

import json
import math
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from flask import Flask
from flask.testing import FlaskClient

from faceserver import web
from faceserver.config import load_settings
from faceserver.pictures import codec
from tests.services.test_facade import BLACK, BLUE, GREEN, PINK, RED, png
from tests.support.loopback import Answer, Site, posted, send, serve, status
from tests.web.fakes import FakeBackend
from tests.web.v1.conftest import make_service

AT = "/as/compare/service"


def pair(*datas: bytes, key: str = "imgs") -> bytes:
    return json.dumps({key: [b64encode(data).decode() for data in datas]}).encode()


def far(one: tuple[int, int, int], other: tuple[int, int, int]) -> float:
    a, b = (np.array(colour) / np.linalg.norm(colour) for colour in (one, other))
    return float(np.linalg.norm(a - b))


def ask(http: FlaskClient, body: bytes, call: str = "", **headers: str) -> str:
    answer = http.post(AT + call, data=body, **headers)
    assert answer.status_code == 200, answer.text
    return answer.text


@pytest.mark.parametrize(
    "content_type",
    [None, "application/json", "application/x-www-form-urlencoded", "image/jpeg", "nonsense"],
)
def test_the_first_byte_tells_pictures_from_json(
    http: FlaskClient, content_type: str | None
) -> None:
    sent = {"content_type": content_type} if content_type else {}
    text = ask(http, pair(png(RED), png(PINK)), **sent)
    assert float(text) == pytest.approx(far(RED, PINK), abs=1e-5)
    assert len(text) == 10
    if content_type != "application/json":
        assert len(json.loads(ask(http, png(RED), **sent))) == 3


@pytest.mark.parametrize("body", [b" \r\n", b"\xef\xbb\xbf", b""])
def test_json_may_begin_with_blanks_or_a_mark(http: FlaskClient, body: bytes) -> None:
    assert float(ask(http, body + pair(png(RED), png(RED), key="pictures"))) < 0.01


def test_the_largest_faces_are_compared(http: FlaskClient) -> None:
    text = ask(http, pair(png(RED, BLACK, BLUE), png(BLACK, BLUE)))
    assert float(text) == pytest.approx(far(RED, BLUE), abs=1e-5)


def test_a_picture_without_a_face_gives_minus_one(http: FlaskClient) -> None:
    assert ask(http, pair(png(RED), png(BLACK))) == "-1"


def test_a_plain_picture_is_embedded(http: FlaskClient) -> None:
    vector = json.loads(ask(http, png(GREEN, BLACK, RED)))
    assert math.hypot(*vector) == pytest.approx(1, abs=1e-5)
    assert vector[1] > 0.99
    nobody = http.post(AT, data=png(BLACK))
    assert (nobody.status_code, nobody.text.split(":")[0]) == (422, "no_face")


def test_the_inner_services(http: FlaskClient) -> None:
    bounds = {"bounds": [[0, 0, 16, 16, 0.99], [32, 0, 48, 16, 0.99]]}
    assert json.loads(ask(http, pair(png(RED, BLACK, BLUE)), "/detect")) == bounds
    assert json.loads(ask(http, png(RED, BLACK, BLUE), "/detect")) == bounds
    assert json.loads(ask(http, pair(png(BLACK)), "/detect")) == {"bounds": []}
    whole = float(ask(http, pair(png(RED), png(PINK)), "/compare"))
    assert whole == pytest.approx(far(RED, PINK), abs=1e-5)
    assert ask(http, pair(png(RED)), "/compare") == "-1"


def test_keys(app: Flask, http: FlaskClient) -> None:
    key = web.gate_of(app).keys.create("client", "read", "door")[1]
    assert http.post(AT, data=png(RED)).status_code == 401
    assert http.post(f"/key/{key}{AT}", data=png(RED)).status_code == 200


class Behind:
    """Other servers, what they were sent, and a client of the server before them."""

    def __init__(self, site: Site, folder: Path) -> None:
        self._site = site
        self._folder = folder
        self.bodies: dict[str, list[bytes]] = {"/detect": [], "/compare": []}

    def client(self, answers: Mapping[str, Answer]) -> Iterator[FlaskClient]:
        for path, answer in answers.items():
            self._site.answers[path] = posted(answer, self.bodies[path])
        names = {"/detect": "compare_detect_upstream", "/compare": "compare_upstream"}
        told = {names[path]: self._site.url(path) for path in answers}
        settings = load_settings(data_dir=self._folder, max_file_bytes=10_000, **told)
        with closing(make_service(self._folder, settings=settings)) as service:
            app = web.make_app()
            app.extensions["faceserver"] = FakeBackend(settings, real=service)
            web.init_app(app)
            app.testing = True
            yield app.test_client()

    def pictures(self, path: str) -> list[list[bytes]]:
        return [
            [b64decode(text) for text in json.loads(body)["imgs"]] for body in self.bodies[path]
        ]


@pytest.fixture
def behind(tmp_path: Path) -> Iterator[Behind]:
    with serve() as site:
        yield Behind(site, tmp_path)


BOUNDS = send(b'{"bounds": [[0, 0, 8, 8, 0.9], [16, 0, 32, 16, 0.8]]}')
NUMBER = send(b"0.75\n")


def test_others_find_and_compare(behind: Behind) -> None:
    for http in behind.client({"/detect": BOUNDS, "/compare": NUMBER}):
        assert ask(http, pair(png(RED, BLUE), png(GREEN, BLUE))) == "0.75000000"
    assert behind.pictures("/detect") == [[png(RED, BLUE)], [png(GREEN, BLUE)]]
    ((one, other),) = behind.pictures("/compare")
    for crop in (one, other):
        image = codec.decode(crop, max_bytes=10_000, max_pixels=10_000).image
        assert image.shape == (16, 16, 3)
        assert np.abs(image[8, 8].astype(int) - BLUE).max() < 12


def test_another_server_finds_alone(behind: Behind) -> None:
    for http in behind.client({"/detect": BOUNDS}):
        text = ask(http, pair(png(RED, BLUE), png(RED, GREEN)))
        assert float(text) == pytest.approx(far(BLUE, GREEN), abs=1e-5)


def test_another_server_compares_alone(behind: Behind) -> None:
    for http in behind.client({"/compare": send(b"-1")}):
        assert ask(http, pair(png(RED), png(BLUE))) == "-1"
        assert ask(http, pair(png(BLACK), png(BLUE))) == "-1"
    assert len(behind.bodies["/compare"]) == 1


def test_no_bounds_are_no_face(behind: Behind) -> None:
    for http in behind.client({"/detect": send(b'{"bounds": []}')}):
        assert ask(http, pair(png(RED), png(RED))) == "-1"


@pytest.mark.parametrize(
    "answer",
    [
        status(500),
        send(b""),
        send(b"[]"),
        send(b'{"bounds": 1}'),
        send(b'{"bounds": [[1, 2]]}'),
        send(b'{"bounds": [[NaN, 0, 1, 1, 1]]}'),
    ],
)
def test_what_is_no_proper_answer_of_a_finder_is_told(behind: Behind, answer: Answer) -> None:
    for http in behind.client({"/detect": answer}):
        told = http.post(AT, data=pair(png(RED), png(RED)))
        assert (told.status_code, told.text.split(":")[0]) == (502, "upstream_failed")


@pytest.mark.parametrize("answer", [status(404), send(b"near"), send(b"nan"), send(b"\xff")])
def test_what_is_no_number_is_told(behind: Behind, answer: Answer) -> None:
    for http in behind.client({"/compare": answer}):
        assert http.post(AT, data=pair(png(RED), png(RED))).status_code == 502


def test_bounds_beyond_the_picture_are_cut(behind: Behind) -> None:
    bounds = send(b'{"bounds": [[-1e9, 900, 1e9, 901, 1]]}')
    for http in behind.client({"/detect": bounds, "/compare": NUMBER}):
        assert ask(http, pair(png(RED), png(RED))) == "0.75000000"
