"""One table of statuses, one shape of errors."""

import logging
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from faceserver.errors import FaceServerError, StoreFull
from faceserver.web.errors import STATUS
from tests.web.fakes import FakeBackend, FakeService
from tests.web.forms import error_of, post_form

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def all_errors(base: type[FaceServerError]) -> Iterator[type[FaceServerError]]:
    """Errors of the package; other tests define their own."""
    if base.__module__.startswith("faceserver."):
        yield base
    for error in base.__subclasses__():
        yield from all_errors(error)


def test_the_table_has_every_code_and_no_other() -> None:
    assert {error.code for error in all_errors(FaceServerError)} == set(STATUS)


def test_an_unknown_address(client: FlaskClient) -> None:
    assert error_of(client.get("/nothing")) == (404, "not_found")


def test_a_wrong_method_names_the_right_one(client: FlaskClient) -> None:
    response = client.get("/faceRegister")
    assert error_of(response) == (405, "method_not_allowed")
    assert response.headers.getlist("Allow") in (["POST, OPTIONS"], ["OPTIONS, POST"])


def test_a_browser_gets_a_page(client: FlaskClient) -> None:
    response = client.get("/<b>nothing", headers=BROWSER)
    assert response.status_code == 404
    assert response.mimetype == "text/html"
    assert "not_found" in response.text


def test_a_browser_that_posts_gets_json(client: FlaskClient) -> None:
    assert error_of(client.post("/faceRetrieve", headers=BROWSER)) == (400, "no_file")


def test_an_unexpected_error_is_logged_and_keeps_its_details(
    client: FlaskClient, service: FakeService, caplog: pytest.LogCaptureFixture
) -> None:
    service.crash = RuntimeError("secret detail")
    response = post_form(client, "/faceRegister", ("f", b"one face", "a.jpg"))
    assert error_of(response) == (500, "internal_error")
    assert "secret" not in response.text
    assert "secret detail" in caplog.text


def test_a_failure_of_ours_is_logged(
    client: FlaskClient, service: FakeService, caplog: pytest.LogCaptureFixture
) -> None:
    service.crash = StoreFull("no space is left")
    response = post_form(client, "/faceRegister", ("f", b"one face", "a.jpg"))
    assert error_of(response) == (507, "store_full")
    assert "no space is left" in caplog.text


def test_waiting_for_the_start_is_not_logged(
    client: FlaskClient, backend: FakeBackend, caplog: pytest.LogCaptureFixture
) -> None:
    backend.status = "starting"
    with caplog.at_level(logging.WARNING):
        response = post_form(client, "/faceRegister", ("f", b"one face", "a.jpg"))
    assert error_of(response) == (503, "not_ready")
    assert caplog.text == ""
