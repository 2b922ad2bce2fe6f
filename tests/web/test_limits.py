"""Too often, and too long."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from faceserver.access.base import Keys
from faceserver.runtime import deadline as deadline_module
from faceserver.web.guard.auth import gate_of
from tests.web.fakes import FakeBackend, make_app
from tests.web.forms import error_of, post_form

FACE = ("f", b"one face", "a.jpg")


@pytest.fixture
def limited(backend: FakeBackend) -> Flask:
    return make_app(backend, requests_per_minute=3)


def test_too_many_requests_in_a_minute(limited: Flask) -> None:
    client = limited.test_client()
    for _ in range(3):
        response = post_form(client, "/faceRetrieve", FACE)
        assert response.status_code == 200
        assert "Retry-After" not in response.headers
    refused = post_form(client, "/faceRetrieve", FACE)
    assert error_of(refused) == (429, "rate_limited")
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert refused.headers["X-RateLimit-Limit"] == "3"


def test_all_addresses_count_together(limited: Flask) -> None:
    client = limited.test_client()
    for path in ("/faceRegister.html", "/faceRetrieve.html", "/metrics"):
        assert client.get(path).status_code == 200
    assert client.get("/").status_code == 429


def test_what_costs_nothing_is_not_counted(limited: Flask) -> None:
    client = limited.test_client()
    for path in ("/health", "/health/live", "/health/ready", "/static/app.css") * 2:
        with client.get(path) as response:
            assert response.status_code == 200


def test_each_key_has_its_own_count(limited: Flask) -> None:
    keys: Keys = gate_of(limited).keys
    client = limited.test_client()
    tokens = [keys.create(name, "read")[1] for name in ("a", "b")]
    for token in tokens:
        headers = {"x-api-key": token}
        codes = [client.get("/metrics", headers=headers).status_code for _ in range(4)]
        assert codes == [200, 200, 200, 429]
    codes = [client.get("/metrics").status_code for _ in range(4)]
    assert codes == [401, 401, 401, 429]


def test_guessing_is_counted_by_address(limited: Flask) -> None:
    gate_of(limited).keys.create("a", "read")
    client = limited.test_client()
    codes = [
        client.post("/signIn", data={"key": f"fs_{number}"}).status_code for number in range(4)
    ]
    assert codes == [401, 401, 401, 429]


def test_no_limit(backend: FakeBackend) -> None:
    client = make_app(backend, requests_per_minute=0).test_client()
    assert {client.get("/metrics").status_code for _ in range(20)} == {200}


def test_work_that_takes_too_long(
    client: FlaskClient, backend: FakeBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(deadline_module, "monotonic", lambda: now[0])

    def work(pictures: object) -> None:
        now[0] += backend.settings.request_timeout + 1
        deadline_module.check()

    monkeypatch.setattr(backend.fake, "add_all", work)
    assert error_of(post_form(client, "/faceRegister", FACE)) == (503, "timed_out")
