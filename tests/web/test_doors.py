"""Listeners of their own for clients without keys, and keys in paths."""

from io import BytesIO
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from faceserver import web
from faceserver.config import load_settings
from faceserver.errors import InvalidSetting
from faceserver.web.doors import Listener, at_listener, parse_listeners
from tests.web.fakes import FakeBackend, make_app

ALL = ["original", "toy"]


def test_a_listener_is_told_in_one_text() -> None:
    assert parse_listeners(
        ["127.0.0.1:3003=toy", "[::1]:0=original?collection=cameras&scope=write"], ALL
    ) == [
        Listener("127.0.0.1", 3003, "toy", "default", "read"),
        Listener("::1", 0, "original", "cameras", "write"),
    ]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("3003=toy", "must have the form"),
        ("127.0.0.1:99999=toy", "must have the form"),
        ("127.0.0.1:3003", "must have the form"),
        ("127.0.0.1:3003=other", "no such protocol; there are: original, toy"),
        ("127.0.0.1:3003=toy?scope=all", "no scope 'all'"),
        ("127.0.0.1:3003=toy?key=1", "no option 'key'"),
    ],
)
def test_what_is_wrong_is_said(text: str, reason: str) -> None:
    with pytest.raises(InvalidSetting, match=reason):
        parse_listeners([text], ALL)


@pytest.fixture
def app(tmp_path: Path) -> Flask:
    app = make_app(FakeBackend(load_settings(data_dir=tmp_path)))
    web.gate_of(app).keys.create("somebody", "admin")
    return app


def through(app: Flask, listener: Listener) -> FlaskClient:
    app.wsgi_app = at_listener(app.wsgi_app, listener)  # type: ignore[method-assign, assignment]
    return app.test_client()


def register(client: FlaskClient, path: str = "/faceRegister", **more: str) -> int:
    data = {"f": (BytesIO(b"one face"), "a.jpg")}
    return client.post(path, data=data, **more).status_code


@pytest.mark.parametrize(
    ("scope", "collection", "status"),
    [("write", "default", 200), ("read", "default", 403), ("write", "other", 403)],
)
def test_who_comes_to_a_listener_may_do_what_it_says(
    app: Flask, scope: str, collection: str, status: int
) -> None:
    assert register(app.test_client()) == 401
    listener = Listener("127.0.0.1", 0, "original", collection, scope)  # type: ignore[arg-type]
    assert register(through(app, listener)) == status


@pytest.mark.parametrize("path", ["/v1/status", "/health", "/faceRegister.html", "/metrics"])
def test_nothing_else_is_there(app: Flask, path: str) -> None:
    client = through(app, Listener("127.0.0.1", 0, "original", "default", "admin"))
    assert client.get(path).status_code == 404


def test_a_key_may_stand_in_the_path(app: Flask) -> None:
    client = app.test_client()
    _, token = web.gate_of(app).keys.create("camera", "write")
    assert register(client, f"/key/{token}/faceRegister") == 200
    assert register(client, f"/key/{token}/as/original/faceRegister") == 200
    assert register(client, f"/key/{token[:-1]}/faceRegister") == 401
    assert register(client, "/key//faceRegister") == 404


def test_a_key_in_the_path_is_in_no_log(
    app: Flask, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    client = app.test_client()
    _, token = web.gate_of(app).keys.create("camera", "write")
    with caplog.at_level("DEBUG"):
        register(client, f"/key/{token}/faceRegister")
        client.get(f"/key/{token}/nothing")
    events = (tmp_path / "audit.jsonl").read_text(encoding="utf-8")
    assert "camera" in events
    for text in (events, caplog.text):
        assert token.split("_", 2)[2] not in text


def test_whoever_only_pings_hears_that_somebody_is_there(app: Flask) -> None:
    client = app.test_client()
    assert client.get("/", headers={"Accept": "*/*"}).get_json()["name"] == "faceserver"
    assert client.get("/", headers={"Accept": "text/html"}).status_code == 302


def test_who_only_looks_whether_somebody_is_there_hears_so(app: Flask) -> None:
    client = through(app, Listener("127.0.0.1", 0, "original", "default", "read"))
    assert client.get("/").get_json()["protocol"] == "original"
    assert app.test_client().get("/as/nobody/").status_code == 404
