"""Pages of other sites: refused, except for those whose origins are named."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from faceserver.config import load_settings
from faceserver.errors import InvalidSetting
from faceserver.web.guard.auth import gate_of
from tests.web.fakes import FakeBackend, make_app
from tests.web.forms import error_of, post_form

FACE = ("f", b"one face", "a.jpg")
FRIEND = {"Origin": "https://friend.example", "Sec-Fetch-Site": "cross-site"}
STRANGER = {"Origin": "https://friend.example.evil.example", "Sec-Fetch-Site": "cross-site"}
ASK = {"Access-Control-Request-Method": "POST"}


@pytest.fixture
def named(backend: FakeBackend) -> Flask:
    return make_app(backend, cors_origins=("https://friend.example",))


def test_none_is_named_by_default(client: FlaskClient) -> None:
    response = client.options("/faceRegister", headers=FRIEND | ASK)
    assert not any(name.startswith("Access-Control") for name, _ in response.headers)
    assert error_of(post_form(client, "/faceRegister", FACE, headers=FRIEND)) == (
        403,
        "cross_origin",
    )


def test_a_named_site_asks_and_calls_with_a_key(named: Flask) -> None:
    _, token = gate_of(named).keys.create("page", "write")
    client = named.test_client()
    asked = client.options("/faceRegister", headers=FRIEND | ASK)
    assert asked.status_code == 200
    assert asked.headers["Access-Control-Allow-Origin"] == "https://friend.example"
    assert "Authorization" in asked.headers["Access-Control-Allow-Headers"]
    assert "POST" in asked.headers["Access-Control-Allow-Methods"]
    headers = FRIEND | {"Authorization": f"Bearer {token}"}
    answer = post_form(client, "/faceRegister", FACE, headers=headers)
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == "https://friend.example"
    assert "Access-Control-Allow-Credentials" not in answer.headers
    assert "Origin" in answer.headers["Vary"]


def test_an_error_can_be_read_by_a_named_site(named: Flask) -> None:
    gate_of(named).keys.create("page", "write")
    answer = post_form(named.test_client(), "/faceRegister", FACE, headers=FRIEND)
    assert error_of(answer) == (401, "not_authenticated")
    assert answer.headers["Access-Control-Allow-Origin"] == "https://friend.example"


def test_a_cookie_is_not_enough_for_a_named_site(named: Flask) -> None:
    _, token = gate_of(named).keys.create("page", "write")
    client = named.test_client()
    client.post("/signIn", data={"key": token})
    answer = post_form(client, "/faceRegister", FACE, headers=FRIEND)
    assert error_of(answer) == (403, "csrf_failed")


def test_other_sites_stay_out(named: Flask) -> None:
    client = named.test_client()
    answer = post_form(client, "/faceRegister", FACE, headers=STRANGER)
    assert error_of(answer) == (403, "cross_origin")
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert "Origin" in answer.headers["Vary"]


@pytest.mark.parametrize("origin", ["*", "friend.example", "https://a.example/", "null", ""])
def test_what_is_no_origin_cannot_be_named(origin: str) -> None:
    if origin == "":
        assert load_settings(cors_origins="").cors_origins == ()
        return
    with pytest.raises(InvalidSetting, match="CORS_ORIGINS"):
        load_settings(cors_origins=origin)
