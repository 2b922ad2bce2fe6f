"""Refusals are in the audit log, whatever refused; and nobody is locked out by others."""

import json
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from faceserver.access.repeats import TOLD
from faceserver.access.sessions import MAX_SESSIONS_OF_KEY
from faceserver.web.guard.auth import gate_of
from tests.web.fakes import FakeBackend, make_app


def events(backend: FakeBackend) -> list[dict[str, Any]]:
    path = backend.settings.data_dir / "audit.jsonl"
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("path", ["/faceRegister.html", "/nothing", "/health", "/static/app.css"])
def test_a_foreign_host(client: FlaskClient, backend: FakeBackend, path: str) -> None:
    host = f"evil.example{'x' * 1000}"
    assert client.get(path, headers={"Host": host}).status_code == 400
    (event,) = events(backend)
    assert event["result"] == "untrusted_host"
    assert event["who"] == "anonymous"
    assert event["address"] == "127.0.0.1"
    assert event["target"] == {"host": host[:100]}


@pytest.mark.parametrize("path", ["/faceRegister", "/signOut", "/language", "/nothing"])
def test_a_page_of_another_site(client: FlaskClient, backend: FakeBackend, path: str) -> None:
    assert client.post(path, headers={"Origin": "http://evil.example"}).status_code == 403
    (event,) = events(backend)
    assert (event["result"], event["target"]) == ("cross_origin", {"origin": "http://evil.example"})


def test_a_browser_without_the_token(client: FlaskClient, backend: FakeBackend, app: Flask) -> None:
    token = gate_of(app).keys.create("a", "write")[1]
    client.post("/signIn", data={"key": token})
    assert client.post("/signOut").status_code == 403
    assert events(backend)[-1]["result"] == "csrf_failed"


def test_too_many(backend: FakeBackend) -> None:
    client = make_app(backend, requests_per_minute=2).test_client()
    codes = [client.get("/people").status_code for _ in range(50)]
    assert codes.count(429) == 48
    refused = [event for event in events(backend) if event["result"] == "rate_limited"]
    assert len(refused) == TOLD


def test_a_flood_of_refusals_stays_small(backend: FakeBackend) -> None:
    app = make_app(backend, requests_per_minute=0)
    client = app.test_client()
    for _ in range(500):
        client.get("/", headers={"Host": "evil.example"})
    assert len(events(backend)) == TOLD
    gate_of(app).audit.close()
    assert events(backend)[-1]["repeats"] == 500 - TOLD


def test_headers_that_are_judged_alone_are_no_event_of_their_own(
    client: FlaskClient, backend: FakeBackend
) -> None:
    alone = {"faceserver.headers_alone": True}
    assert client.post("/faceRegister", environ_overrides=alone).status_code == 204
    assert events(backend) == []
    assert client.post("/faceRegister").status_code == 400
    assert len(events(backend)) == 1


def test_a_flood_of_sign_ins_locks_nobody_out(backend: FakeBackend) -> None:
    app = make_app(backend, requests_per_minute=5)
    token = gate_of(app).keys.create("honest", "read")[1]
    client = app.test_client()
    bad = [client.post("/signIn", data={"key": "fs_x"}).status_code for _ in range(20)]
    assert bad.count(429) == 15
    assert client.get("/signIn").status_code == 200
    assert client.post("/signIn", data={"key": token}).status_code == 303
    assert client.get("/people").status_code == 200


def test_behind_a_proxy_each_address_counts_by_itself(backend: FakeBackend) -> None:
    app = make_app(backend, requests_per_minute=5, trusted_proxies=("127.0.0.1",))
    gate_of(app).keys.create("honest", "read")
    client = app.test_client()

    def status(address: str) -> int:
        return client.get("/signIn", headers={"X-Forwarded-For": address}).status_code

    assert [status("192.0.2.1") for _ in range(10)].count(429) == 5
    assert status("192.0.2.2") == 200
    client.get("/people", headers={"X-Forwarded-For": "192.0.2.2"})
    assert events(backend)[-1]["address"] == "192.0.2.2"


def test_nobody_else_says_where_a_request_comes_from(
    client: FlaskClient, backend: FakeBackend, app: Flask
) -> None:
    gate_of(app).keys.create("honest", "read")
    client.get("/people", headers={"X-Forwarded-For": "192.0.2.2"})
    assert events(backend)[-1]["address"] == "127.0.0.1"


def test_who_signs_in_over_and_over_signs_nobody_else_out(app: Flask) -> None:
    sessions = gate_of(app).sessions
    honest, _ = sessions.begin("honest")
    secrets = [sessions.begin("greedy")[0] for _ in range(3 * MAX_SESSIONS_OF_KEY)]
    assert sessions.find(honest)
    assert sum(sessions.find(secret) is not None for secret in secrets) == MAX_SESSIONS_OF_KEY
