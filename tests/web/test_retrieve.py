"""POST /faceRetrieve: the contract key by key, and what bad input gets."""

import pytest
from flask.testing import FlaskClient

from tests.web.fakes import FakeService
from tests.web.forms import error_of, post_form


def test_answers_exactly_the_contract(client: FlaskClient, service: FakeService) -> None:
    service.matches = [(0.231112345, "b.jpg"), (0.4, "a.jpg")]
    response = post_form(
        client, "/faceRetrieve", ("me", b"one face", "me.jpg"), fields={"name": "me"}
    )
    assert response.status_code == 200
    assert response.get_json() == {
        "faces": [
            {"distance": 0.231112, "path": "static/uploadImages/b.jpg"},
            {"distance": 0.4, "path": "static/uploadImages/a.jpg"},
        ]
    }


def test_an_empty_gallery_answers_an_empty_list(client: FlaskClient) -> None:
    response = post_form(client, "/faceRetrieve", ("me", b"one face", "me.jpg"))
    assert (response.status_code, response.get_json()) == (200, {"faces": []})


def test_name_picks_the_field(client: FlaskClient) -> None:
    files = [("a", b"rubbish", "a.jpg"), ("b", b"one face", "b.jpg")]
    assert post_form(client, "/faceRetrieve", *files, fields={"name": "b"}).status_code == 200


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (b"", 400, "empty_file"),
        (b"rubbish", 415, "not_an_image"),
        (b"landscape", 422, "no_face"),
        (b"x" * 1_001, 413, "file_too_large"),
        (b"x" * 20_001, 413, "request_too_large"),
    ],
)
def test_a_bad_picture(client: FlaskClient, data: bytes, status: int, code: str) -> None:
    response = post_form(client, "/faceRetrieve", ("f", data, "a.jpg"))
    assert error_of(response) == (status, code)
    assert set(response.get_json()) == {"error"}


def test_without_a_picture(client: FlaskClient) -> None:
    assert error_of(client.post("/faceRetrieve")) == (400, "no_file")
    response = post_form(client, "/faceRetrieve", ("f", b"one face", "a.jpg"), fields={"name": "g"})
    assert error_of(response) == (400, "no_file")


@pytest.mark.parametrize("second", ["f", "g"])
def test_with_two_pictures(client: FlaskClient, second: str) -> None:
    files = [("f", b"one face", "a.jpg"), (second, b"one face", "b.jpg")]
    assert error_of(post_form(client, "/faceRetrieve", *files)) == (413, "too_many_items")
