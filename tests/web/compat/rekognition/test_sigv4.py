"""Signatures: AWS's published vectors, and requests of a signer that is none of ours."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from faceserver import web
from faceserver.access.keys import KeyScope
from faceserver.config import Settings, load_settings
from faceserver.lifecycle import Services
from faceserver.runtime.admission import HEADERS_ALONE
from faceserver.web.compat.rekognition import sigv4
from faceserver.web.doors import Listener, at_listener
from tests.web.compat.rekognition.signing import signed
from tests.web.fakes import FakeBackend, make_app

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"  # AWS's own example
BODY = json.dumps({"MaxResults": 3}).encode()
TARGET = {"Host": "localhost", "X-Amz-Target": "RekognitionService.ListCollections"}


@pytest.mark.parametrize(
    ("method", "query", "expected"),
    [
        ("GET", "", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        ("POST", "", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
        (
            "GET",
            "Param2=value2&Param1=value1",
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        ),
    ],
)
def test_the_published_vectors(method: str, query: str, expected: str) -> None:
    headers = {"host": "example.amazonaws.com", "x-amz-date": "20150830T123600Z"}
    authorization = sigv4.parse(
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
        f"SignedHeaders=host;x-amz-date, Signature={expected}"
    )
    assert authorization is not None
    request = sigv4.SignedRequest(method, "/", query, headers.get, headers["x-amz-date"], b"")
    assert sigv4.signature(SECRET, authorization, request) == expected
    assert sigv4.is_signed_with(SECRET, authorization, request)
    assert not sigv4.is_signed_with(SECRET.lower(), authorization, request)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer abc",
        "AWS4-HMAC-SHA256",
        "AWS4-HMAC-SHA256 Credential=a/20150830/r/s/aws4_request, SignedHeaders=host",
        "AWS4-HMAC-SHA256 Credential=a/r/s/aws4_request, SignedHeaders=host, Signature=" + 64 * "0",
        "AWS4-HMAC-SHA256 Credential=a/2/r/s/aws3, SignedHeaders=host, Signature=" + 64 * "0",
        "AWS4-HMAC-SHA256 Credential=a/2/r/s/aws4_request, SignedHeaders=, Signature=" + 64 * "0",
        "AWS4-HMAC-SHA256 Credential=a/2/r/s/aws4_request, SignedHeaders=host, Signature=é",
    ],
)
def test_what_is_no_such_header(header: str) -> None:
    assert sigv4.parse(header) is None


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    app.testing = False
    return app.test_client()


@pytest.fixture
def pair(app: Flask) -> str:
    return make_pair(app)


def make_pair(app: Flask, scope: KeyScope = "read", name: str = "signer") -> str:
    return web.gate_of(app).keys.create(name, scope, kind="pair")[1]


def send(
    client: FlaskClient, headers: dict[str, str], body: bytes = BODY, **options: Any
) -> TestResponse:
    return client.post(
        options.pop("path", "/as/rekognition"), data=body, headers=headers, **options
    )


def error_of(answer: TestResponse) -> str:
    assert answer.status_code == 400, answer.text
    return str(answer.get_json(force=True)["__type"])


def test_whoever_signs_is_let_in(client: FlaskClient, pair: str) -> None:
    answer = send(client, signed(pair, TARGET, BODY))
    assert answer.status_code == 200, answer.text
    assert answer.get_json(force=True)["CollectionIds"] == ["default"]


def test_a_pair_has_its_scope(client: FlaskClient, app: Flask, pair: str) -> None:
    headers = {**TARGET, "X-Amz-Target": "RekognitionService.CreateUser"}
    body = json.dumps({"CollectionId": "default", "UserId": "ann"}).encode()
    assert error_of(send(client, signed(pair, headers, body), body)) == "AccessDeniedException"
    writer = make_pair(app, "write", "writer")
    assert send(client, signed(writer, headers, body), body).status_code == 200


def test_all_that_is_signed_is_looked_at(client: FlaskClient, pair: str) -> None:
    more = {
        "amz-sdk-invocation-id": "1-2-3",
        "content-type": "application/x-amz-json-1.1",
        "x-amz-security-token": "a  token   with blanks ",
        "content-length": str(len(BODY)),
    }
    headers = signed(pair, {**TARGET, **more}, BODY)
    assert send(client, headers).status_code == 200
    headers["amz-sdk-invocation-id"] = "3-2-1"
    assert error_of(send(client, headers)) == "InvalidSignatureException"


def test_the_path_and_the_query_are_signed(client: FlaskClient, pair: str) -> None:
    slash = signed(pair, TARGET, BODY, path="/as/rekognition/")
    assert send(client, slash, path="/as/rekognition/").status_code == 200
    assert error_of(send(client, slash)) == "InvalidSignatureException"
    query = signed(pair, TARGET, BODY, query="a=1&b=2")
    assert send(client, query, query_string="b=2&a=1").status_code == 200
    assert error_of(send(client, query)) == "InvalidSignatureException"


def _other_body(headers: dict[str, str]) -> tuple[dict[str, str], bytes]:
    return headers, BODY + b" "


def _other_target(headers: dict[str, str]) -> tuple[dict[str, str], bytes]:
    return {**headers, "X-Amz-Target": "RekognitionService.ListUsers"}, BODY


def _other_host(headers: dict[str, str]) -> tuple[dict[str, str], bytes]:
    return {**headers, "Host": "127.0.0.1"}, BODY


def _malformed(headers: dict[str, str]) -> tuple[dict[str, str], bytes]:
    return {**headers, "Authorization": headers["Authorization"].replace("Signature", "S")}, BODY


def _last_digit(headers: dict[str, str]) -> tuple[dict[str, str], bytes]:
    found = headers["Authorization"]
    return {**headers, "Authorization": found[:-1] + ("1" if found[-1] == "0" else "0")}, BODY


@pytest.mark.parametrize(
    "change", [_other_body, _other_target, _other_host, _malformed, _last_digit]
)
def test_what_was_changed_on_its_way_is_refused(
    client: FlaskClient,
    pair: str,
    change: Callable[[dict[str, str]], tuple[dict[str, str], bytes]],
) -> None:
    headers, body = change(signed(pair, TARGET, BODY))
    assert error_of(send(client, headers, body)) == "InvalidSignatureException"


def test_another_secret_is_refused(client: FlaskClient, pair: str) -> None:
    wrong = signed(f"{pair.partition(':')[0]}:{SECRET}", TARGET, BODY)
    assert error_of(send(client, wrong)) == "InvalidSignatureException"


def test_who_is_not_known_is_refused(client: FlaskClient, app: Flask, pair: str) -> None:
    unknown = signed(f"AKIDEXAMPLE:{SECRET}", TARGET, BODY)
    assert error_of(send(client, unknown)) == "UnrecognizedClientException"
    web.gate_of(app).keys.revoke("signer")
    assert error_of(send(client, signed(pair, TARGET, BODY))) == "UnrecognizedClientException"
    assert error_of(send(client, TARGET)) == "MissingAuthenticationTokenException"


@pytest.mark.parametrize("hours", [-1, 1])
def test_clocks_must_agree(client: FlaskClient, pair: str, hours: int) -> None:
    headers = signed(pair, TARGET, BODY, at=datetime.now(UTC) + timedelta(hours=hours))
    answer = send(client, headers)
    assert error_of(answer) == "InvalidSignatureException"
    assert headers["X-Amz-Date"] in answer.get_json(force=True)["Message"]


def test_a_few_minutes_do_not_matter(client: FlaskClient, pair: str) -> None:
    headers = signed(pair, TARGET, BODY, at=datetime.now(UTC) - timedelta(minutes=10))
    assert send(client, headers).status_code == 200


@pytest.mark.parametrize("wrong", [{"service": "s3"}, {"day": "20150830"}])
def test_the_derived_key_must_be_for_this(
    client: FlaskClient, pair: str, wrong: dict[str, str]
) -> None:
    headers = signed(pair, TARGET, BODY, **wrong)  # type: ignore[arg-type]
    assert error_of(send(client, headers)) == "InvalidSignatureException"


@pytest.mark.parametrize("left_out", ["Host", "X-Amz-Target"])
def test_what_says_what_is_meant_must_be_signed(
    client: FlaskClient, pair: str, left_out: str
) -> None:
    some = {name: value for name, value in TARGET.items() if name != left_out}
    headers = {**TARGET, **signed(pair, some, BODY)}
    assert error_of(send(client, headers)) == "InvalidSignatureException"


def test_an_open_server_does_not_verify(client: FlaskClient) -> None:
    headers = signed(f"AKIDEXAMPLE:{SECRET}", TARGET, BODY)
    assert send(client, headers, BODY + b" ").status_code == 200


def test_a_listener_does_not_verify(app: Flask, pair: str) -> None:
    served = at_listener(app.wsgi_app, Listener("localhost", 1, "rekognition"))
    app.wsgi_app = served  # type: ignore[assignment, method-assign]
    headers = signed(f"AKIDEXAMPLE:{SECRET}", TARGET, BODY, path="/")
    assert send(app.test_client(), headers, path="/").status_code == 200


def test_a_key_in_the_path_needs_no_good_signature(app: Flask, client: FlaskClient) -> None:
    _, key = web.gate_of(app).keys.create("reader", "read")
    headers = signed(f"AKIDEXAMPLE:{SECRET}", TARGET, BODY)
    assert send(client, headers, path=f"/key/{key}/as/rekognition").status_code == 200


def test_a_stranger_is_refused_before_the_body_is_there(client: FlaskClient, pair: str) -> None:
    alone = {"environ_overrides": {HEADERS_ALONE: True}}
    unknown = signed(f"AKIDEXAMPLE:{SECRET}", TARGET, BODY)
    assert error_of(send(client, unknown, b"", **alone)) == "UnrecognizedClientException"
    assert error_of(send(client, TARGET, b"", **alone)) == "MissingAuthenticationTokenException"
    known = send(client, signed(pair, TARGET, BODY), b"", **alone)
    assert known.status_code == 204


def test_a_secret_stands_in_no_answer(client: FlaskClient, pair: str) -> None:
    wrong = send(client, signed(pair, TARGET, BODY), BODY + b" ")
    assert pair.partition(":")[2] not in wrong.text


def test_behind_a_proxy_the_clients_own_name_and_path_are_signed(
    settings: Settings, service: Services
) -> None:
    proxies = load_settings(trusted_proxies="127.0.0.1").trusted_proxies
    backend = FakeBackend(settings, real=service)
    app = make_app(backend, trusted_proxies=proxies, host_names=("faces.example",))
    seen = {**TARGET, "Host": "faces.example"}
    headers = signed(make_pair(app), seen, BODY, path="/faces/as/rekognition")
    told = {
        "Host": "localhost",
        "X-Forwarded-Host": "faces.example",
        "X-Forwarded-Prefix": "/faces",
    }
    assert send(app.test_client(), {**headers, **told}).status_code == 200
    assert error_of(send(app.test_client(), headers)) == "InvalidSignatureException"
