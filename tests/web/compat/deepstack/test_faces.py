"""DeepStack's calls about faces, before a real gallery; faces are coloured tiles."""

from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from faceserver import web
from faceserver.lifecycle import Services
from tests.services.test_facade import BLACK, BLUE, GREEN, PINK, RED, png
from tests.support.services import add_picture
from tests.web.v1.conftest import CURVE

FACE = "/as/deepstack/v1/vision/face"
BOTH = {"duration", "inferenceMs", "processMs", "analysisRoundTripMs", "timestampUTC"}
NOT_QUITE_RED = (220, 80, 80)


def send(http: FlaskClient, call: str, *pictures: bytes, **fields: str) -> dict[str, Any]:
    named = {f"image{at}": (BytesIO(data), "a.png") for at, data in enumerate(pictures, start=1)}
    answer = http.post(FACE + call, data={**fields, **named}, content_type="multipart/form-data")
    body: dict[str, Any] = answer.get_json()
    assert answer.status_code == 200, body
    assert body["command"]
    assert body.keys() >= BOTH
    return body


@pytest.mark.parametrize("call", ["", "/"])
def test_faces_are_found_in_whole_pixels(http: FlaskClient, call: str) -> None:
    body = send(http, call, png(RED, BLACK, BLUE))
    assert (body["success"], body["count"], body["code"]) == (True, 2, 200)
    assert body["predictions"] == [
        {"confidence": 0.99, "x_min": 0, "y_min": 0, "x_max": 16, "y_max": 16},
        {"confidence": 0.99, "x_min": 32, "y_min": 0, "x_max": 48, "y_max": 16},
    ]
    assert send(http, call, png(RED), min_confidence="0.995")["predictions"] == []
    assert send(http, call, png(BLACK))["predictions"] == []


def test_nobody_is_known_at_first(http: FlaskClient) -> None:
    (found,) = send(http, "/recognize", png(RED))["predictions"]
    place = {"x_min": 0, "y_min": 0, "x_max": 16, "y_max": 16}
    assert found == {"userid": "unknown", "confidence": 0, **place}
    assert send(http, "/list")["faces"] == []


def test_people_are_registered_recognised_listed_and_deleted(http: FlaskClient) -> None:
    assert send(http, "/register", png(RED), userid="Ada")["message"] == "face added"
    assert send(http, "/register", png(GREEN), userid="Bob")["message"] == "face added"
    assert send(http, "/list")["faces"] == ["Ada", "Bob"]
    first, second = send(http, "/recognize", png(PINK, BLUE))["predictions"]
    assert (first["userid"], second["userid"]) == ("Ada", "unknown")
    assert 0.67 < first["confidence"] <= 1
    assert second["confidence"] == 0
    assert second["x_min"] == 16
    assert send(http, "/delete", userid="Ada")["success"] is True
    assert send(http, "/delete", userid="Ada")["success"] is True  # also who is not there
    assert send(http, "/list")["faces"] == ["Bob"]


def test_a_picture_without_faces_shows_nobody(http: FlaskClient) -> None:
    body = send(http, "/recognize", png(BLACK))
    assert (body["success"], body["predictions"]) == (True, [])


def test_the_bar_is_a_similarity_and_the_models_threshold_lies_at_067(http: FlaskClient) -> None:
    send(http, "/register", png(RED), userid="Ada")
    probe = png(NOT_QUITE_RED)

    def known(**bar: str) -> Any:
        (found,) = send(http, "/recognize", probe, **bar)["predictions"]
        return found["confidence"] or None

    similarity = known(min_confidence="0")
    assert similarity is not None
    below, above = (f"{similarity + step:.6f}" for step in (-0.001, 0.001))
    assert known(min_confidence=below) == similarity
    assert known(min_confidence=above) is None
    assert (known() is not None) == (similarity > 0.67)
    assert CURVE.midpoint == 0.1  # the threshold, so that the curve is moved from 0.5 to 0.67
    (same,) = send(http, "/recognize", png(RED), min_confidence="1")["predictions"]
    assert same["userid"] == "Ada"


def test_all_pictures_stand_for_a_person_until_new_ones_do(
    http: FlaskClient, service: Services
) -> None:
    send(http, "/register", png(RED, BLACK, GREEN), png(BLACK), png(BLUE), userid="Ada")
    assert service.collections.status().faces == 2  # of each picture with faces the largest
    assert send(http, "/recognize", png(BLUE))["predictions"][0]["userid"] == "Ada"
    again = send(http, "/register", png(GREEN), userid="Ada")
    assert again["message"] == "face updated"
    assert service.collections.status().faces == 1
    assert send(http, "/recognize", png(BLUE))["predictions"][0]["userid"] == "unknown"
    assert send(http, "/recognize", png(GREEN))["predictions"][0]["userid"] == "Ada"


def test_what_stood_for_a_person_stays_if_the_new_pictures_are_no_good(
    http: FlaskClient, service: Services
) -> None:
    send(http, "/register", png(RED), userid="Ada")
    for bad, error in ((png(BLACK), "no face detected"), (b"nothing", "invalid image")):
        files = {"a": (BytesIO(png(GREEN)), "a"), "b": (BytesIO(bad), "b")}
        if error == "no face detected":
            del files["a"]
        answer = http.post(f"{FACE}/register", data={"userid": "Ada", **files})
        assert (answer.status_code, answer.get_json()["error"]) == (400, error)
    assert service.collections.status().faces == 1
    assert send(http, "/recognize", png(RED))["predictions"][0]["userid"] == "Ada"


def test_a_picture_that_was_registered_otherwise_shows_the_person_now(
    http: FlaskClient, service: Services
) -> None:
    add_picture(service, png(RED))
    assert send(http, "/recognize", png(RED))["predictions"][0]["userid"] == "unknown"
    send(http, "/register", png(RED), userid="Ada")
    assert send(http, "/recognize", png(RED))["predictions"][0]["userid"] == "Ada"
    assert service.collections.status().faces == 1


def test_two_pictures_are_compared_by_their_largest_faces(http: FlaskClient) -> None:
    same = send(http, "/match", png(RED, BLACK, BLUE), png(PINK))
    assert same["similarity"] > 0.67
    assert send(http, "/match", png(RED), png(BLUE))["similarity"] < 0.05
    none = send(http, "/match", png(RED), png(BLACK))
    assert (none["success"], none["error"]) == (False, "No face found in one or both images")


def test_list_and_delete_are_also_sent_without_files(http: FlaskClient) -> None:
    send(http, "/register", png(RED), userid="Ada")
    assert http.post(f"{FACE}/list").get_json()["faces"] == ["Ada"]
    assert http.post(f"{FACE}/delete", data={"userid": "Ada"}).get_json()["success"] is True
    assert http.post(f"{FACE}/list", data={"api_key": ""}).get_json()["faces"] == []


def test_the_key_is_in_the_form_and_reaches_its_own_collection(
    app: Flask, http: FlaskClient, service: Services
) -> None:
    service.collections.create("door")
    keys = web.gate_of(app).keys
    door, all_ = keys.create("door", "write", "door")[1], keys.create("all", "write")[1]
    send(http, "/register", png(RED), userid="Ada", api_key=door)
    assert send(http, "/list", api_key=door)["faces"] == ["Ada"]
    assert send(http, "/list", api_key=all_)["faces"] == []
    assert http.post(f"{FACE}/list", data={"api_key": ""}).status_code == 401
    reader = keys.create("reader", "read", "door")[1]
    refused = http.post(f"{FACE}/delete", data={"api_key": reader, "userid": "Ada"})
    assert (refused.status_code, refused.get_json()["code"]) == (403, 403)
    assert http.post(f"/key/{door}{FACE}/list").get_json()["faces"] == ["Ada"]


@pytest.mark.parametrize("path", ["/v1/status/ping", "/v1/server/status/ping", "/"])
def test_programs_find_out_that_somebody_is_there(app: Flask, http: FlaskClient, path: str) -> None:
    web.gate_of(app).keys.create("somebody", "read")
    answer = http.get(f"/as/deepstack{path}")
    assert answer.status_code == 200
    assert answer.get_json()["version"]
