"""What the app reads of an answer: each name must be there, boxes in whole numbers."""

import json
import math
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient

from faceserver.web.compat.nextcloud import scale
from tests.services.test_facade import BLACK, BLUE, RED, png
from tests.web.compat.nextcloud.bad_inputs import sent

ROOT = "/as/nextcloud"
THRESHOLD = 0.1  # of the tests' model
MEMBERS = {"detection_confidence", "left", "top", "right", "bottom", "landmarks", "descriptor"}


def detected(http: FlaskClient, data: bytes) -> dict[str, Any]:
    answer = http.post(f"{ROOT}/detect", **sent(data))
    assert answer.status_code == 200
    body: dict[str, Any] = answer.get_json()
    return body


def test_it_says_what_it_takes(http: FlaskClient) -> None:
    assert http.get(f"{ROOT}/open").get_json() == {
        "preferred_mimetype": "image/jpeg",
        "maximum_area": 3840 * 2160,
    }
    welcome = http.get(f"{ROOT}/welcome").get_json()
    assert welcome["facerecognition-external-model"] == "welcome"
    assert welcome["model"] == 5
    assert "colour x 1.2649" in welcome["version"]


def test_every_face_has_every_member(http: FlaskClient) -> None:
    body = detected(http, png(RED, BLACK, BLUE))
    assert (body["filename"], body["faces-count"]) == ("phpA1b2C3", 2)
    assert all(set(face) == MEMBERS for face in body["faces"])
    face = body["faces"][1]
    assert [face[edge] for edge in ("left", "top", "right", "bottom")] == [32, 0, 48, 16]
    assert all(isinstance(point[axis], int) for point in face["landmarks"] for axis in "xy")
    assert len(face["landmarks"]) == 5
    assert face["detection_confidence"] >= 0.99


def test_no_face_is_an_empty_list(http: FlaskClient) -> None:
    assert detected(http, png(BLACK)) == {"filename": "phpA1b2C3", "faces-count": 0, "faces": []}


def test_a_known_face_keeps_what_the_app_said_of_it(http: FlaskClient) -> None:
    said = {"left": 33, "top": 0, "right": 47, "bottom": 15, "detection_confidence": 1.05, "id": 7}
    answer = http.post(f"{ROOT}/compute", **sent(png(RED, BLACK, BLUE), json.dumps(said)))
    face = answer.get_json()["face"]
    assert {name: face[name] for name in said} == said
    blue = detected(http, png(RED, BLACK, BLUE))["faces"][1]
    assert face["descriptor"] == blue["descriptor"]
    assert face["landmarks"] == blue["landmarks"]


def test_where_nothing_is_found_the_box_is_the_face(http: FlaskClient) -> None:
    said = {"left": 16, "top": 0, "right": 32, "bottom": 16}
    picture = png(RED, (9, 9, 20), BLUE)  # too dark to be found
    answer = http.post(f"{ROOT}/compute", **sent(picture, json.dumps(said)))
    vector = np.array(answer.get_json()["face"]["descriptor"])
    expected = np.array([9, 9, 20]) / np.linalg.norm([9, 9, 20])
    assert vector == pytest.approx(expected * scale.factor(THRESHOLD), abs=1e-3)


def test_clusters_join_where_our_threshold_lies() -> None:
    for threshold in (0.85, 1.1):
        half = math.acos(1 - threshold / 2) / 2
        one, other = (
            np.array([math.cos(side * half), math.sin(side * half)], np.float32) for side in (1, -1)
        )
        apart = math.dist(scale.descriptor(one, threshold), scale.descriptor(other, threshold))
        assert apart == pytest.approx(scale.SENSITIVITY, abs=1e-5)


def test_a_clear_face_passes_the_app_s_filter_and_order_is_kept() -> None:
    assert scale.confidence(0.98) >= 0.99
    assert scale.confidence(0.9) == 0.99
    assert scale.confidence(0.7) < 0.95
    scores = [number / 100 for number in range(101)]
    told = [scale.confidence(score) for score in scores]
    assert told == sorted(told)
    assert (told[0], told[-1]) == (0, 1)
