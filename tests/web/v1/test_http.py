"""What goes over the wire: bodies, problem details, pages of lists, the description, the docs."""

import base64
import json
import re
from io import BytesIO
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.services.test_facade import RED, png

SUBJECTS = "/v1/collections/default/subjects"
FACES = "/v1/collections/default/faces"
SEARCH = "/v1/collections/default/search"
JOBS = "/v1/collections/default/jobs"


def problem(response: TestResponse) -> dict[str, Any]:
    assert response.mimetype == "application/problem+json"
    found: dict[str, Any] = response.get_json(force=True)
    assert found["status"] == response.status_code
    assert found["request_id"] == response.headers["X-Request-ID"]
    assert found["type"] == "about:blank"
    return found


def places(response: TestResponse) -> list[str]:
    return [field.get("pointer") or field["parameter"] for field in problem(response)["errors"]]


def test_a_field_is_named_by_its_pointer(http: FlaskClient) -> None:
    response = http.post(SUBJECTS, json={"name": 5, "tags": ["ok", ""], "more": 1})
    assert response.status_code == 400
    assert problem(response)["code"] == "invalid_request"
    assert sorted(places(response)) == ["#/more", "#/name", "#/tags/1"]


def test_a_pointer_escapes_what_it_must(http: FlaskClient) -> None:
    response = http.post(SUBJECTS, json={"name": "Ann", "a/b~c": 1})
    assert places(response) == ["#/a~1b~0c"]


def test_what_was_sent_is_not_told_back(http: FlaskClient) -> None:
    response = http.post(FACES, json={"base64": "secret picture", "subject": "secret id"})
    assert "secret" not in response.text
    assert places(response) == ["#/base64", "#/subject"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"{}"',
        b"[" * 5000,
        b'{"name": "\\ud800"}',
        b'{"name": NaN}',
        b"\xff",
    ],
)
def test_a_body_must_be_a_json_object(http: FlaskClient, body: bytes) -> None:
    response = http.post(SUBJECTS, data=body, content_type="application/json")
    assert response.status_code == 400
    assert problem(response)["code"] == "invalid_request"


@pytest.mark.parametrize("body", [[], "x", {"k": 1}, {"base64": "eA==", "url": "http://x/"}])
def test_one_of_several_forms_is_wanted(http: FlaskClient, body: Any) -> None:
    response = http.post(SEARCH, json=body)
    assert response.status_code == 400


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999"])
def test_numbers_must_be_finite(http: FlaskClient, number: str) -> None:
    for path, body in (
        (SEARCH, f'{{"embedding": [{number}, 0, 0], "model": "colour"}}'),
        (SUBJECTS, f'{{"name": "Ann", "metadata": {{"a": {number}}}}}'),
    ):
        response = http.post(path, data=body, content_type="application/json")
        assert response.status_code == 400, response.text


@pytest.mark.parametrize("path", [SUBJECTS, FACES, SEARCH, JOBS, "/v1/detect"])
def test_other_bodies_are_unsupported(http: FlaskClient, path: str) -> None:
    response = http.post(path, data="x", content_type="text/plain")
    assert response.status_code == 415
    assert problem(response)["code"] == "unsupported_media_type"


def test_a_form_is_checked_like_json(http: FlaskClient) -> None:
    fields = {"file": (BytesIO(png(RED)), "a.png"), "k": "many", "more": "1"}
    assert sorted(places(http.post(SEARCH, data=fields))) == ["#/k", "#/more"]
    fields = {"file": "text", "faces": "some"}
    response = http.post(FACES, data=fields, content_type="multipart/form-data")
    assert sorted(places(response)) == ["#/faces", "#/file"]
    twice = {"file": [(BytesIO(b"a"), "a"), (BytesIO(b"b"), "b")]}
    assert places(http.post("/v1/detect", data=twice)) == ["#/file"]
    twice_text = {"file": (BytesIO(png(RED)), "a.png"), "faces": ["all", "all"]}
    assert places(http.post("/v1/embed", data=twice_text)) == ["#/faces"]


def test_a_form_gives_what_json_gives(http: FlaskClient) -> None:
    tags = ["a", "b"]
    file = (BytesIO(png(RED)), "a.png")
    form = http.post(FACES, data={"file": file, "tags": tags, "source": "s"})
    encoded = base64.b64encode(png(RED)).decode()
    one = form.get_json()["faces"][0]
    http.delete(f"{FACES}/{one['id']}")
    body = http.post(FACES, json={"base64": encoded, "tags": tags, "source": "s"})
    assert form.status_code == body.status_code == 201
    other = body.get_json()["faces"][0]
    assert one.pop("created") != other.pop("created")
    assert one == other
    empty = http.post(FACES, json={"base64": ""})
    assert problem(empty)["code"] == "empty_file"


def test_a_form_that_is_too_large(http: FlaskClient) -> None:
    http.application.config["MAX_FORM_MEMORY_SIZE"] = 10
    response = http.post(SEARCH, data={"file": (BytesIO(b"x"), "a"), "tags": "x" * 11})
    assert response.status_code == 413
    assert problem(response)["code"] == "request_too_large"


@pytest.mark.parametrize(
    ("query", "parameter"),
    [("limit=0", "limit"), ("limit=1001", "limit"), ("limit=x", "limit"), ("more=1", "more")],
)
def test_a_parameter_is_named(http: FlaskClient, query: str, parameter: str) -> None:
    response = http.get(f"{SUBJECTS}?{query}")
    assert response.status_code == 400
    assert places(response) == [parameter]


@pytest.mark.parametrize("path", [SUBJECTS, FACES, JOBS, "/v1/collections"])
@pytest.mark.parametrize("cursor", ["x", "YWZ0ZXI6", "YWZ0ZXI6LTE", "____"])
def test_a_made_up_cursor_is_refused(http: FlaskClient, path: str, cursor: str) -> None:
    response = http.get(path, query_string={"cursor": cursor})
    assert response.status_code == 422
    assert problem(response)["code"] == "invalid_cursor"


@pytest.mark.parametrize(
    ("path", "parameter"),
    [
        (f"{SUBJECTS}/{'0' * 31}", "subject"),
        ("/v1/collections/-bad", "collection"),
        ("/v1/collections/..%20", "collection"),
    ],
)
def test_an_address_is_checked(http: FlaskClient, path: str, parameter: str) -> None:
    assert places(http.get(path)) == [parameter]


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/nowhere", 404, "not_found"),
        ("GET", f"{FACES}/{uuid4()}", 404, "not_found"),
        ("GET", f"/v1/collections/nowhere/faces/{uuid4()}/crop", 404, "not_found"),
        ("GET", f"{FACES}/not-a-uuid", 404, "not_found"),
        ("PATCH", f"{FACES}/move", 405, "method_not_allowed"),
        ("PUT", SUBJECTS, 405, "method_not_allowed"),
        ("POST", f"{SUBJECTS}/{uuid4()}/merge", 415, "unsupported_media_type"),
    ],
)
def test_problems_have_their_codes(
    http: FlaskClient, method: str, path: str, status: int, code: str
) -> None:
    response = http.open(path, method=method)
    assert response.status_code == status
    assert problem(response)["code"] == code


def test_a_browser_gets_problems_here_too(http: FlaskClient) -> None:
    assert problem(http.get("/v1/nowhere", headers={"Accept": "text/html"}))["code"] == "not_found"


def test_somebody_cannot_be_merged_into_themselves(http: FlaskClient) -> None:
    ann = http.post(SUBJECTS, json={"name": "Ann"}).get_json()["id"]
    response = http.post(f"{SUBJECTS}/{ann}/merge", json={"into": ann})
    assert response.status_code == 400


def test_ids_are_uuids_and_times_rfc_3339(http: FlaskClient) -> None:
    made = http.post(SUBJECTS, json={"name": "Ann"}).get_json()
    assert str(UUID(made["id"])) == made["id"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", made["created"])
    assert http.get(f"{SUBJECTS}/{UUID(made['id']).hex}").get_json() == made


def test_the_api_describes_itself(http: FlaskClient) -> None:
    described = http.get("/v1/openapi.json").get_json()
    assert described["openapi"] == "3.1.0"
    assert all(path.startswith("/v1/") for path in described["paths"])
    known = set(described["components"]["schemas"])
    referred = set(re.findall(r"#/components/schemas/(\w+)", json.dumps(described)))
    assert referred <= known
    created = described["components"]["schemas"]["Subject"]["properties"]["created"]
    assert created["format"] == "date-time"
    for path in described["paths"].values():
        for operation in path.values():
            assert operation["security"] == [{"key": []}]
            assert operation["summary"]
            assert "default" in operation["responses"]


def test_the_docs_load_nothing_from_elsewhere(http: FlaskClient) -> None:
    page = http.get("/docs", buffered=True)
    assert page.status_code == 200
    assert "unsafe" not in page.headers["Content-Security-Policy"]
    addresses = re.findall(r'(?:src|href|data-description)="([^"#]+)"', page.text)
    assert "/v1/openapi.json" in addresses
    for address in addresses:
        assert address.startswith("/"), address
        assert not address.startswith("//"), address
        assert http.get(address, buffered=True).status_code < 400, address
    scripts = re.findall(r"<script[^>]*>", page.text)
    assert scripts
    # A block of JSON is data: no browser runs it.
    assert all("src=" in tag or 'type="application/json"' in tag for tag in scripts)
    assert http.get("/docs/ui/other.js").status_code == 404
