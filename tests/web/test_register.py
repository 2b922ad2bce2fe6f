"""POST /faceRegister: the contract key by key, and what bad input gets."""

import gc

import pytest
from flask.testing import FlaskClient

from tests.web.fakes import BEYOND_ANSWER, FACE_ANSWER, FakeBackend, FakeService
from tests.web.forms import error_of, post_form


def test_listed_fields_answer_exactly_the_contract(client: FlaskClient) -> None:
    response = post_form(
        client,
        "/faceRegister",
        ("a.jpg", b"one face", "a.jpg"),
        ("b.jpg", b"two faces", "b.jpg"),
        fields={"names": "a.jpg*b.jpg*"},
    )
    assert response.status_code == 200
    assert response.content_type == "application/json"
    assert response.get_json() == {
        "faces": [
            {"BoxsPoints": [FACE_ANSWER], "name": "a.jpg"},
            {"BoxsPoints": [FACE_ANSWER, BEYOND_ANSWER], "name": "b.jpg"},
        ]
    }


def test_plain_file_fields_need_no_names(client: FlaskClient) -> None:
    response = post_form(client, "/faceRegister", ("picture", b"one face", "me.png"))
    assert response.get_json() == {"faces": [{"BoxsPoints": [FACE_ANSWER], "name": "me.png"}]}


def test_answers_follow_the_order_of_names(client: FlaskClient) -> None:
    response = post_form(
        client,
        "/faceRegister",
        ("a", b"one face", "a.jpg"),
        ("b", b"one face", "b.jpg"),
        fields={"names": "b*a*"},
    )
    assert [item["name"] for item in response.get_json()["faces"]] == ["b.jpg", "a.jpg"]


@pytest.mark.parametrize("fields", [{}, {"names": "f*"}, {"names": "f*f*"}])
def test_two_files_under_one_field_both_count_once(
    client: FlaskClient, fields: dict[str, str]
) -> None:
    files = [("f", b"one face", "1.jpg"), ("f", b"one face", "2.jpg")]
    response = post_form(client, "/faceRegister", *files, fields=fields)
    assert [item["name"] for item in response.get_json()["faces"]] == ["1.jpg", "2.jpg"]


def test_path_is_included_when_asked_for(client: FlaskClient) -> None:
    response = post_form(client, "/faceRegister?include=path", ("f", b"one face", "a.jpg"))
    (item,) = response.get_json()["faces"]
    assert set(item) == {"BoxsPoints", "name", "path"}
    assert item["path"] == f"static/uploadImages/{1:032x}.jpg"


def test_one_bad_picture_does_not_lose_the_others(client: FlaskClient) -> None:
    response = post_form(
        client,
        "/faceRegister?include=path",
        ("a", b"rubbish", "a.jpg"),
        ("b", b"one face", "b.jpg"),
        ("c", b"x" * 1_001, "c.jpg"),
        fields={"names": "a*b*missing*c*"},
    )
    assert response.status_code == 200
    items = response.get_json()["faces"]
    assert [item["name"] for item in items] == ["a.jpg", "b.jpg", "missing", "c.jpg"]
    codes = [item.get("error", {}).get("code") for item in items]
    assert codes == ["not_an_image", None, "no_file", "file_too_large"]
    assert set(items[0]) == {"BoxsPoints", "name", "error"}
    assert set(items[0]["error"]) == {"code", "message"}
    assert items[0]["BoxsPoints"] == []


def test_a_picture_of_exactly_the_limit_is_taken(client: FlaskClient) -> None:
    response = post_form(client, "/faceRegister", ("f", b"x" * 1_000, "a.jpg"))
    assert error_of(response) == (415, "not_an_image")


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (b"", 400, "empty_file"),
        (b"rubbish", 415, "not_an_image"),
        (b"landscape", 422, "no_face"),
        (b"x" * 1_001, 413, "file_too_large"),
    ],
)
def test_when_every_picture_is_refused_the_first_error_is_the_answer(
    client: FlaskClient, service: FakeService, data: bytes, status: int, code: str
) -> None:
    response = post_form(client, "/faceRegister", ("f", data, "a.jpg"), ("g", b"?", "b.jpg"))
    assert error_of(response) == (status, code)
    body = response.get_json()
    assert set(body) == {"error", "faces"}
    assert body["faces"][0] == {"BoxsPoints": [], "name": "a.jpg", "error": body["error"]}
    assert body["faces"][1]["error"]["code"] == "not_an_image"
    assert service.registered == []


@pytest.mark.parametrize("names", ["*", "****", ""])
def test_names_that_name_nothing_are_as_good_as_none(client: FlaskClient, names: str) -> None:
    response = post_form(
        client, "/faceRegister", ("f", b"one face", "a.jpg"), fields={"names": names}
    )
    assert [item["name"] for item in response.get_json()["faces"]] == ["a.jpg"]


@pytest.mark.parametrize("names", ["../../etc/passwd*", "\x00*", "<script>*", "ß*"])
def test_names_of_missing_fields_get_no_file(client: FlaskClient, names: str) -> None:
    response = post_form(
        client, "/faceRegister", ("f", b"one face", "a.jpg"), fields={"names": names}
    )
    assert error_of(response) == (400, "no_file")
    assert [item["name"] for item in response.get_json()["faces"]] == [names[:-1]]


def test_without_a_file_nothing_is_done(client: FlaskClient) -> None:
    assert error_of(client.post("/faceRegister")) == (400, "no_file")
    assert error_of(client.post("/faceRegister", json={})) == (400, "no_file")
    assert error_of(post_form(client, "/faceRegister", fields={"note": "hello"})) == (
        400,
        "no_file",
    )


def test_a_file_field_that_was_left_empty_is_no_file(client: FlaskClient) -> None:
    body = (
        b'--X\r\nContent-Disposition: form-data; name="f"; filename=""\r\n'
        b"Content-Type: application/octet-stream\r\n\r\n\r\n--X--\r\n"
    )
    response = client.post(
        "/faceRegister", data=body, content_type="multipart/form-data; boundary=X"
    )
    assert error_of(response) == (400, "no_file")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no form at all",
        b"--X\r\n\r\n\r\n--X--",
    ],
)
@pytest.mark.parametrize("content_type", ["multipart/form-data; boundary=X", "multipart/form-data"])
def test_a_broken_form_holds_no_file(client: FlaskClient, body: bytes, content_type: str) -> None:
    response = client.post("/faceRegister", data=body, content_type=content_type)
    assert error_of(response) == (400, "no_file")


@pytest.mark.filterwarnings("ignore:Unclosed file:ResourceWarning")
def test_a_form_that_breaks_off_holds_no_file(client: FlaskClient) -> None:
    body = b'--X\r\nContent-Disposition: form-data; name="f"; filename="a.jpg"\r\n\r\none f'
    response = client.post(
        "/faceRegister", data=body, content_type="multipart/form-data; boundary=X"
    )
    assert error_of(response) == (400, "no_file")
    gc.collect()  # Werkzeug leaves the half file to the collector, which would warn in a later test


def test_too_many_pictures(client: FlaskClient, service: FakeService) -> None:
    files = [(f"f{number}", b"one face", "a.jpg") for number in range(5)]
    assert error_of(post_form(client, "/faceRegister", *files)) == (413, "too_many_items")
    names = "".join(f"{number}*" for number in range(5))
    response = post_form(client, "/faceRegister", files[0], fields={"names": names})
    assert error_of(response) == (413, "too_many_items")
    assert service.registered == []


def test_the_whole_request_is_limited(client: FlaskClient) -> None:
    response = post_form(client, "/faceRegister", ("f", b"x" * 20_001, "a.jpg"))
    assert error_of(response) == (413, "request_too_large")


def test_the_number_of_parts_is_limited(client: FlaskClient) -> None:
    response = post_form(
        client, "/faceRegister", fields={f"f{number}": "" for number in range(105)}
    )
    assert error_of(response) == (413, "request_too_large")


def test_a_text_field_is_limited(backend: FakeBackend, client: FlaskClient) -> None:
    client.application.config["MAX_CONTENT_LENGTH"] = 1_000_000
    response = post_form(client, "/faceRegister", fields={"names": "a*" * 250_001})
    assert error_of(response) == (413, "request_too_large")


def test_only_the_path_can_be_included(client: FlaskClient, service: FakeService) -> None:
    response = post_form(client, "/faceRegister?include=id", ("f", b"one face", "a.jpg"))
    assert error_of(response) == (400, "invalid_request")
    assert service.registered == []


def test_before_the_server_is_ready(client: FlaskClient, backend: FakeBackend) -> None:
    backend.status, backend.reason = "failed", "the model is missing"
    response = post_form(client, "/faceRegister", ("f", b"one face", "a.jpg"))
    assert error_of(response) == (503, "not_ready")
    assert response.get_json()["error"]["message"] == "the model is missing"
