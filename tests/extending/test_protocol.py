"""A protocol is added by its folder and one line of the registry."""

from io import BytesIO
from pathlib import Path

import pytest
from flask import Blueprint, Flask, Response, jsonify, request
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from faceserver.config import load_settings
from faceserver.errors import InvalidSetting
from faceserver.models.registry import Registry
from faceserver.runtime.admission import HEADERS_ALONE
from faceserver.web import compat, gate_of
from faceserver.web.compat.original import inputs
from faceserver.web.context import backend, services
from faceserver.web.guard.scopes import scope
from faceserver.web.protocol import Failure, Protocol, speaks
from tests.web.fakes import FakeBackend, make_app

TARGET = "tests.extending.test_protocol:blueprint"
ANYWHERE = ["", "/as/toy"]
BROWSER = {"Accept": "text/html,*/*;q=0.8"}


def render(failure: Failure) -> Response:
    response = jsonify(success=False, reason=failure.code)
    response.status_code = failure.status
    return response


TOY = Protocol(
    "toy",
    render,
    credentials=lambda asked: asked.headers.get("X-Toy-Key"),
    key_place="X-Toy-Key: KEY",
    challenge=None,
    prefixes=("/toy/",),
)

blueprint = Blueprint("toy", __name__)
speaks(blueprint, TOY)


@blueprint.post("/toy/find")
@scope("read", reach="default", body="picture")
def find() -> dict[str, object]:
    picture = inputs.one_picture(request, backend().settings)
    return {"success": True, "found": len(services().searching.by_only_face(picture))}


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeBackend:
    protocols = Registry("protocol")
    protocols.add("original", "faceserver.web.compat.original.routes:blueprint")
    protocols.add("toy", TARGET)
    monkeypatch.setattr(compat, "PROTOCOLS", protocols)
    return FakeBackend(load_settings(data_dir=tmp_path, max_file_bytes=1_000))


@pytest.fixture
def app(fake: FakeBackend) -> Flask:
    return make_app(fake, compat=("original", "toy"))


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def post(client: FlaskClient, path: str, data: bytes = b"one face", **headers: str) -> TestResponse:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.post(path, data={"f": (BytesIO(data), "a.jpg")}, headers=named)


@pytest.mark.parametrize("at", ANYWHERE)
def test_it_is_served(client: FlaskClient, at: str) -> None:
    assert post(client, f"{at}/toy/find").get_json() == {"success": True, "found": 0}


@pytest.mark.parametrize("at", ANYWHERE)
def test_its_errors_have_its_form_wherever_they_arise(client: FlaskClient, at: str) -> None:
    path = f"{at}/toy/find"
    answers = {
        "not_an_image": post(client, path, b"nothing"),
        "request_too_large": client.post(path, data=b"0" * 400_000),
        "unsupported_media_type": post(client, path, Content_Encoding="gzip"),
        "cross_origin": post(client, path, Origin="https://evil.example"),
        "untrusted_host": client.post(path, headers={"Host": "evil.example"}),
        "method_not_allowed": client.get(path, headers=BROWSER),
        "not_found": client.get(f"{at}/toy/nowhere", headers=BROWSER),
    }
    for code, answer in answers.items():
        assert answer.get_json() == {"success": False, "reason": code}
        assert answer.status_code >= 400
    assert "POST" in answers["method_not_allowed"].headers["Allow"]


@pytest.mark.parametrize("at", ANYWHERE)
def test_its_key_is_where_its_clients_put_it(app: Flask, client: FlaskClient, at: str) -> None:
    key = gate_of(app).keys.create("toy", "read")[1]
    assert post(client, f"{at}/toy/find", X_Toy_Key=key).status_code == 200
    wrongs: tuple[dict[str, str], ...] = (
        {},
        {"X_Toy_Key": "fs_no"},
        {"Authorization": f"Bearer {key}"},
    )
    for wrong in wrongs:
        answer = post(client, f"{at}/toy/find", b"one face", **wrong)
        assert (answer.status_code, answer.get_json()["reason"]) == (401, "not_authenticated")
        assert "WWW-Authenticate" not in answer.headers
    foreign = post(client, "/faceRetrieve", X_Toy_Key=key)
    assert foreign.get_json()["error"]["code"] == "not_authenticated"
    assert foreign.headers["WWW-Authenticate"] == 'Bearer realm="faceserver"'
    assert post(client, "/as/original/faceRetrieve", X_Api_Key=key).status_code == 200


def test_a_key_may_stand_in_the_body(fake: FakeBackend) -> None:
    blueprint = Blueprint("inner", __name__)
    speaks(
        blueprint,
        Protocol("inner", TOY.render, lambda asked: asked.form.get("api_key"), key_in_body=True),
    )
    blueprint.post("/inner")(scope("read", reach="default", body="small")(lambda: {"in": True}))
    app = make_app(fake, compat=("original",))
    app.register_blueprint(blueprint)
    key = gate_of(app).keys.create("inner", "read")[1]
    client = app.test_client()
    asked = {HEADERS_ALONE: True}
    assert client.post("/inner", environ_overrides=asked).status_code == 204
    assert client.post("/inner", data={"api_key": key}).get_json() == {"in": True}
    for form in ({}, {"api_key": "fs_no"}):
        assert client.post("/inner", data=form).status_code == 401
    assert client.post("/toy/find", environ_overrides=asked).status_code == 404
    assert client.post("/as/toy/toy/find", environ_overrides=asked).status_code == 401


def test_other_addresses_keep_their_form(client: FlaskClient) -> None:
    assert client.get("/toys").get_json()["error"]["code"] == "not_found"
    assert client.get("/as/nobody/toy/find").get_json()["error"]["code"] == "not_found"
    assert client.get("/as/original/toy/find").get_json()["error"]["code"] == "not_found"
    assert client.get("/v1/toy/find").mimetype == "application/problem+json"
    assert client.post("/v1/openapi.json").mimetype == "application/problem+json"
    assert client.get("/toys", headers=BROWSER).mimetype == "text/html"


def test_at_the_root_are_those_that_the_setting_names(fake: FakeBackend) -> None:
    client = make_app(fake, compat=("original",)).test_client()
    assert post(client, "/toy/find").get_json()["error"]["code"] == "not_found"
    assert post(client, "/as/toy/toy/find").status_code == 200
    client = make_app(fake, compat=("toy",)).test_client()
    assert post(client, "/toy/find").status_code == 200
    assert post(client, "/faceRetrieve").get_json()["error"]["code"] == "not_found"
    assert post(client, "/as/original/faceRetrieve").status_code == 200
    client = make_app(fake, compat=()).test_client()
    assert client.get("/faceRegister.html").status_code == 200
    assert post(client, "/toy/find").status_code == 404


def test_what_cannot_be_served_is_refused_at_the_start(fake: FakeBackend) -> None:
    with pytest.raises(InvalidSetting, match=r"no protocol 'lost'; there are: original, toy"):
        make_app(fake, compat=("lost",))
    with pytest.raises(ValueError, match="is already registered"):
        compat.PROTOCOLS.add("toy", TARGET)
    compat.PROTOCOLS.add("twin", TARGET)
    with pytest.raises(InvalidSetting, match="POST /toy/find is an address of toy"):
        make_app(fake, compat=("toy", "twin"))


def test_the_setting_is_a_list(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings().compat[:2] == ("original", "compreface")
    monkeypatch.setenv("FACESERVER_COMPAT", "toy, original")
    assert load_settings().compat == ("toy", "original")
    monkeypatch.setenv("FACESERVER_COMPAT", "")
    assert load_settings().compat == ()
