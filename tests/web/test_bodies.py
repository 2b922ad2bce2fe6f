"""How large bodies may be, by route; what JSON is made of; what headers alone decide."""

import json
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import EnvironBuilder, TestResponse

from faceserver.config import load_settings
from faceserver.errors import Busy, RequestTooLarge
from faceserver.runtime.admission import HEADERS_ALONE, JUDGED, REFUSAL
from faceserver.server.answer import Answer
from faceserver.store import subjects
from faceserver.web.guard import scopes
from faceserver.web.guard.auth import gate_of
from faceserver.web.guard.bodies import limit_of
from faceserver.web.guard.scopes import mark_of, scope
from faceserver.web.problems import MAX_ERRORS, MAX_TEXT
from tests.web.fakes import FakeBackend, make_app
from tests.web.forms import error_of
from tests.web.guarded import status_of, tell_codes

WITH_BODY = {"POST", "PUT", "PATCH"}
JSON = {"Content-Type": "application/json"}
SEARCH = "/v1/collections/default/search"
JOBS = "/v1/collections/default/jobs"
SUBJECTS = "/v1/collections/default/subjects"


@pytest.fixture
def plain(backend: FakeBackend) -> FlaskClient:
    """A server with the usual limits."""
    settings = load_settings(data_dir=backend.settings.data_dir)
    return make_app(FakeBackend(settings)).test_client()


def post(client: FlaskClient, path: str, body: str | bytes) -> TestResponse:
    return client.post(path, data=body, headers=JSON)


def headers_alone(app: Flask, **request: Any) -> tuple[int, int | None]:
    """The status of a request whose body is not there, and how large that may be."""
    builder = EnvironBuilder(**{"method": "POST", **request})
    answer = Answer(app, builder.get_environ())
    return int(answer.status[:3]), answer.admitted


def test_every_route_that_takes_a_body_says_how_large(app: Flask) -> None:
    for rule in app.url_map.iter_rules():
        if (rule.methods or set()) & WITH_BODY:
            assert mark_of(app, rule.endpoint).body, rule


def test_a_route_that_does_not_say_keeps_the_server_from_starting(app: Flask) -> None:
    @scope("write")
    def careless() -> str:
        return ""

    app.add_url_rule("/careless", "careless", careless, methods=["POST"])
    with pytest.raises(RuntimeError, match="careless"):
        scopes.check(app)


def test_a_body_that_is_too_large_for_its_route_is_refused(
    app: Flask, backend: FakeBackend
) -> None:
    tell_codes(app)
    client = app.test_client()
    for rule in app.url_map.iter_rules():
        for method in (rule.methods or set()) & WITH_BODY:
            path = rule.rule.replace("<collection>", "default")
            if "<" in path:
                continue
            limit = limit_of(mark_of(app, rule.endpoint).body or "small", backend.settings)
            for kind, most in (("application/json", limit.json), ("image/jpeg", limit.bytes)):
                answer = client.open(path, method=method, data=b" " * (most + 1), content_type=kind)
                assert status_of(answer) == 413, (path, kind)
                assert len(answer.data) < 1_000


def test_routes_that_take_fields_take_kilobytes(plain: FlaskClient) -> None:
    for path in (SUBJECTS, "/v1/collections", "/v1/keys"):
        assert post(plain, path, b'{"name": "' + b"x" * 70_000 + b'"}').status_code == 413
    assert plain.post("/signIn", data={"key": "x" * 20_000}).status_code == 413
    assert post(plain, "/health", b"").status_code == 405


@pytest.mark.parametrize(
    "body",
    [
        '{"embedding": [' + ",".join(["0"] * 30_000) + '], "model": "m"}',
        '{"embedding": [' + ",".join(['"x"'] * 30_000) + '], "model": "m"}',
        '{"filter": ' + '{"tags": ' * 20_000 + "1" + "}" * 20_000 + "}",
        "[" * 100_000,
        "{" + ",".join(f'"{number}": 1' for number in range(30_000)) + "}",
        '"\\\\' + '\\"' * 5_000_000,
        '"' * 1_000_000,
    ],
    ids=["numbers", "texts", "deep", "brackets", "keys", "escapes", "quotes"],
)
def test_json_of_too_many_values_is_refused(plain: FlaskClient, body: str) -> None:
    answer = post(plain, SEARCH, body)
    assert answer.status_code in {400, 413}
    assert len(answer.data) < 10_000


def test_one_long_text_is_no_matter_of_values(plain: FlaskClient) -> None:
    text = "," * 1_000_000 + "\\\\" + '\\"' * 1000
    answer = post(plain, SEARCH, '{"base64": "' + text + '"}')
    assert answer.get_json()["detail"] != "the JSON is too large: it holds too many values"
    assert answer.status_code == 400


@pytest.mark.parametrize("item", ["1", "[]", "{}", '{"a": 1}', '{"url": 7, "tags": 8}', "null"])
def test_wrong_items_are_told_shortly(plain: FlaskClient, item: str) -> None:
    answer = post(plain, JOBS, '{"items": [' + ",".join([item] * 9_000) + "]}")
    assert answer.status_code == 400
    assert 1 <= len(answer.get_json()["errors"]) <= MAX_ERRORS
    assert len(answer.data) < 10_000


def test_at_most_twenty_faults_are_listed(plain: FlaskClient) -> None:
    keys = {f"key {number}": 1 for number in range(500)}
    answer = post(plain, SUBJECTS, json.dumps(keys))
    assert len(answer.get_json()["errors"]) == MAX_ERRORS
    many = {str(number): 1 for number in range(4_000)}
    answer = post(plain, SUBJECTS, json.dumps(many))
    assert [fault["detail"] for fault in answer.get_json()["errors"]] == [
        "4001 things are wrong with it"
    ]


def test_what_was_sent_is_not_answered(plain: FlaskClient) -> None:
    long = "q" * 30_000
    answers = [
        post(plain, SUBJECTS, json.dumps({long: 1})),
        plain.get(f"{SUBJECTS}?{long}=1"),
        plain.get(f"/v1/collections/{long}"),
        plain.get("/health", headers={"Host": long}),
        plain.post("/language", data={"language": long[:9_000]}),
        plain.post(f"/faceRegister?include={long}"),
        plain.post("/signOut", headers={"Origin": f"http://{long}"}),
        plain.get(f"/static/uploadImages/{long}"),
        plain.post("/health", headers={"Content-Encoding": long}),
    ]
    for answer in answers:
        assert 400 <= answer.status_code < 500, answer.request.path[:80]
        assert len(answer.data) < 5 * MAX_TEXT


def test_who_has_no_key_is_not_led_back_to_an_endless_address(plain: FlaskClient) -> None:
    gate_of(plain.application).keys.create("a", "read")
    answer = plain.get(f"/people?{'q' * 30_000}", headers={"Accept": "text/html"})
    assert answer.status_code == 302
    assert len(answer.headers["Location"]) < 100


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "br", "deflate, gzip", "x"])
def test_compressed_bodies_are_refused(plain: FlaskClient, encoding: str) -> None:
    answer = plain.post(SUBJECTS, data=b"{}", headers={**JSON, "Content-Encoding": encoding})
    assert answer.status_code == 415
    assert answer.get_json()["code"] == "unsupported_media_type"
    plainly = plain.post(SUBJECTS, data=b"{}", headers={**JSON, "Content-Encoding": "identity"})
    assert plainly.status_code == 400


@pytest.mark.parametrize(
    "metadata",
    [
        '{"a": "' + "x" * subjects.MAX_METADATA_BYTES + '"}',
        '{"a": "' + "\u00e9" * (subjects.MAX_METADATA_BYTES // 2) + '"}',
        '{"a": [' + ",".join(["0"] * 9_000) + "]}",
    ],
)
def test_metadata_has_a_size(metadata: str) -> None:
    with pytest.raises(Exception, match="at most 16384"):
        subjects.checked_metadata(json.loads(metadata))
    assert subjects.checked_metadata({"a": "x" * 16_000})


def test_headers_alone_decide(backend: FakeBackend) -> None:
    app = make_app(backend)
    keys = gate_of(app).keys
    token = keys.create("a", "write")[1]
    good = {"x-api-key": token}
    large = str(backend.settings.max_request_bytes + 1)
    limit = backend.settings.max_request_bytes
    assert headers_alone(app, path="/faceRegister") == (401, None)
    assert headers_alone(app, path="/faceRegister", headers=good) == (204, limit)
    assert headers_alone(app, path="/v1/keys", headers=good) == (403, None)
    assert headers_alone(app, path="/nothing", headers=good) == (404, None)
    assert headers_alone(app, path="/health", headers=good) == (405, None)
    assert headers_alone(app, path="/signIn") == (204, 16_384)
    too_large = {"CONTENT_LENGTH": large}
    asked = headers_alone(app, path="/faceRegister", headers=good, environ_overrides=too_large)
    assert asked == (413, None)
    foreign = {**good, "Origin": "http://evil.example"}
    assert headers_alone(app, path="/faceRegister", headers=foreign) == (403, None)


def test_a_request_that_was_judged_by_its_headers_counts_once(backend: FakeBackend) -> None:
    app = make_app(backend, requests_per_minute=3)
    for _ in range(3):
        assert headers_alone(app, path="/faceRegister")[0] == 204
        answer = app.test_client().post("/faceRegister", environ_overrides={JUDGED: True})
        assert answer.status_code == 400
    assert headers_alone(app, path="/faceRegister")[0] == 429


def test_a_form_may_bring_the_token_of_its_page_later(backend: FakeBackend) -> None:
    app = make_app(backend)
    client = app.test_client()
    token = gate_of(app).keys.create("a", "write")[1]
    assert client.post("/signIn", data={"key": token}).status_code == 303
    answer = client.post(
        "/signOut",
        content_type="application/x-www-form-urlencoded",
        environ_overrides={HEADERS_ALONE: True},
    )
    assert answer.status_code == 204
    assert client.post("/signOut", data={}).status_code == 403


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (Busy("later"), (503, "busy")),
        (RequestTooLarge("too much"), (413, "request_too_large")),
    ],
)
@pytest.mark.parametrize("limit", [0, 100])
def test_what_the_server_refuses_is_answered_like_all_else(
    backend: FakeBackend, error: Exception, expected: tuple[int, str], limit: int
) -> None:
    client = make_app(backend, requests_per_minute=limit).test_client()
    answer = client.post("/faceRegister", environ_overrides={REFUSAL: error})
    assert error_of(answer) == expected
    assert ("Retry-After" in answer.headers) == (expected[1] == "busy")
    as_problem = client.post(SEARCH, environ_overrides={REFUSAL: error})
    assert as_problem.get_json()["code"] == expected[1]
