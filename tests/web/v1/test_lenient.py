"""What is taken although it is unusual, and what stays refused: base64, JSON, queries."""

import base64
import json
from collections.abc import Callable
from contextlib import suppress
from io import BytesIO
from typing import Any
from urllib.parse import quote
from uuid import uuid4
from zipfile import ZipFile

import pytest
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from faceserver.api.pictures import Base64
from tests.services.test_facade import RED, png
from tests.web.v1.test_http import FACES, JOBS, SEARCH, SUBJECTS, places, problem

PLAIN = base64.b64encode(png(RED)).decode()
JSON = "application/json"

SPELLINGS: list[Callable[[str], str]] = [
    lambda text: text,
    lambda text: f"data:image/png;base64,{text}",
    lambda text: f"DATA:image/png;charset=utf-8;BASE64, {text}",
    lambda text: f"data:;base64,{text}",
    lambda text: f" \n data:image/jpeg;base64,{quote(text, safe='')}",
    lambda text: "\r\n".join(text[start : start + 76] for start in range(0, len(text), 76)),
    lambda text: f"  {text}\n",
    lambda text: text.rstrip("="),
    lambda text: text.replace("+", "-").replace("/", "_"),
    lambda text: text.replace("+", "-").replace("/", "_").rstrip("="),
]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_base64_as_programs_write_it(http: FlaskClient, spelling: Callable[[str], str]) -> None:
    text = spelling(PLAIN)
    assert http.post("/v1/detect", json={"base64": text}).status_code == 200
    both = {"a": {"base64": text}, "b": {"base64": text}}
    assert http.post("/v1/compare", json=both).status_code == 200
    assert http.post(SEARCH, json={"base64": text}).status_code == 200
    assert http.post(FACES, json={"base64": text}).status_code == 201


@pytest.mark.parametrize(
    "text",
    [
        "a", "abcde", "ab=c", "====a", "a*bc", "abcé", "YQ==YQ==", "data:image/png,YQ==",
        "data:image/png;base64", "base64,YQ==", "data:base64;base64;YQ==", "%59%51", "YQ\0==",
        "data:;base64,%ff%fe",
    ],
)  # fmt: skip
def test_what_is_no_base64(http: FlaskClient, text: str) -> None:
    response = http.post("/v1/detect", json={"base64": text})
    assert response.status_code == 400
    assert places(response) == ["#/base64"]


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(st.binary(max_size=60), st.sampled_from(SPELLINGS))
def test_base64_of_any_bytes(data: bytes, spelling: Callable[[str], str]) -> None:
    text = spelling(base64.b64encode(data).decode())
    assert TypeAdapter(Base64).validate_python(text) == data


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(st.text(st.sampled_from("abAB+/-_= \ndata:;base64,%\xe9\ud800"), max_size=30))
def test_any_text_is_base64_or_not(text: str) -> None:
    with suppress(ValidationError):
        assert isinstance(TypeAdapter(Base64).validate_python(text), bytes)


@pytest.mark.parametrize(
    ("charset", "content_type"),
    [
        ("utf-8", JSON),
        ("utf-8", f"{JSON}; charset=utf-8"),
        ("utf-8", f'{JSON}; charset="UTF-8"'),
        ("utf-8-sig", JSON),
        ("utf-8-sig", f"{JSON};charset=utf8"),
        ("utf-16", JSON),
        ("utf-16-le", JSON),
        ("utf-16-be", f"{JSON}; charset=utf-16be"),
        ("utf-32", JSON),
        ("latin-1", f"{JSON}; charset=ISO-8859-1"),
        ("cp1252", f"{JSON}; charset=windows-1252"),
        ("utf-8", "application/problem+json"),
        ("utf-8", "Application/JSON"),
    ],
)
def test_json_in_a_charset_that_is_told(http: FlaskClient, charset: str, content_type: str) -> None:
    body = json.dumps({"name": "Zoë"}, ensure_ascii=False).encode(charset)
    response = http.post(SUBJECTS, data=body, content_type=content_type)
    assert response.get_json()["name"] == "Zoë"
    urls = json.dumps({"urls": ["http://ë/"]}, ensure_ascii=False).encode(charset)
    answer = http.post("/faceRegisterBatch", data=urls, content_type=content_type)
    assert answer.get_json()["faces"][0]["name"] == "http://ë/"


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ('{"name": "Zoë"}'.encode("latin-1"), JSON),
        ('{"name": "Zoë"}'.encode("latin-1"), f"{JSON}; charset=utf-8"),
        ('{"name": "Zoë"}'.encode(), f"{JSON}; charset=ascii"),
        (b'{"name": "Zoe"}', f"{JSON}; charset=utf-16"),
        (b'{"name": "Zoe"}', f"{JSON}; charset=utf-7"),
        (b'{"name": "Zoe"}', f"{JSON}; charset=hex"),
        (b'{"name": "Zoe"}', f"{JSON}; charset=no-such"),
    ],
)
def test_json_that_is_not_what_it_says(http: FlaskClient, body: bytes, content_type: str) -> None:
    response = http.post(SUBJECTS, data=body, content_type=content_type)
    assert (response.status_code, problem(response)["code"]) == (400, "invalid_request")


ROUTES = [
    ("GET", SUBJECTS), ("POST", SUBJECTS), ("GET", FACES), ("POST", FACES), ("POST", SEARCH),
    ("POST", f"{FACES}/move"), ("GET", f"{FACES}/{uuid4()}"), ("PATCH", f"{FACES}/{uuid4()}"),
    ("DELETE", f"{FACES}/{uuid4()}"), ("GET", f"{FACES}/{uuid4()}/crop"), ("GET", JOBS),
    ("POST", JOBS), ("DELETE", f"{JOBS}/{uuid4()}"), ("POST", f"{JOBS}/{uuid4()}/cancel"),
    ("PATCH", f"{SUBJECTS}/{uuid4()}"), ("DELETE", f"{SUBJECTS}/{uuid4()}"), ("POST", "/v1/detect"),
    ("POST", "/v1/embed"), ("POST", "/v1/compare"), ("GET", "/v1/status"), ("GET", "/v1/keys"),
    ("POST", "/v1/keys"), ("DELETE", "/v1/keys/x"), ("DELETE", "/v1/collections/x"),
    ("GET", "/v1/collections/default/unnamed"), ("HEAD", SUBJECTS), ("GET", "/v1/openapi.json"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_an_unknown_parameter_is_refused_everywhere(
    http: FlaskClient, method: str, path: str
) -> None:
    response = http.open(f"{path}?thresold=0.5", method=method)
    assert response.status_code == 400
    if method != "HEAD":
        assert places(response) == ["thresold"]


def test_the_refusal_names_what_is_known(http: FlaskClient) -> None:
    (field,) = problem(http.get(f"{SUBJECTS}?limits=1"))["errors"]
    assert field["detail"].endswith(
        "known are limit, cursor, tag, name, called, hidden, sort, alike"
    )
    (field,) = problem(http.post("/v1/detect?faces=all"))["errors"]
    assert field["detail"].endswith("this address takes none")


def test_a_parameter_with_one_value_comes_once(http: FlaskClient) -> None:
    assert places(http.get(f"{SUBJECTS}?limit=1&limit=2")) == ["limit"]
    assert http.get(f"{SUBJECTS}?tag=a&tag=b").status_code == 200


def test_every_parameter_that_is_described_is_known(http: FlaskClient) -> None:
    described: dict[str, dict[str, dict[str, Any]]] = http.get("/v1/openapi.json").get_json()[
        "paths"
    ]
    for path, operations in described.items():
        names = {
            one["name"]
            for one in operations.get("get", {}).get("parameters", ())
            if one["in"] == "query"
        }
        address = path.replace("{collection}", "default")
        for name in names:
            response = http.get(f"{address}?{name}=!&{name}=!")
            found = problem(response)["errors"] if response.status_code == 400 else []
            assert not any("unknown" in field["detail"] for field in found)


def test_the_original_endpoints_pass_over_parameters(http: FlaskClient) -> None:
    picture = {"f": (BytesIO(png(RED)), "a.png")}
    assert http.post("/faceRegister?v=1", data=picture).status_code == 200
    assert http.get("/health?v=1").status_code < 500


def test_a_zip_needs_no_file_name(http: FlaskClient) -> None:
    archive = BytesIO()
    with ZipFile(archive, "w") as made:
        made.writestr("a.png", png(RED))
    head = b'--X\r\nContent-Disposition: form-data; name="file"'
    body = head + b"\r\n\r\n" + archive.getvalue() + b"\r\n--X--\r\n"
    response = http.post(JOBS, data=body, content_type="multipart/form-data; boundary=X")
    assert response.status_code == 202, response.text
    latin = head + b'; filename="\xe9.png"\r\n\r\n' + png(RED) + b"\r\n--X--\r\n"
    stored = http.post(FACES, data=latin, content_type="multipart/form-data; boundary=X")
    assert stored.get_json()["faces"][0]["source"] == "é.png"


@pytest.mark.parametrize(
    ("url", "code"),
    [
        (" https://faces.example/red \n", 200),
        ("\ufeffhttps://faces.example/red", 200),
        ("https://faces.example/a b.jpg", 422),  # well-formed, but not there
        ("https://gesichter-b\xfccher.example/", 422),
        ("https://faces.example/a\nb.jpg", 400),
        ("https://faces.example/\0", 400),
        ("https://", 400),
        ("faces.example/red", 400),
        ("data:image/png;base64,AAAA", 400),
    ],
)
def test_urls_as_they_are_pasted(http: FlaskClient, url: str, code: int) -> None:
    assert http.post("/v1/detect", json={"url": url}).status_code == code
    job = http.post(JOBS, json={"items": [{"url": url}]})
    assert job.status_code == (400 if code == 400 else 202)
    if job.status_code == 202:
        (item,) = http.get(f"{JOBS}/{job.get_json()['id']}/items").get_json()["items"]
        assert item["source"] == url.strip(" \n\ufeff")
