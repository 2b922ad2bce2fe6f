"""Other sites are kept out, programs are not, and every answer carries the headers."""

import pytest
from flask.testing import FlaskClient

from faceserver.web.guard.security import trusted_names
from tests.web.fakes import FakeBackend, FakeService, make_app
from tests.web.forms import error_of, post_form

FACE = ("f", b"one face", "a.jpg")
PATHS = ["/", "/faceRegister.html", "/static/app.css", "/health", "/nothing", "/faceRetrieve"]


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_carries_the_headers(client: FlaskClient, path: str) -> None:
    with client.get(path) as response:
        policy = response.headers["Content-Security-Policy"].split("; ")
        assert "default-src 'self'" in policy
        assert "img-src 'self' blob: data:" in policy
        assert "object-src 'none'" in policy
        assert "base-uri 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe-inline" not in response.headers["Content-Security-Policy"]
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Referrer-Policy"] == "same-origin"


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "http://localhost:3000"},
        {"Origin": "null"},
        {"Origin": "http://["},
        {"Origin": ""},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"},
    ],
)
def test_a_page_of_another_site_cannot_post(
    client: FlaskClient, service: FakeService, headers: dict[str, str]
) -> None:
    response = post_form(client, "/faceRegister", FACE, headers=headers)
    assert error_of(response) == (403, "cross_origin")
    assert service.registered == []


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "http://localhost:8000", "Host": "localhost:8000"},
        {"Origin": "http://[::1]:8000", "Host": "[::1]:8000", "Sec-Fetch-Site": "same-origin"},
    ],
)
def test_programs_and_own_pages_can_post(client: FlaskClient, headers: dict[str, str]) -> None:
    assert post_form(client, "/faceRegister", FACE, headers=headers).status_code == 200


def test_a_page_of_another_site_can_link(client: FlaskClient) -> None:
    response = client.get("/faceRegister.html", headers={"Sec-Fetch-Site": "cross-site"})
    assert response.status_code == 200


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8000", "127.0.0.1:8000", "[::1]:8000"])
def test_names_of_loopback(client: FlaskClient, host: str) -> None:
    assert client.get("/health", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example:8000", "192.168.0.1", "[", "", "::1"]
)
@pytest.mark.parametrize("path", ["/health", "/faceRegister", "/nothing"])
def test_another_name_for_loopback_is_refused(client: FlaskClient, host: str, path: str) -> None:
    response = client.get(path, headers={"Host": host})
    assert error_of(response) == (400, "untrusted_host")


def test_a_program_without_a_host_header_is_served(client: FlaskClient) -> None:
    response = client.get("/health", environ_overrides={"HTTP_HOST": None})
    assert response.status_code == 200


def test_a_server_on_the_network_answers_to_any_name(backend: FakeBackend) -> None:
    app = make_app(backend, host="0.0.0.0", no_auth=True)
    response = app.test_client().get("/health", headers={"Host": "faces.example"})
    assert response.status_code == 200


def test_a_server_behind_a_proxy_answers_to_its_name_outside(
    backend: FakeBackend, service: FakeService
) -> None:
    client = make_app(backend, host_names=("Faces.example",), no_auth=True).test_client()
    own = {"Host": "faces.example", "Origin": "https://faces.example"}
    assert post_form(client, "/faceRegister", FACE, headers=own).status_code == 200
    other = {"Host": "evil.example"}
    assert error_of(client.get("/health", headers=other)) == (400, "untrusted_host")
    from_other = {"Host": "faces.example", "Origin": "https://evil.example"}
    response = post_form(client, "/faceRegister", FACE, headers=from_other)
    assert error_of(response) == (403, "cross_origin")
    assert service.registered == ["a.jpg"]


@pytest.mark.parametrize(
    ("host", "extra"),
    [("localhost", []), ("127.0.0.1", []), ("127.0.0.9", ["127.0.0.9"]), ("::1", [])],
)
def test_loopback_addresses_know_their_names(host: str, extra: list[str]) -> None:
    assert trusted_names(host) == frozenset({"localhost", "127.0.0.1", "::1", *extra})


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.4", "faces.example"])
def test_other_addresses_do_not(host: str) -> None:
    assert trusted_names(host) is None
