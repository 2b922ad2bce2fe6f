"""Attributes are told when they are asked for: by JSON and form, of each route that sees a face."""

import base64
import io
from collections.abc import Sequence
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from faceserver.client import Client
from faceserver.lifecycle import Services
from faceserver.services.outcomes import NewPicture
from faceserver.types import Detection, Image
from faceserver.vision.attributes.base import Cut, Value
from faceserver.vision.attributes.pool import AttributePool, spec_without_weights
from tests.services.test_facade import BLACK, RED, png

PICTURE = png(RED, RED)
JSON = {"base64": base64.b64encode(PICTURE).decode()}
ROUTES = ("/v1/detect", "/v1/embed", "/v1/collections/default/search")


def faces_of(answer: TestResponse) -> list[dict[str, Any]]:
    """The faces of a picture, as any of the routes tells of them."""
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.get_json()
    found: list[dict[str, Any]] = body.get("faces") or [it["detection"] for it in body["probes"]]
    assert len(found) == 2
    return found


def form(http: FlaskClient, path: str, *attributes: str) -> TestResponse:
    data = {"file": (io.BytesIO(PICTURE), "a.png"), "attributes": list(attributes)}
    return http.post(path, data=data)


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize("asked", [["pose", "landmarks"], "pose, landmarks", "pose,landmarks,"])
def test_json_asks_by_a_list_or_a_text(http: FlaskClient, path: str, asked: object) -> None:
    answer = http.post(path, json={**JSON, "attributes": asked})
    for face in faces_of(answer):
        assert set(face["attributes"]) == {"pose", "landmarks"}
        assert set(face["attributes"]["pose"]) == {"pitch", "roll", "yaw"}
        nose = face["points"]["nose"]
        assert face["attributes"]["landmarks"]["nose"] == [nose["x"], nose["y"]]


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize("asked", [["pose", "landmarks"], ["landmarks,pose"]])
def test_forms_ask_by_fields_or_a_text(http: FlaskClient, path: str, asked: list[str]) -> None:
    answer = form(http, path, *asked)
    for face in faces_of(answer):
        assert set(face["attributes"]) == {"pose", "landmarks"}


@pytest.mark.parametrize("path", ROUTES)
def test_nothing_is_told_that_is_not_asked_for(http: FlaskClient, path: str) -> None:
    for answer in (http.post(path, json=JSON), form(http, path)):
        assert all(face["attributes"] is None for face in faces_of(answer))


@pytest.mark.parametrize("path", [*ROUTES, "/v1/collections/default/faces"])
def test_an_unknown_attribute_is_refused_and_the_known_ones_are_named(
    http: FlaskClient, path: str
) -> None:
    for answer in (
        http.post(path, json={**JSON, "attributes": ["pose", "shoe_size"]}),
        form(http, path, "shoe_size"),
    ):
        assert answer.status_code == 422
        assert answer.json is not None
        assert answer.json["code"] == "unknown_attribute"
        assert "'shoe_size'; there are: landmarks, pose, sharpness" in answer.json["detail"]


@pytest.mark.parametrize("asked", [[1], 5, {"age": True}, ["a/b"], ["x"] * 21, "x" * 201])
def test_what_are_no_names_is_refused(http: FlaskClient, asked: object) -> None:
    answer = http.post("/v1/detect", json={**JSON, "attributes": asked})
    assert answer.status_code == 400
    assert answer.json is not None
    assert answer.json["errors"][0]["pointer"].startswith("#/attributes")


def test_names_that_other_programs_use_are_known(http: FlaskClient) -> None:
    answer = http.post("/v1/detect", json={**JSON, "attributes": "insightface.PoseEstimator"})
    assert answer.json is not None
    assert set(answer.json["faces"][0]["attributes"]) == {"pose"}


def test_faces_are_stored_with_attributes_asked_for(http: FlaskClient) -> None:
    answer = http.post("/v1/collections/default/faces", json={**JSON, "attributes": ["pose"]})
    assert answer.status_code == 201
    assert answer.json is not None
    assert len(answer.json["faces"]) == 2


def test_the_client_asks_for_them(client: Client) -> None:
    for found in (
        client.detect(PICTURE, attributes=["pose"]),
        client.embed(PICTURE, attributes=["pose"]),
    ):
        told = found.faces[0].attributes
        assert told is not None
        assert set(told) == {"pose"}


class Half:
    """Judges every face the same."""

    name = "quality"

    def cut(self, image: Image, detection: Detection) -> Cut:
        return Cut(detection, image[:1, :1])

    def tell(self, cuts: Sequence[Cut]) -> list[Value]:
        return [{"value": 0.5, "size": 9.0} for _ in cuts]


def test_the_quality_that_was_asked_for_is_stored_with_the_face(
    http: FlaskClient, service: Services
) -> None:
    spec = spec_without_weights("pose").model_copy(update={"name": "quality"})
    service.context.analyzers.default.attributes = AttributePool([spec], lambda _: Half())
    path = "/v1/collections/default/faces"
    for asked, expected, turns in (("quality", 0.5, 0), ("", None, 1)):
        picture = base64.b64encode(png(RED, RED, *[BLACK] * turns)).decode()  # another one each
        answer = http.post(path, json={"base64": picture, "attributes": asked})
        assert answer.status_code == 201
        added = answer.get_json()["faces"]
        assert [face["quality"] for face in added] == [expected] * 2
        assert http.get(f"{path}/{added[0]['id']}").get_json()["quality"] == expected


def test_what_is_told_in_numbers_goes_with_the_face(service: Services) -> None:
    picture = NewPicture("two.png", lambda: PICTURE, attributes=("pose", "landmarks"))
    added = service.registering.add("default", picture)
    for face in added.faces:
        assert set(face.attributes) == {"pose_pitch", "pose_roll", "pose_yaw"}
