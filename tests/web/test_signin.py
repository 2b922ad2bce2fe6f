"""Browsers: signing in and out, the session's cookie, and the token that a change needs."""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from faceserver.access.base import Keys
from faceserver.web.guard.auth import COOKIE, gate_of
from tests.web.fakes import FakeBackend, FakeService, make_app
from tests.web.forms import error_of, post_form

FACE = ("f", b"one face", "a.jpg")
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture
def keys(app: Flask) -> Keys:
    return gate_of(app).keys


@pytest.fixture
def token(keys: Keys) -> str:
    return keys.create("laptop <b>", "write")[1]


def sign_in(client: FlaskClient, token: str, **fields: str) -> TestResponse:
    return client.post("/signIn", data={"key": token, **fields})


def csrf_token(client: FlaskClient) -> str:
    page = client.get("/faceRegister.html", headers=BROWSER).text
    found = re.search(r'<meta name="csrf-token" content="([^"]+)">', page)
    assert found
    return found[1]


def test_a_page_leads_to_signing_in_and_back(client: FlaskClient, token: str) -> None:
    response = client.get("/faceRetrieve.html", headers=BROWSER)
    assert response.status_code == 302
    assert response.headers["Location"] == "/signIn?next=/faceRetrieve.html"
    page = client.get("/signIn?next=/faceRetrieve.html", headers=BROWSER)
    assert page.status_code == 200
    assert 'name="next" value="/faceRetrieve.html"' in page.text
    answer = sign_in(client, token, next="/faceRetrieve.html")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/faceRetrieve.html")
    assert client.get("/faceRetrieve.html", headers=BROWSER).status_code == 200


def test_a_program_gets_no_page(client: FlaskClient, token: str) -> None:
    assert error_of(client.get("/faceRetrieve.html")) == (401, "not_authenticated")


def test_the_cookie(client: FlaskClient, token: str) -> None:
    cookie = sign_in(client, f" {token}\n").headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert "Path=/" in cookie
    assert "Max-Age=43200" in cookie
    assert "Secure" not in cookie
    assert token not in cookie


def test_over_tls_the_cookie_is_secure(client: FlaskClient, token: str) -> None:
    answer = client.post("/signIn", data={"key": token}, base_url="https://localhost")
    assert "Secure" in answer.headers["Set-Cookie"]


def test_behind_a_proxy_the_cookie_is_secure_by_a_setting(backend: FakeBackend) -> None:
    app = make_app(backend, secure_cookies=True)
    _, token = gate_of(app).keys.create("laptop", "read")
    assert "Secure" in sign_in(app.test_client(), token).headers["Set-Cookie"]


def test_a_bad_key_gets_no_cookie(client: FlaskClient, token: str) -> None:
    answer = sign_in(client, token[:-1])
    assert answer.status_code == 401
    assert "Set-Cookie" not in answer.headers
    assert "This key is not valid." in answer.text
    assert token[:-1] not in answer.text
    assert sign_in(client, "").status_code == 401


@pytest.mark.parametrize(
    "path",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "/\t/evil.example",
        "evil",
        "javascript:alert(1)",
        "/a?b=//evil.example",
        "/" + "a" * 5000 + "!",
    ],
)
def test_signing_in_leads_to_no_other_place(client: FlaskClient, token: str, path: str) -> None:
    assert sign_in(client, token, next=path).headers["Location"] == "/"


def test_a_change_needs_the_token(client: FlaskClient, token: str, service: FakeService) -> None:
    sign_in(client, token)
    assert error_of(post_form(client, "/faceRegister", FACE)) == (403, "csrf_failed")
    wrong = {"X-CSRF-Token": "x" * 43}
    assert error_of(post_form(client, "/faceRegister", FACE, headers=wrong)) == (403, "csrf_failed")
    odd = {"X-CSRF-Token": "\xe9"}
    assert error_of(post_form(client, "/faceRegister", FACE, headers=odd)) == (403, "csrf_failed")
    assert service.registered == []
    right = {"X-CSRF-Token": csrf_token(client)}
    assert post_form(client, "/faceRegister", FACE, headers=right).status_code == 200


def test_the_token_of_another_session_is_none(app: Flask, token: str) -> None:
    mine, other = app.test_client(), app.test_client()
    sign_in(mine, token)
    sign_in(other, token)
    stolen = {"X-CSRF-Token": csrf_token(other)}
    assert error_of(post_form(mine, "/faceRegister", FACE, headers=stolen)) == (403, "csrf_failed")


def test_a_key_in_a_header_needs_no_token(client: FlaskClient, token: str) -> None:
    sign_in(client, token)
    headers = {"x-api-key": token}
    assert post_form(client, "/faceRegister", FACE, headers=headers).status_code == 200


def test_a_cookie_does_not_help_a_bad_key(client: FlaskClient, token: str) -> None:
    sign_in(client, token)
    response = client.get("/faceRegister.html", headers={"x-api-key": "bad"})
    assert error_of(response) == (401, "not_authenticated")


def test_signing_out(client: FlaskClient, token: str) -> None:
    sign_in(client, token)
    cookie = client.get_cookie(COOKIE)
    assert cookie
    assert client.post("/signOut").status_code == 403
    answer = client.post("/signOut", data={"csrf_token": csrf_token(client)})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/signIn")
    assert answer.headers["Clear-Site-Data"] == '"cache"'
    assert client.get_cookie(COOKIE) is None
    client.set_cookie(COOKIE, cookie.value)
    assert client.get("/faceRegister.html").status_code == 401


def test_signing_in_again_ends_the_session_before(client: FlaskClient, token: str) -> None:
    sign_in(client, token)
    before = client.get_cookie(COOKIE)
    assert before
    fields = {"csrf_token": csrf_token(client)}
    assert sign_in(client, token, **fields).status_code == 303
    after = client.get_cookie(COOKIE)
    assert after
    assert after.value != before.value
    client.set_cookie(COOKIE, before.value)
    assert client.get("/faceRegister.html").status_code == 401


def test_a_session_ends_with_its_key(client: FlaskClient, keys: Keys, token: str) -> None:
    sign_in(client, token)
    assert client.get("/faceRegister.html").status_code == 200
    keys.revoke("laptop <b>")
    assert client.get("/faceRegister.html").status_code == 401


def test_a_session_can_do_what_its_key_can(client: FlaskClient, keys: Keys) -> None:
    sign_in(client, keys.create("reader", "read")[1])
    headers = {"X-CSRF-Token": csrf_token(client)}
    response = post_form(client, "/faceRegister", FACE, headers=headers)
    assert error_of(response) == (403, "not_permitted")


def test_another_site_cannot_sign_in(client: FlaskClient, token: str) -> None:
    headers = {"Origin": "https://evil.example"}
    response = client.post("/signIn", data={"key": token}, headers=headers)
    assert error_of(response) == (403, "cross_origin")


def test_pages_say_who_is_signed_in(client: FlaskClient, token: str) -> None:
    sign_in(client, token)
    page = client.get("/faceRegister.html").text
    assert "Sign out" in page
    assert "laptop &lt;b&gt;" in page
    assert "laptop <b>" not in page
    assert "Open: no key" not in page


def test_pages_of_an_open_server_say_so(client: FlaskClient) -> None:
    page = client.get("/faceRegister.html").text
    assert "No API key exists" in page
    assert "Sign out" not in page
    assert client.get("/signIn").headers["Location"] == "/"
