"""What Immich's server reads of an answer, and what is handed on."""

import json
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from typing import cast

import numpy as np
import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from faceserver.lifecycle import Services
from faceserver.services.relaying import Relaying
from faceserver.web.context import backend_of
from tests.services.test_facade import BLACK, BLUE, RED, png
from tests.support.loopback import Site, body_of, serve
from tests.web.compat.immich.bad_inputs import FACES, prepare, sent
from tests.web.fakes import FakeBackend

PREDICT = "/as/immich/predict"
CLIP = '{"clip": {"visual": {"modelName": "ViT-B-32__openai"}}}'


@pytest.fixture(autouse=True)
def three_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    prepare(monkeypatch)


def predict(http: FlaskClient, entries: str, data: bytes) -> TestResponse:
    return http.post(PREDICT, **sent(entries, data))


def with_score(least: float) -> str:
    options = {"minScore": least}
    task = {"detection": {"modelName": "any", "options": options}, "recognition": {}}
    return json.dumps({"facial-recognition": task})


def test_every_face_is_answered_in_the_picture_s_pixels(http: FlaskClient) -> None:
    answer = predict(http, with_score(0.7), png(RED, BLACK, BLUE))
    assert (answer.status_code, answer.mimetype) == (200, "application/json")
    body = answer.get_json()
    assert (body["imageWidth"], body["imageHeight"]) == (48, 16)
    faces = body["facial-recognition"]
    assert [face["boundingBox"] for face in faces] == [
        {"x1": 0, "y1": 0, "x2": 16, "y2": 16},
        {"x1": 32, "y1": 0, "x2": 48, "y2": 16},
    ]
    assert [face["score"] for face in faces] == [0.99, 0.99]


def test_an_embedding_is_a_text_that_a_database_takes(http: FlaskClient) -> None:
    (face,) = predict(http, FACES, png(RED)).get_json()["facial-recognition"]
    assert isinstance(face["embedding"], str)
    assert "e" not in face["embedding"].lower()
    vector = np.array(json.loads(face["embedding"]))
    assert vector.shape == (3,)
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)


def test_no_face_and_faces_below_the_score_are_an_empty_list(http: FlaskClient) -> None:
    for entries, data in ((FACES, png(BLACK)), (with_score(0.999), png(RED))):
        body = predict(http, entries, data).get_json()
        assert (body["facial-recognition"], body["imageWidth"]) == ([], 16)


def test_a_model_of_other_length_is_refused(
    http: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    answer = predict(http, FACES, png(RED))
    assert answer.status_code == 501
    assert answer.get_json()["detail"] == "Immich needs a model of 512 numbers; colour gives 3"


def test_pings(http: FlaskClient) -> None:
    assert http.get("/as/immich/ping").text == "pong"
    assert http.get("/as/immich/").status_code == 200


class Upstream:
    """Another machine-learning server; it notes what it was sent."""

    def __init__(self, site: Site) -> None:
        self.bodies: list[bytes] = []
        self.headers: dict[str, str] = {}
        self._site = site

    def answers(self, body: bytes, code: int = 200) -> None:
        def answer(handler: BaseHTTPRequestHandler) -> None:
            self.headers = dict(handler.headers.items())
            self.bodies.append(body_of(handler))
            handler.send_response(code)
            handler.send_header("Content-Type", "application/json")
            handler.send_header("Content-Length", str(len(body)))
            handler.end_headers()
            handler.wfile.write(body)

        self._site.answers["/predict"] = answer


@pytest.fixture
def upstream(app: Flask, service: Services) -> Iterator[Upstream]:
    with serve() as site:
        put_behind(app, service, site.url("/"))
        yield Upstream(site)


def put_behind(app: Flask, service: Services, url: str) -> None:
    relaying = Relaying(service.context, {"immich_upstream": url}, timeout=15)
    cast("FakeBackend", backend_of(app)).real = replace(service, relaying=relaying)


def test_other_tasks_are_handed_on_as_they_came(http: FlaskClient, upstream: Upstream) -> None:
    upstream.answers(b'{"clip": "[0.5]"}')
    answer = http.post(
        PREDICT, **sent(CLIP, png(RED)), headers={"Authorization": "Bearer of our own"}
    )
    assert (answer.status_code, answer.data) == (200, b'{"clip": "[0.5]"}')
    assert png(RED) in upstream.bodies[0]
    assert CLIP.encode() in upstream.bodies[0]
    assert "Authorization" not in upstream.headers
    assert upstream.headers["Content-Type"].startswith("multipart/form-data; boundary=")


def test_faces_beside_another_task_are_answered_together(
    http: FlaskClient, upstream: Upstream
) -> None:
    upstream.answers(b'{"clip": "[0.5]", "imageWidth": 1}')
    both = json.dumps({**json.loads(CLIP), **json.loads(FACES)})
    body = predict(http, both, png(RED)).get_json()
    assert (body["clip"], body["imageWidth"]) == ("[0.5]", 16)
    assert len(body["facial-recognition"]) == 1


def test_the_upstream_s_own_refusal_is_passed_on(http: FlaskClient, upstream: Upstream) -> None:
    upstream.answers(b'{"detail": "no such model"}', 422)
    answer = predict(http, CLIP, png(RED))
    assert (answer.status_code, answer.get_json()["detail"]) == (422, "no such model")


def test_an_upstream_that_is_away_is_told(http: FlaskClient, app: Flask, service: Services) -> None:
    with serve() as site:
        gone = site.url("/")
    put_behind(app, service, gone)
    answer = predict(http, CLIP, png(RED))
    assert (answer.status_code, answer.get_json()["code"]) == (502, "upstream_failed")
