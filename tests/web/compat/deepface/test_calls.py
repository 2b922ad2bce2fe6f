"""DeepFace's calls by each form of request, and what an answer means."""

import base64
import math
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from flask import Flask
from flask.testing import FlaskClient

from faceserver import web
from faceserver.lifecycle import Services
from tests.services.test_facade import BLACK, BLUE, GREEN, RED, png
from tests.web.v1.conftest import SITE

ROOT = "/as/deepface"
NEAR_RED = (240, 40, 30)


def as_text(data: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(data).decode()


def post(http: FlaskClient, path: str, **body: object) -> Any:
    answer = http.post(f"{ROOT}{path}", json=body)
    assert answer.status_code == 200, answer.text
    return answer.get_json()


@pytest.mark.parametrize(
    "send",
    [
        {"json": {"img": as_text(png(RED))}},
        {"json": {"img": base64.b64encode(png(RED)).decode()}},
        {"json": {"img": "https://faces.example/red"}},
        {"data": {"img": as_text(png(RED))}},
        {"data": {"img": (BytesIO(png(RED)), "a.png")}},
    ],
    ids=["data URL", "base64", "URL", "form", "file"],
)
def test_represent_takes_every_form(http: FlaskClient, send: dict[str, Any]) -> None:
    assert SITE
    answer = http.post(f"{ROOT}/represent", **send)
    (found,) = answer.get_json()["results"]
    assert np.linalg.norm(found["embedding"]) == pytest.approx(1)
    assert found["face_confidence"] == 0.99
    area = found["facial_area"]
    assert [area[side] for side in "xywh"] == [0, 0, 16, 16]
    assert area["left_eye"][0] > area["right_eye"][0]  # the person's own left


def test_a_picture_without_a_face_may_be_taken_as_one(http: FlaskClient) -> None:
    picture = as_text(png((20, 9, 9), BLACK))
    for no in (False, "false", "False", 0):
        (found,) = post(http, "/represent", img=picture, enforce_detection=no)["results"]
        assert found["face_confidence"] == 0
        assert [found["facial_area"][side] for side in "xywh"] == [0, 0, 32, 16]


def test_at_most_so_many_faces(http: FlaskClient) -> None:
    picture = as_text(png(RED, GREEN, BLUE))
    assert len(post(http, "/represent", img=picture)["results"]) == 3
    assert len(post(http, "/represent", img=picture, max_faces=2)["results"]) == 2


@pytest.mark.parametrize(
    ("metric", "threshold"),
    [
        ("cosine", 0.05),
        ("euclidean", math.sqrt(0.1)),
        ("euclidean_l2", math.sqrt(0.1)),
        ("angular", math.acos(0.95) / math.pi),
    ],
)
def test_verify_tells_the_nearest_pair_of_all_faces(
    http: FlaskClient, metric: str, threshold: float
) -> None:
    one, same, other = (as_text(png(*tiles)) for tiles in ((RED,), (BLUE, NEAR_RED), (GREEN, BLUE)))
    found = post(http, "/verify", img1=one, img2=same, distance_metric=metric)
    assert found["verified"] is True
    assert found["threshold"] == pytest.approx(threshold, abs=1e-5)
    assert found["distance"] <= found["threshold"]
    assert 51 <= found["confidence"] <= 100
    assert (found["model"], found["similarity_metric"]) == ("colour", metric)
    assert found["facial_areas"]["img2"]["x"] == 16
    apart = post(http, "/verify", img1=one, img2=other, distance_metric=metric)
    assert apart["verified"] is False
    assert apart["distance"] > apart["threshold"]
    assert 0 <= apart["confidence"] <= 49


def test_registered_faces_are_found_by_name(http: FlaskClient) -> None:
    assert post(http, "/register", img=as_text(png(RED, BLACK, BLUE)), img_name="two") == {
        "inserted": 2
    }
    assert post(http, "/register", img=as_text(png(GREEN)))["inserted"] == 1
    first, second = post(http, "/search", img=as_text(png(NEAR_RED, BLACK, (0, 90, 90))))["results"]
    (hit,) = first
    assert second == []
    assert hit["img_name"] == "two"
    assert [hit[f"target_{side}"] for side in "xywh"] == [0, 0, 16, 16]
    assert hit["distance"] <= hit["threshold"]
    assert (hit["search_method"], hit["distance_metric"]) == ("exact", "cosine")
    assert hit["confidence"] >= 51
    assert {"id", "model_name", "detector_backend", "aligned", "l2_normalized"} <= hit.keys()
    everything = post(
        http,
        "/search",
        img=as_text(png(NEAR_RED)),
        similarity_search=True,
        k=2,
        search_method="ann",
    )["results"][0]
    assert everything[0]["img_name"] == "two"
    assert len(everything) == 2
    distances = [found["distance"] for found in everything]
    assert distances == sorted(distances)


def test_faces_are_listed_and_deleted(http: FlaskClient) -> None:
    for name, tile in (("a", RED), ("b", GREEN), ("b", BLUE)):
        post(http, "/register", img=as_text(png(tile)), img_name=name)

    def listed(query: str = "") -> list[str]:
        body = http.get(f"{ROOT}/list{query}").get_json()
        return [face["img_name"] for face in body["results"]]

    assert listed() == ["a", "b", "b"]
    assert listed("?img_name=b") == ["b", "b"]
    page = http.get(f"{ROOT}/list?limit=2").get_json()
    assert listed(f"?cursor={page['next']}") == ["b"]
    assert post(http, "/delete", img_name="b") == {"deleted": 2}
    assert post(http, "/delete", id=page["results"][0]["id"]) == {"deleted": 1}
    assert listed() == []
    assert post(http, "/delete", img_name="b") == {"deleted": 0}


def test_the_index_is_always_built(http: FlaskClient) -> None:
    assert post(http, "/build/index") == {"message": "Index built successfully"}


def test_a_key_of_a_collection_works_in_it(
    app: Flask, http: FlaskClient, service: Services
) -> None:
    service.collections.ensure("cameras")
    _, token = web.gate_of(app).keys.create("camera", "write", "cameras")
    answer = http.post(
        f"{ROOT}/register",
        json={"img": as_text(png(RED))},
        headers={"Authorization": f"Bearer {token}"},
    )
    assert answer.get_json() == {"inserted": 1}
    assert service.collections.describe("cameras").status.faces == 1
