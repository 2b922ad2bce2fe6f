"""Facebox's calls, before a real gallery; faces are coloured tiles."""

from base64 import b64encode
from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from faceserver import web
from faceserver.lifecycle import Services
from tests.services.test_facade import BLACK, BLUE, GREEN, PINK, RED, png
from tests.support.services import add_picture

AT = "/as/facebox"


def call(http: FlaskClient, path: str, method: str = "POST", **sent: Any) -> dict[str, Any]:
    answer = http.open(f"{AT}{path}", method=method, **sent)
    body: dict[str, Any] = answer.get_json()
    assert answer.status_code == 200, body
    assert body["success"] is True
    return body


def file(data: bytes, **fields: str) -> dict[str, Any]:
    return {"data": {**fields, "file": (BytesIO(data), "a.png")}}


def teach(http: FlaskClient, data: bytes, name: str, own: str) -> None:
    call(http, "/facebox/teach", **file(data, name=name, id=own))


def check(http: FlaskClient, data: bytes, **fields: str) -> list[dict[str, Any]]:
    body = call(http, "/facebox/check", **file(data, **fields))
    assert body["facesCount"] == len(body["faces"])
    faces: list[dict[str, Any]] = body["faces"]
    return faces


def test_faces_are_checked_and_only_known_ones_have_names(http: FlaskClient) -> None:
    assert check(http, png(BLACK)) == []
    teach(http, png(RED), "Ada", "ada.jpg")
    known, stranger = check(http, png(PINK, BLACK, BLUE))
    assert 0.5 < known.pop("confidence") <= 1
    rect = {"top": 0, "left": 0, "width": 16, "height": 16}
    assert known == {"rect": rect, "matched": True, "name": "Ada", "id": "ada.jpg"}
    assert stranger == {"rect": {**rect, "left": 32}, "matched": False, "confidence": 0}


@pytest.mark.parametrize("as_form", [True, False])
def test_pictures_come_as_base64_and_as_urls(http: FlaskClient, as_form: bool) -> None:
    kind = "data" if as_form else "json"
    text = b64encode(png(RED)).decode()
    lesson: dict[str, Any] = {kind: {"base64": text, "name": "Ada", "id": "1"}}
    call(http, "/facebox/teach", **lesson)
    for sent in ({"base64": text}, {"url": "https://faces.example/red"}):
        asked: dict[str, Any] = {kind: sent}
        (face,) = call(http, "/facebox/check", **asked)["faces"]
        assert face["name"] == "Ada"


def test_name_and_id_may_stand_in_the_query(http: FlaskClient) -> None:
    call(http, "/facebox/teach?name=Ada&id=7", **file(png(RED)))
    assert check(http, png(RED))[0]["id"] == "7"
    call(http, "/facebox/teach?name=Bob", **file(png(BLUE)))
    assert check(http, png(BLUE))[0]["id"] == "Bob"


def test_only_one_face_is_taught(http: FlaskClient, service: Services) -> None:
    for data in (png(BLACK), png(RED, BLACK, BLUE)):
        answer = http.post(f"{AT}/facebox/teach", **file(data, name="Ada", id="1"))
        assert (answer.status_code, answer.get_json()["success"]) == (400, False)
    assert service.people.page("default", limit=1).items == ()


def test_one_id_has_many_pictures(http: FlaskClient, service: Services) -> None:
    for colour in (RED, GREEN):
        teach(http, png(colour), "Ada", "Ada")
    teach(http, png(BLUE), "Bob", "bob/1.jpg")
    assert [face["id"] for face in check(http, png(RED, GREEN))] == ["Ada", "Ada"]
    call(http, "/facebox/teach/Ada", "DELETE")
    assert [face["matched"] for face in check(http, png(RED, GREEN, BLUE))] == [False, False, True]
    assert [person.name for person in service.people.page("default", limit=9).items] == ["Bob"]
    call(http, "/facebox/teach/bob/1.jpg", "DELETE")
    assert service.collections.status().faces == 0


def test_a_picture_that_is_taught_again_is_somebody_else(http: FlaskClient) -> None:
    teach(http, png(RED), "Ada", "1")
    teach(http, png(RED), "Bob", "2")
    (face,) = check(http, png(RED))
    assert (face["name"], face["id"]) == ("Bob", "2")


def test_examples_and_people_are_renamed(http: FlaskClient, service: Services) -> None:
    teach(http, png(RED), "Ada", "1")
    teach(http, png(GREEN), "Ada", "2")
    call(http, "/facebox/teach/1", "PATCH", data={"name": "Bob"})
    assert [face["name"] for face in check(http, png(RED, GREEN))] == ["Bob", "Ada"]
    call(http, "/facebox/teach/2", "PATCH", json={"name": "Eve"})
    assert [person.name for person in service.people.page("default", limit=9).items] == [
        "Bob", "Eve",
    ]  # fmt: skip
    call(http, "/facebox/rename", data={"from": "Bob", "to": "Robert"})
    call(http, "/facebox/rename", json={"from": "Robert", "to": "Eve"})
    assert {face["name"] for face in check(http, png(RED, GREEN))} == {"Eve"}


def test_faces_that_came_otherwise_go_by_their_own_id(http: FlaskClient, service: Services) -> None:
    person = service.people.add("default", "Ada")
    (face,) = add_picture(service, png(RED), subject=person.id).faces
    (found,) = check(http, png(RED))
    assert (found["name"], found["id"]) == ("Ada", face.id)
    call(http, f"/facebox/teach/{face.id}", "DELETE")
    assert check(http, png(RED))[0]["matched"] is False


def test_similar_faces_are_found_however_far_away(http: FlaskClient) -> None:
    for name, colour in (("Ada", RED), ("Bob", GREEN), ("Eve", BLUE)):
        teach(http, png(colour), name, f"{name}.jpg")
    found = call(http, "/facebox/similar", **file(png(PINK)))
    assert found["similarCount"] == 3
    assert found["similar"][0]["name"] == "Ada"
    confidences = [face["confidence"] for face in found["similar"]]
    assert confidences == sorted(confidences, reverse=True)
    assert len(call(http, "/facebox/similar?limit=2", **file(png(PINK)))["similar"]) == 2
    ada = call(http, "/facebox/similar?id=Ada.jpg", "GET")["similar"]
    assert ada[0]["id"] == "Ada.jpg"
    body = call(http, "/facebox/similars?limit=1", **file(png(RED, BLACK, BLUE)))
    assert [face["similar_faces"][0]["name"] for face in body["faces"]] == ["Ada", "Eve"]
    assert body["faces"][1]["rect"]["left"] == 32
    assert call(http, "/facebox/similars", **file(png(BLACK)))["faces"] == []
    assert http.post(f"{AT}/facebox/similar", **file(png(BLACK))).status_code == 400


def test_faceprints_stand_for_faces(http: FlaskClient) -> None:
    red, blue = (face["faceprint"] for face in check(http, png(RED, BLUE), faceprint="true"))
    assert check(http, png(BLACK), faceprint="true") == []
    call(http, "/facebox/teach", json={"name": "Ada", "id": "1", "faceprint": red})
    known, stranger = check(http, png(RED, BLUE))
    assert (known["id"], stranger["matched"]) == ("1", False)
    body = call(http, "/facebox/faceprint/check", json={"faceprints": [red, blue]})
    assert [face["matched"] for face in body["faceprints"]] == [True, False]
    body = call(http, "/facebox/faceprint/compare", json={"target": red, "faceprints": [red, blue]})
    assert body["confidences"][0] > 0.5 > body["confidences"][1]
    found = call(http, "/facebox/similar", json={"faceprint": red})["similar"]
    assert found[0]["name"] == "Ada"


def test_a_state_brings_back_what_was_taught(http: FlaskClient, service: Services) -> None:
    teach(http, png(RED), "Ada", "1")
    teach(http, png(GREEN), "Bob", "2")
    saved = http.get(f"{AT}/facebox/state").data
    call(http, "/facebox/teach/1", "DELETE")
    teach(http, png(BLUE), "Eve", "3")
    call(http, "/facebox/state", data={"file": (BytesIO(saved), "state.facebox")})
    faces = check(http, png(RED, GREEN, BLUE))
    assert [face.get("id") for face in faces] == ["1", "2", None]
    names = [person.name for person in service.people.page("default", limit=9).items]
    assert sorted(names) == ["Ada", "Bob"]
    assert service.collections.status().faces == 2


def test_a_state_that_is_no_good_changes_nothing(http: FlaskClient, service: Services) -> None:
    teach(http, png(RED), "Ada", "1")
    saved = http.get(f"{AT}/facebox/state").data
    for bad in (saved[:-9], saved.replace(b'"Ada"', b'""'), saved.replace(b"facebox", b"box")):
        sent = {"file": (BytesIO(bad), "state.facebox")}
        assert http.post(f"{AT}/facebox/state", data=sent).status_code == 400
    assert service.collections.status().faces == 1


def test_keys_are_passwords_and_reach_their_own_collection(
    app: Flask, http: FlaskClient, service: Services
) -> None:
    service.collections.create("door")
    keys = web.gate_of(app).keys
    door = ("anybody", keys.create("door", "write", "door")[1])
    call(http, "/facebox/teach", auth=door, **file(png(RED), name="Ada", id="1"))
    assert service.people.page("default", limit=1).items == ()
    health = call(http, "/healthz", "GET", auth=door)
    assert (health["hostname"], health["metadata"]["boxname"]) == ("faceserver", "facebox")
    wrong = http.get(f"{AT}/healthz", auth=("anybody", "wrong"))
    assert (wrong.status_code, wrong.headers["WWW-Authenticate"]) == (401, 'Basic realm="facebox"')
    assert http.get(f"{AT}/facebox/state", auth=door).status_code == 403
    call(http, "/readyz", "GET")
    assert call(http, "/info", "GET")["status"] == "ready"


def test_a_picture_as_text_of_a_form_may_be_large(http: FlaskClient) -> None:
    padded = b64encode(png(RED) + bytes(9_000)).decode()
    call(http, "/facebox/teach", data={"base64": padded, "name": "Ada", "id": "1"})
