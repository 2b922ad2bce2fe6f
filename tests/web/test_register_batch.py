"""POST /faceRegisterBatch: the contract key by key, and what bad input gets."""

import json

import pytest
from flask.testing import FlaskClient

from faceserver.errors import ForbiddenUrl, InvalidUrl, UrlFailed, UrlTimeout
from tests.web.fakes import FACE_ANSWER, FakeService
from tests.web.forms import error_of

URL = "http://pictures.example/a.jpg"


def test_answers_exactly_the_contract(client: FlaskClient, service: FakeService) -> None:
    service.web[URL] = b"one face"
    response = client.post("/faceRegisterBatch", json={"urls": [URL]})
    assert response.status_code == 200
    assert response.get_json() == {"faces": [{"BoxsPoints": [FACE_ANSWER], "name": URL}]}


def test_path_is_included_when_asked_for(client: FlaskClient, service: FakeService) -> None:
    service.web[URL] = b"one face"
    response = client.post("/faceRegisterBatch?include=path", json={"urls": [URL]})
    (item,) = response.get_json()["faces"]
    assert item["path"].startswith("static/uploadImages/")


def test_one_bad_url_does_not_lose_the_others(client: FlaskClient, service: FakeService) -> None:
    service.web = {"http://a": UrlTimeout("too slow"), URL: b"one face", "c": InvalidUrl("no URL")}
    response = client.post("/faceRegisterBatch", json={"urls": list(service.web)})
    assert response.status_code == 200
    items = response.get_json()["faces"]
    assert [item["name"] for item in items] == list(service.web)
    assert items[0]["error"] == {"code": "url_timeout", "message": "too slow"}
    assert "error" not in items[1]
    assert items[2]["error"]["code"] == "invalid_url"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (InvalidUrl("x"), 400),
        (ForbiddenUrl("x"), 403),
        (UrlTimeout("x"), 422),
        (UrlFailed("x"), 422),
    ],
)
def test_when_every_url_fails_the_first_error_is_the_answer(
    client: FlaskClient, service: FakeService, error: InvalidUrl, status: int
) -> None:
    service.web = {URL: error, "b": UrlFailed("y")}
    response = client.post("/faceRegisterBatch", json={"urls": [URL, "b"]})
    assert error_of(response) == (status, error.code)
    assert len(response.get_json()["faces"]) == 2


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xff",
        b"null",
        b"[]",
        b'"urls"',
        b"{}",
        b'{"urls": null}',
        b'{"urls": "http://a"}',
        b'{"urls": {"a": "b"}}',
        b'{"urls": [1]}',
        b'{"urls": ["http://a", null]}',
        b'{"urls": [["http://a"]]}',
        b'{"urls": []}',
        rb'{"urls": ["http://\ud800"]}',
        b"[" * 5_000,
        b"[" * 5_000 + b"]" * 5_000,
    ],
)
def test_a_malformed_body(client: FlaskClient, body: bytes) -> None:
    response = client.post("/faceRegisterBatch", data=body, content_type="application/json")
    assert error_of(response) == (400, "invalid_request")


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/x-www-form-urlencoded"])
def test_another_content_type(client: FlaskClient, content_type: str | None) -> None:
    body = json.dumps({"urls": [URL]})
    response = client.post("/faceRegisterBatch", data=body, content_type=content_type)
    assert error_of(response) == (415, "unsupported_media_type")


def test_too_many_urls(client: FlaskClient) -> None:
    response = client.post("/faceRegisterBatch", json={"urls": [URL] * 4})
    assert error_of(response) == (413, "too_many_items")


def test_a_body_that_is_too_large(client: FlaskClient) -> None:
    response = client.post("/faceRegisterBatch", json={"urls": ["x" * 30_000]})
    assert error_of(response) == (413, "request_too_large")
