"""Two servers that share a database are one to whoever calls them."""

from collections.abc import Iterator

import pytest
from flask import Flask
from pydantic import SecretStr

from faceserver.web.guard.auth import COOKIE, gate_of
from tests.web.fakes import FakeBackend, make_app

Apps = tuple[Flask, Flask]


@pytest.fixture
def apps(backend: FakeBackend, postgres_url: str) -> Iterator[Apps]:
    store = SecretStr(postgres_url)
    made = [make_app(backend, store=store, requests_per_minute=4) for _ in range(2)]
    yield made[0], made[1]
    for app in made:
        gate_of(app).close()


def test_a_key_and_its_revocation_count_for_both(apps: Apps) -> None:
    here, there = (app.test_client() for app in apps)
    _, token = gate_of(apps[0]).keys.create("phone", "read")
    headers = {"x-api-key": token}
    assert there.get("/metrics").status_code == 401
    assert there.get("/metrics", headers=headers).status_code == 200
    gate_of(apps[1]).keys.revoke("phone")
    assert here.get("/metrics", headers=headers).status_code == 401


def test_requests_are_counted_together(apps: Apps) -> None:
    here, there = (app.test_client() for app in apps)
    codes = [client.get("/metrics").status_code for client in (here, there, here, there, here)]
    assert codes == [200, 200, 200, 200, 429]
    refused = there.get("/metrics")
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["Retry-After"]) <= 60


def test_who_has_signed_in_at_one_is_signed_in_at_the_other(apps: Apps) -> None:
    here, there = (app.test_client() for app in apps)
    _, token = gate_of(apps[0]).keys.create("phone", "read")
    signed_in = here.post("/signIn", data={"key": token})
    assert signed_in.status_code in (302, 303)
    cookie = here.get_cookie(COOKIE)
    assert cookie
    assert there.get("/metrics").status_code == 401
    there.set_cookie(COOKIE, cookie.value)
    assert there.get("/metrics").status_code == 200
