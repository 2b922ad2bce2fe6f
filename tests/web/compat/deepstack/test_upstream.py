"""Calls that are not about faces, handed on to another server."""

import json
from collections.abc import Iterator
from contextlib import closing
from io import BytesIO
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.formparser import parse_form_data

from faceserver import web
from faceserver.config import Settings, load_settings
from faceserver.lifecycle import Services
from tests.services.test_facade import RED, png
from tests.support.loopback import Answer, Site, posted, redirect, send, serve, serve_raw, status
from tests.web.fakes import FakeBackend
from tests.web.v1.conftest import make_service

AT = "/as/deepstack/v1/vision/"
FOUND = json.dumps({"success": True, "predictions": [{"label": "dog"}]}).encode()
JSON = {"Content_Type": "application/json; charset=utf-8"}


@pytest.fixture
def site() -> Iterator[Site]:
    with serve() as running:
        yield running


def client_of(folder: Path, upstream: str, **settings: object) -> Iterator[FlaskClient]:
    told = load_settings(
        data_dir=folder, deepstack_upstream=upstream, max_file_bytes=10_000, **settings
    )
    with closing(make_service(folder, settings=told)) as service:
        yield app_of(told, service).test_client()


def app_of(settings: Settings, service: Services) -> Flask:
    app = web.make_app()
    app.extensions["faceserver"] = FakeBackend(settings, real=service)
    web.init_app(app)
    app.testing = True
    return app


@pytest.fixture
def http(site: Site, tmp_path: Path) -> Iterator[FlaskClient]:
    yield from client_of(tmp_path, site.url("/behind/"))


def ask(http: FlaskClient, call: str = "detection", **fields: str) -> tuple[int, dict[str, object]]:
    picture = (BytesIO(png(RED)), 'a "quoted"\r\nname.png')
    answer = http.post(AT + call, data={**fields, "image": picture})
    body: dict[str, object] = answer.get_json()
    return answer.status_code, body


@pytest.mark.parametrize("call", ["detection", "scene", "custom/ip-cam", "custom/list", "alpr"])
def test_the_answer_comes_back_as_it_is(site: Site, http: FlaskClient, call: str) -> None:
    site.answers[f"/behind/v1/vision/{call}"] = posted(send(FOUND, **JSON), [])
    assert ask(http, call) == (200, json.loads(FOUND))


def test_the_form_goes_along_without_our_key(site: Site, http: FlaskClient) -> None:
    bodies: list[bytes] = []
    site.answers["/behind/v1/vision/detection"] = posted(send(FOUND, **JSON), bodies)
    ask(http, min_confidence="0.5", api_key="fs_secret")
    (asked,), (body,) = site.requests, bodies
    environ = {
        "wsgi.input": BytesIO(body),
        "CONTENT_LENGTH": asked.headers["Content-Length"],
        "CONTENT_TYPE": asked.headers["Content-Type"],
        "REQUEST_METHOD": "POST",
    }
    _, fields, files = parse_form_data(environ)
    assert dict(fields) == {"min_confidence": "0.5"}
    with closing(files["image"]) as file:
        assert file.read() == png(RED)
    assert b"fs_secret" not in body
    assert {name.lower() for name in asked.headers} <= {
        "host", "user-agent", "content-type", "content-length", "accept-encoding",
    }  # fmt: skip


def test_its_errors_come_back_as_well(site: Site, http: FlaskClient) -> None:
    assert ask(http)[0] == 502  # a 404 in HTML, of which nothing is shown
    script = send(b"<script>", Content_Type="text/html")
    site.answers["/behind/v1/vision/detection"] = posted(script, [])
    assert ask(http)[1]["success"] is False


@pytest.mark.parametrize(
    "answer",
    [status(204), redirect("http://example.com/"), send(bytes(10_001), **JSON)],
    ids=["nothing", "a redirect", "too much"],
)
def test_what_is_no_proper_answer_is_told(site: Site, http: FlaskClient, answer: Answer) -> None:
    site.answers["/behind/v1/vision/detection"] = posted(answer, [])
    code, body = ask(http)
    assert (code, body["success"], body["code"]) == (502, False, 502)
    assert len(site.requests) == 1


def test_faces_are_never_handed_on(site: Site, http: FlaskClient) -> None:
    assert ask(http, "face")[1]["count"] == 1
    assert ask(http, "face/erase")[0] == 404
    assert not site.requests


@pytest.mark.parametrize("call", ["../admin", "custom/../../admin", "custom/%2e%2e/x", ".hidden"])
def test_nobody_gets_elsewhere_on_that_server(site: Site, http: FlaskClient, call: str) -> None:
    assert http.post(AT + call).status_code == 404
    assert not site.requests


def test_a_server_that_is_not_there_is_told(tmp_path: Path) -> None:
    with serve_raw(b"no HTTP at all\r\n\r\n") as url:
        for http in client_of(tmp_path, url):
            assert ask(http)[0] == 502
    for http in client_of(tmp_path, url):  # nobody listens any more
        assert ask(http)[0] == 502


def test_an_answer_that_never_ends_is_given_up(tmp_path: Path) -> None:
    with serve_raw(b"HTTP/1.1 200 OK\r\n\r\n", drip=bytes(1000)) as url:
        for http in client_of(tmp_path, url, request_timeout=0.2):
            assert ask(http)[0] == 502


@pytest.mark.parametrize("url", ["ftp://a", "http://", "http://u:p@a", "127.0.0.1:5000"])
def test_the_setting_takes_urls_alone(url: str) -> None:
    with pytest.raises(Exception, match="DEEPSTACK_UPSTREAM"):
        load_settings(deepstack_upstream=url)
