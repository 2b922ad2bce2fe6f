"""Recognize, detect and verify."""

import base64
from io import BytesIO
from typing import Any

import pytest

from faceserver.lifecycle import Services
from faceserver.services.outcomes import NewPicture
from tests.services.test_facade import BLACK, BLUE, GREEN, PINK, RED, png
from tests.web.compat.compreface.conftest import ComprefaceClient, picture

TILE = {"probability": 0.99, "x_max": 16, "y_max": 16, "x_min": 0, "y_min": 0}
ASK = "/recognition/recognize"


def test_a_known_face(compreface: ComprefaceClient) -> None:
    compreface.add("Ann", RED)
    answer = compreface.json("POST", ASK, **picture(PINK))
    ((face,), *more) = answer.values()
    assert (set(face), face["box"], more) == ({"box", "subjects"}, TILE, [])
    (found,) = face["subjects"]
    assert set(found) == {"subject", "similarity"}
    assert found["subject"] == "Ann"
    assert 0.8 < found["similarity"] < 1


def test_predictions_are_per_example_and_however_far_away(compreface: ComprefaceClient) -> None:
    for name, tile in (("Ann", RED), ("Ann", PINK), ("Bob", BLUE)):
        compreface.add(name, tile)
    answer = compreface.json("POST", f"{ASK}?prediction_count=5", **picture(RED))
    found = answer["result"][0]["subjects"]
    assert [each["subject"] for each in found] == ["Ann", "Ann", "Bob"]
    assert found[0]["similarity"] >= found[1]["similarity"] > 0.5 > found[2]["similarity"]
    (one,) = compreface.json("POST", ASK, **picture(RED))["result"][0]["subjects"]
    assert one["subject"] == "Ann"


def test_an_empty_collection_has_no_predictions(compreface: ComprefaceClient) -> None:
    (face,) = compreface.json("POST", ASK, **picture(RED))["result"]
    assert face["subjects"] == []


def test_faces_without_a_name_are_not_predicted(
    compreface: ComprefaceClient, service: Services
) -> None:
    service.registering.add("default", NewPicture.of_bytes("a", png(RED)))
    (face,) = compreface.json("POST", ASK, **picture(RED))["result"]
    assert face["subjects"] == []
    assert compreface.json("GET", "/recognition/faces")["faces"] == []


@pytest.mark.parametrize(("limit", "count"), [("0", 3), ("2", 2), ("", 3), ("9", 3)])
def test_limit_cuts(compreface: ComprefaceClient, limit: str, count: int) -> None:
    for path in (ASK, "/detection/detect"):
        answer = compreface.json("POST", f"{path}?limit={limit}", **picture(RED, GREEN, BLUE))
        assert len(answer["result"]) == count


@pytest.mark.parametrize("query", ["det_prob_threshold=0.995", "det_prob_threshold=1"])
def test_faces_that_are_not_sure_enough_are_none(compreface: ComprefaceClient, query: str) -> None:
    for path in (ASK, "/detection/detect"):
        assert compreface.error("POST", f"{path}?{query}", **picture(RED))[1] == 28
    assert (
        compreface.error("POST", f"/recognition/faces?subject=A&{query}", **picture(RED))[1] == 28
    )
    assert compreface.json("POST", f"{ASK}?det_prob_threshold=0.9", **picture(RED))


def test_without_detection_the_picture_is_the_face(compreface: ComprefaceClient) -> None:
    compreface.add("Ann", RED)
    answer = compreface.json("POST", f"{ASK}?detect_faces=False", **picture(RED, BLACK))
    (face,) = answer["result"]
    assert face["box"] == {"probability": 1, "x_max": 32, "y_max": 16, "x_min": 0, "y_min": 0}


def test_detect(compreface: ComprefaceClient) -> None:
    answer = compreface.json("POST", "/detection/detect", **picture(RED))
    assert answer == {"result": [{"box": TILE}]}


def test_plugins_and_status(compreface: ComprefaceClient) -> None:
    query = "face_plugins=calculator,landmarks,pose,mask,nonsense&status=True"
    for path in (ASK, "/detection/detect"):
        answer = compreface.json("POST", f"{path}?{query}", **picture(RED))
        (face,) = answer["result"]
        assert [len(point) for point in face["landmarks"]] == [2] * 5
        assert all(type(number) is int for point in face["landmarks"] for number in point)
        assert set(face["pose"]) == {"pitch", "roll", "yaw"}
        assert len(face["embedding"]) == 3
        times = face["execution_time"]
        assert set(times) == {"detector", "calculator", "age", "gender", "pose", "mask"}
        assert (times["age"], times["mask"]) == (None, None)
        assert min(times["detector"], times["calculator"], times["pose"]) >= 0
        versions = answer["plugins_versions"]
        assert versions["calculator"] == "faceserver.Calculator@colour"
        assert set(versions) == {"detector", "calculator", "pose"}


def test_unasked_nothing_more_is_told(compreface: ComprefaceClient) -> None:
    answer = compreface.json("POST", f"{ASK}?face_plugins=&status=false", **picture(RED))
    assert set(answer) == {"result"}
    assert set(answer["result"][0]) == {"box", "subjects"}


def two(source: bytes, target: bytes) -> dict[str, Any]:
    return {
        "data": {
            "source_image": (BytesIO(source), "a.png"),
            "target_image": (BytesIO(target), "b.png"),
        }
    }


def test_verify_two_pictures(compreface: ComprefaceClient) -> None:
    sent = two(png(RED), png(PINK, BLUE))
    path = "/verification/verify?status=true&face_plugins=calculator"
    answer = compreface.json("POST", path, **sent)
    assert set(answer) == {"result"}
    (result,) = answer["result"]
    assert set(result) == {"source_image_face", "face_matches", "plugins_versions"}
    assert result["source_image_face"]["box"] == TILE
    assert "similarity" not in result["source_image_face"]
    same, other = result["face_matches"]
    assert same["similarity"] > 0.5 > other["similarity"]
    assert {"box", "embedding", "execution_time", "similarity"} == set(same)


def test_limit_is_for_the_target_of_a_verification(compreface: ComprefaceClient) -> None:
    path = "/verification/verify?limit=1"
    answer = compreface.json("POST", path, **two(png(RED), png(PINK, BLUE)))
    assert len(answer["result"][0]["face_matches"]) == 1
    assert compreface.error("POST", path, **two(png(RED, BLUE), png(RED)))[1] == 31


def test_base64(compreface: ComprefaceClient) -> None:
    text = base64.b64encode(png(RED)).decode()
    sent: dict[str, Any] = {"json": {"file": text}}
    added = compreface.json("POST", "/recognition/faces?subject=Ann", status=201, **sent)
    (face,) = compreface.json("POST", ASK, **sent)["result"]
    assert face["subjects"] == [{"subject": "Ann", "similarity": pytest.approx(1, abs=0.1)}]
    assert compreface.json("POST", "/detection/detect", **sent)["result"]
    verified = compreface.json("POST", f"/recognition/faces/{added['image_id']}/verify", **sent)
    assert verified["result"][0]["subject"] == "Ann"
    both: dict[str, Any] = {"json": {"source_image": text, "target_image": text}}
    assert compreface.json("POST", "/verification/verify", **both)["result"]


def test_config_needs_no_key(compreface: ComprefaceClient) -> None:
    compreface.key = ""
    answer = compreface.json("GET", "/config")
    assert set(answer) == {"clientMaxFileSize", "clientMaxBodySize"}
    assert answer["clientMaxFileSize"] == 10_000


class TestLeniency:
    def test_a_slash_behind_an_address(self, compreface: ComprefaceClient) -> None:
        compreface.add("Ann", RED)
        assert compreface.json("GET", "/recognition/subjects/") == {"subjects": ["Ann"]}
        assert compreface.json("POST", f"{ASK}/", **picture(RED))
        assert compreface.json("GET", "/recognition/faces/")["total_elements"] == 1
        assert compreface.json("DELETE", "/recognition/subjects/Ann/") == {"subject": "Ann"}

    def test_a_second_question_mark(self, compreface: ComprefaceClient) -> None:
        path = "/recognition/faces?subject=Ann?det_prob_threshold=0.8"
        assert compreface.json("POST", path, status=201, **picture(RED))["subject"] == "Ann"
        path = f"{ASK}?det_prob_threshold=0.8?prediction_count=1?status=true"
        assert "plugins_versions" in compreface.json("POST", path, **picture(RED))

    def test_a_question_mark_of_a_name_stays(self, compreface: ComprefaceClient) -> None:
        path = "/recognition/faces?subject=Who?"
        assert compreface.json("POST", path, status=201, **picture(RED))["subject"] == "Who?"

    def test_parameters_in_the_form(self, compreface: ComprefaceClient) -> None:
        sent = {"data": {"subject": "Ann", "file": (BytesIO(png(RED)), "a.png")}}
        assert compreface.json("POST", "/recognition/faces", status=201, **sent)["subject"] == "Ann"

    def test_empty_and_unknown_parameters(self, compreface: ComprefaceClient) -> None:
        path = f"{ASK}?&limit=&prediction_count=&det_prob_threshold=&detect_faces=&threshold=0.5"
        assert len(compreface.json("POST", path, **picture(RED, BLUE))["result"]) == 2

    def test_folders_in_a_file_name(self, compreface: ComprefaceClient) -> None:
        assert compreface.json("POST", ASK, **picture(RED, name="C:\\a/b.v2/c.JPEG"))
