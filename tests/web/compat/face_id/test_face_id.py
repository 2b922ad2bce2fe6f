"""Face id's calls, before a real gallery; faces are coloured tiles."""

import io
import math
from base64 import b64encode
from typing import Any

import numpy as np
import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image as Pillow

from faceserver import web
from faceserver.lifecycle import Services
from tests.services.test_facade import BLACK, BLUE, GREEN, PINK, RED, png

AT = "/as/face-id"
EMPTY: dict[str, list[object]] = {
    "cos_id": [], "cos_conf": [], "euc_id": [], "euc_conf": [], "bb": [],
}  # fmt: skip


def picture(data: bytes) -> dict[str, str]:
    return {"image": b64encode(data).decode()}


def infer(http: FlaskClient, data: bytes, query: str = "") -> dict[str, Any]:
    answer = http.post(f"{AT}/infer{query}", json=picture(data))
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.get_json()
    return body


def generate(http: FlaskClient, number: int | str, *datas: bytes) -> str:
    sent = {"id": number, "images": [picture(data) for data in datas]}
    answer = http.post(f"{AT}/generate", json=sent)
    assert answer.status_code == 200, answer.text
    return str(answer.get_json()["Response"])


def test_with_nobody_or_nothing_all_lists_are_empty(http: FlaskClient) -> None:
    assert infer(http, png(RED)) == EMPTY
    generate(http, 1, png(RED))
    assert infer(http, png(BLACK)) == EMPTY


def test_the_nearest_is_named_however_far_away(http: FlaskClient) -> None:
    assert generate(http, 2576, png(RED)) == "OK"
    assert generate(http, "17", png(GREEN)) == "OK"
    found = infer(http, png(PINK, BLACK, BLUE))
    assert found["cos_id"] == found["euc_id"]
    assert found["cos_id"][0] == 2576
    assert found["cos_id"][1] in {2576, 17}
    assert found["bb"] == [[0, 0, 16, 16], [32, 0, 48, 16]]
    assert len(found["cos_conf"]) == len(found["euc_conf"]) == 2


def test_confidences_are_the_cosine_and_one_over_one_plus_the_distance(http: FlaskClient) -> None:
    generate(http, 1, png(RED))
    ((cosine,), (share,)) = (infer(http, png(PINK))[key] for key in ("cos_conf", "euc_conf"))
    red, pink = (np.array(colour) / np.linalg.norm(colour) for colour in (RED, PINK))
    assert cosine == pytest.approx(float(red @ pink), abs=1e-5)
    assert share == pytest.approx(1 / (1 + float(np.linalg.norm(red - pink))), abs=1e-5)
    (same,) = infer(http, png(RED))["euc_conf"]
    assert math.isclose(same, 1, abs_tol=1e-2)


def test_embeddings_come_where_they_are_asked_for(http: FlaskClient) -> None:
    generate(http, 1, png(RED))
    ((red, green, blue),) = infer(http, png(RED), "?emb=true")["emb"]
    assert red**2 + green**2 + blue**2 == pytest.approx(1, abs=1e-5)
    assert red > 0.99
    assert infer(http, png(BLACK), "?emb=true") == EMPTY


def test_a_second_call_replaces_and_pictures_without_faces_are_passed_over(
    http: FlaskClient, service: Services
) -> None:
    assert generate(http, 1, png(RED), png(BLACK), png(BLUE)) == "OK"
    assert service.collections.status().faces == 2
    assert generate(http, 1, png(GREEN)) == "OK"
    assert service.collections.status().faces == 1
    assert generate(http, 1, png(BLACK)) == "No embedding generated"
    assert generate(http, 1) == "No embedding generated"
    assert service.collections.status().faces == 1


def test_transparent_pictures_are_read(http: FlaskClient) -> None:
    pixels = np.zeros((16, 16, 4), np.uint8)
    pixels[:] = (*RED, 255)
    pixels[0, 0, 3] = 0
    file = io.BytesIO()
    Pillow.fromarray(pixels).save(file, "PNG")
    assert generate(http, 1, file.getvalue()) == "OK"
    assert infer(http, png(RED))["cos_id"] == [1]


def test_more_faces_than_any_batch(http: FlaskClient) -> None:
    generate(http, 1, png(RED))
    assert infer(http, png(*[RED, PINK] * 18))["cos_id"] == [1] * 36


def test_people_with_other_names_are_not_seen(http: FlaskClient, service: Services) -> None:
    service.portraits.replace_embeddings("default", "Ada", [[1, 0, 0]], source="test")
    service.portraits.replace_embeddings("default", "007", [[1, 0, 0]], source="test")
    assert infer(http, png(RED)) == EMPTY
    generate(http, 7, png(BLUE))
    assert infer(http, png(RED))["cos_id"] == [7]
    assert http.get(f"{AT}/ids").get_json() == {"ids": [7]}
    assert http.delete(f"{AT}/ids").get_json() == {"Response": "OK", "deleted": 1}
    assert len(service.people.page("default", limit=9).items) == 2


def test_one_and_all_can_be_deleted(http: FlaskClient) -> None:
    for number, colour in enumerate((RED, GREEN, BLUE), start=1):
        generate(http, number, png(colour))
    assert http.delete(f"{AT}/ids/1").get_json() == {"Response": "OK"}
    assert http.delete(f"{AT}/ids/1").status_code == 404
    assert http.get(f"{AT}/ids").get_json() == {"ids": [2, 3]}
    assert http.delete(f"{AT}/ids").get_json() == {"Response": "OK", "deleted": 2}
    assert infer(http, png(GREEN)) == EMPTY


def test_vectors_stand_for_a_person_without_pictures(http: FlaskClient, service: Services) -> None:
    vectors = {"embeddings": [[3.0, 0.0, 0.0], [0, 0.5, 0]]}
    assert http.put(f"{AT}/ids/5/embeddings", json=vectors).get_json() == {"Response": "OK"}
    assert infer(http, png(RED, GREEN))["cos_id"] == [5, 5]
    again = {"embeddings": [[0, 0, 2.0]]}
    assert http.put(f"{AT}/ids/5/embeddings", json=again).status_code == 200
    assert service.collections.status().faces == 1


def test_two_ids_become_one(http: FlaskClient) -> None:
    generate(http, 1, png(RED))
    generate(http, 2, png(GREEN))
    assert http.post(f"{AT}/ids/1/merge", json={"into": 2}).get_json() == {"Response": "OK"}
    assert infer(http, png(RED, GREEN))["cos_id"] == [2, 2]
    assert http.get(f"{AT}/ids").get_json() == {"ids": [2]}
    assert http.post(f"{AT}/ids/2/merge", json={"into": 2}).status_code == 422


def test_a_large_picture_in_json_is_taken(http: FlaskClient) -> None:
    sent = {"id": 1, "images": [picture(png(RED) + bytes(9_000))] * 60}
    assert http.post(f"{AT}/generate", json=sent).get_json() == {"Response": "OK"}


def test_a_key_of_one_collection_acts_there(
    app: Flask, http: FlaskClient, service: Services
) -> None:
    service.collections.create("door")
    door = web.gate_of(app).keys.create("door", "write", "door")[1]
    headers = {"X-Api-Key": door}
    sent = {"id": 3, "images": [picture(png(RED))]}
    assert http.post(f"{AT}/generate", json=sent, headers=headers).status_code == 200
    assert http.get(f"{AT}/ids", headers=headers).get_json() == {"ids": [3]}
    assert service.people.page("default", limit=1).items == ()
