"""Keys in headers, at the endpoints as they are."""

from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from faceserver.access.base import Keys
from faceserver.errors import StoreCorrupt
from faceserver.web.guard.auth import gate_of
from tests.web.fakes import FakeBackend, FakeService
from tests.web.forms import error_of, post_form

FACE = ("f", b"one face", "a.jpg")


@pytest.fixture
def keys(app: Flask) -> Keys:
    return gate_of(app).keys


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.parametrize(
    "header",
    [
        lambda token: {"Authorization": f"Bearer {token}"},
        lambda token: {"Authorization": f"bearer  {token} "},
        lambda token: {"x-api-key": token},
        lambda token: {"x-api-key": token, "Authorization": "AWS4-HMAC-SHA256 Credential=x"},
    ],
)
def test_a_key_in_a_header(
    client: FlaskClient, keys: Keys, service: FakeService, header: object
) -> None:
    assert callable(header)
    _, token = keys.create("camera", "write")
    assert error_of(post_form(client, "/faceRegister", FACE)) == (401, "not_authenticated")
    assert service.registered == []
    assert post_form(client, "/faceRegister", FACE, headers=header(token)).status_code == 200
    assert service.registered == ["a.jpg"]


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer nonsense"},
        {"Authorization": "Basic YTpi"},
        {"x-api-key": ""},
        {"x-api-key": "fs_0123456789ab_" + "A" * 43},
        {"x-api-key": "\xe9"},
    ],
)
def test_a_key_that_is_none(client: FlaskClient, keys: Keys, headers: dict[str, str]) -> None:
    keys.create("camera", "write")
    response = post_form(client, "/faceRegister", FACE, headers=headers)
    assert error_of(response) == (401, "not_authenticated")
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="faceserver"'


def test_a_key_takes_effect_and_is_revoked_without_a_restart(
    client: FlaskClient, keys: Keys
) -> None:
    assert post_form(client, "/faceRetrieve", FACE).status_code == 200
    _, token = keys.create("phone", "read")
    assert post_form(client, "/faceRetrieve", FACE).status_code == 401
    assert post_form(client, "/faceRetrieve", FACE, headers=bearer(token)).status_code == 200
    assert error_of(post_form(client, "/faceRegister", FACE, headers=bearer(token))) == (
        403,
        "not_permitted",
    )
    keys.revoke("phone")
    assert post_form(client, "/faceRetrieve", FACE, headers=bearer(token)).status_code == 401


def test_an_open_server_does_not_mind_a_bad_key(client: FlaskClient) -> None:
    assert post_form(client, "/faceRegister", FACE, headers=bearer("x")).status_code == 200


def test_a_damaged_file_of_keys_lets_nobody_in(
    client: FlaskClient, keys: Keys, backend: FakeBackend
) -> None:
    _, token = keys.create("phone", "admin")
    (backend.settings.data_dir / "keys.sqlite").write_bytes(b"no database" * 100)
    response = post_form(client, "/faceRegister", FACE, headers=bearer(token))
    assert error_of(response) == (500, "store_corrupt")
    assert post_form(client, "/faceRegister", FACE).status_code == 500


@pytest.mark.parametrize("how", ["emptied", "removed", "damaged"])
def test_a_server_whose_keys_are_lost_lets_nobody_in_and_tells_its_health(
    client: FlaskClient, keys: Keys, backend: FakeBackend, how: str
) -> None:
    keys.create("phone", "admin")
    path = backend.settings.data_dir / "keys.sqlite"
    if how == "removed":
        path.unlink()
    else:
        path.write_bytes(b"" if how == "emptied" else b"no database" * 100)
    assert error_of(client.get("/metrics")) == (500, "store_corrupt")
    assert error_of(post_form(client, "/faceRegister", FACE)) == (500, "store_corrupt")
    health = client.get("/health")
    assert health.status_code == 200
    assert "faces" not in health.get_json()  # as for a stranger
    assert client.get("/health/live").status_code == 200
    with pytest.raises(StoreCorrupt, match="faceserver keys create"):
        gate_of(client.application).is_open()


def test_a_stored_picture_is_for_those_whose_collection_shows_it(
    client: FlaskClient, keys: Keys, backend: FakeBackend, service: FakeService, tmp_path: Path
) -> None:
    picture = tmp_path / "a.jpg"
    picture.write_bytes(b"\xff\xd8")
    backend.pictures = {"a.jpg": picture, "b.jpg": picture}
    service.shown = {"a.jpg"}
    url = "/static/uploadImages/"
    _, every = keys.create("all", "read")
    _, of_default = keys.create("default", "read", "default")
    _, of_other = keys.create("other", "read", "other")
    assert client.get(f"{url}a.jpg").status_code == 401
    for token, name, expected in [
        (every, "a.jpg", 200),
        (every, "b.jpg", 200),
        (of_default, "a.jpg", 200),
        (of_default, "b.jpg", 404),
        (of_other, "a.jpg", 404),
    ]:
        with client.get(url + name, headers=bearer(token)) as response:
            assert response.status_code == expected, (name, expected)


def test_health_tells_strangers_little(
    client: FlaskClient, keys: Keys, backend: FakeBackend
) -> None:
    _, token = keys.create("phone", "read")
    backend.status, backend.reason = "failed", "/secret/path is missing"
    response = client.get("/health")
    assert response.status_code == 503
    assert response.get_json() == {"status": "failed", "live": True, "ready": False}
    told = client.get("/health", headers=bearer(token)).get_json()
    assert told["reason"] == "/secret/path is missing"


@pytest.mark.parametrize(
    ("status", "code"), [("ready", 200), ("starting", 503), ("draining", 503), ("failed", 503)]
)
def test_alive_and_ready(client: FlaskClient, backend: FakeBackend, status: str, code: int) -> None:
    backend.status = status
    assert client.get("/health/live").get_json() == {"live": True}
    ready = client.get("/health/ready")
    assert (ready.status_code, ready.get_json()) == (code, {"ready": code == 200})
