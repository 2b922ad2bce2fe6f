"""Every text and number of CompreFace's errors."""

from io import BytesIO
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask

from faceserver import web
from faceserver.lifecycle import Services
from tests.services.test_facade import BLACK, BLUE, RED, png
from tests.web.compat.compreface.conftest import ComprefaceClient, form, picture

GENERIC = "Something went wrong, please try again"
NO_FACE = (400, 28, "No face is found in the given image")
ASK, FACES, SUBJECTS = "/recognition/recognize", "/recognition/faces", "/recognition/subjects"
VERIFY = "/verification/verify"


@pytest.mark.parametrize(
    "key", ["", "short", "0" * 36, "fs_0123456789ab_" + "A" * 43, str(uuid4())[:-1]]
)
def test_a_key_that_is_no_uuid(compreface: ComprefaceClient, key: str) -> None:
    compreface.key = key
    assert compreface.error("POST", ASK) == (400, 26, "Service API key should be UUID")


@pytest.mark.parametrize(
    ("path", "service"),
    [
        (ASK, "Recognition"),
        ("/detection/detect", "Detection"),
        (VERIFY, "Verification"),
        ("/verification/embeddings/verify", "Verification"),
    ],
)
def test_an_unknown_key(compreface: ComprefaceClient, path: str, service: str) -> None:
    compreface.key = str(uuid4())
    text = f"{service} service with API Key {compreface.key} not found"
    assert compreface.error("POST", path) == (404, 10, text)


def test_no_key(app: Flask, compreface: ComprefaceClient) -> None:
    answer = app.test_client().get("/as/compreface/api/v1/recognition/subjects")
    assert answer.get_json() == {"message": "Missing header: x-api-key", "code": 20}


def test_a_key_that_may_only_read(app: Flask, compreface: ComprefaceClient) -> None:
    _, compreface.key = web.gate_of(app).keys.create("reader", "read", kind="uuid")
    assert compreface.error("DELETE", SUBJECTS)[:2] == (403, 0)
    assert compreface.json("GET", SUBJECTS) == {"subjects": []}


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("limit=-1", "Limit should be equal or greater than 0; "),
        ("prediction_count=0", "prediction_count should be equal or greater than 1; "),
        (
            "limit=-1&prediction_count=-2",
            (
                "prediction_count should be equal or greater than 1; "
                "Limit should be equal or greater than 0; "
            ),
        ),
    ],
)
def test_constraints(compreface: ComprefaceClient, query: str, message: str) -> None:
    assert compreface.error("POST", f"{ASK}?{query}") == (400, 26, message)


@pytest.mark.parametrize(
    "query",
    [
        *("limit=a", "limit=1.5", "limit=9999999999", "prediction_count=%00", "status=maybe"),
        *("det_prob_threshold=0,8", "det_prob_threshold=1_0", "detect_faces=2"),
        "&".join(["a=b"] * 200),
    ],
)
def test_parameters_that_are_no_numbers(compreface: ComprefaceClient, query: str) -> None:
    assert compreface.error("POST", f"{ASK}?{query}", **picture(RED)) == (400, 0, GENERIC)


@pytest.mark.parametrize("value", ["-0.1", "1.01", "1e300", "NaN", "-Infinity"])
def test_a_threshold_out_of_bounds_finds_no_face(compreface: ComprefaceClient, value: str) -> None:
    for path in (f"{ASK}?", "/detection/detect?", f"{FACES}?subject=Ann&"):
        sent = picture(RED)
        assert compreface.error("POST", f"{path}det_prob_threshold={value}", **sent) == NO_FACE
    assert compreface.json("GET", SUBJECTS) == {"subjects": []}


def test_parameters_come_before_the_picture(compreface: ComprefaceClient) -> None:
    missing = (400, 33, "Required parameter subject is missing")
    assert compreface.error("POST", FACES, **form(b"")) == missing
    empty = (400, 26, "Subject name is empty; ")
    assert compreface.error("POST", f"{FACES}?subject=%20", **form(b"")) == empty


@pytest.mark.parametrize(
    ("path", "sent", "part"),
    [
        (ASK, {}, "file"),
        (ASK, {"data": {"file": "text"}}, "file"),
        (ASK, {"json": {}}, "file"),
        (ASK, {"data": b"abc", "content_type": "multipart/form-data"}, "file"),
        (VERIFY, {}, "source_image"),
        (VERIFY, picture(RED, part="source_image"), "target_image"),
    ],
)
def test_a_part_that_is_missing(
    compreface: ComprefaceClient, path: str, sent: dict[str, Any], part: str
) -> None:
    message = f"Required part {part} is missing"
    assert compreface.error("POST", path, **sent) == (400, 34, message)


@pytest.mark.parametrize("name", ["a.txt", "jpg", "a.", "a.jpg.exe"])
def test_a_file_that_is_not_called_a_picture(compreface: ComprefaceClient, name: str) -> None:
    message = f"File [{name}] has an unavailable extension"
    assert compreface.error("POST", ASK, **picture(RED, name=name)) == (400, 21, message)


@pytest.mark.parametrize(
    "ending", ["tif", "tiff", "JPG", "jpeg", "png", "bmp", "ico", "gif", "webp", "heic"]
)
def test_files_that_are(compreface: ComprefaceClient, ending: str) -> None:
    assert compreface.json("POST", ASK, **picture(RED, name=f"a.{ending}"))


def test_what_is_no_base64(compreface: ComprefaceClient) -> None:
    message = "Provided value is not Base64"
    assert compreface.error("POST", ASK, json={"file": "*" * 8}) == (400, 21, message)
    assert compreface.error("POST", ASK, json={"file": 5}) == (400, 0, GENERIC)


@pytest.mark.parametrize("data", [b"", b"no picture", png(RED)[:50], png(BLACK)])
def test_pictures_without_a_face(compreface: ComprefaceClient, data: bytes) -> None:
    for path in (ASK, "/detection/detect", f"{FACES}?subject=Ann"):
        assert compreface.error("POST", path, **form(data)) == NO_FACE


@pytest.mark.parametrize(("source", "target"), [(BLACK, RED), (RED, BLACK)])
def test_no_face_in_a_verification(compreface: ComprefaceClient, source: Any, target: Any) -> None:
    sent = {
        "data": {
            "source_image": (BytesIO(png(source)), "a.png"),
            "target_image": (BytesIO(png(target)), "b.png"),
        }
    }
    assert compreface.error("POST", VERIFY, **sent) == NO_FACE


def test_several_faces(compreface: ComprefaceClient, service: Services) -> None:
    message = "More than one face in the source image"
    error = compreface.error("POST", f"{FACES}?subject=Ann", **picture(RED, BLUE))
    assert error == (400, 31, message)
    assert service.people.every("default") == []


@pytest.mark.parametrize("name", ["a" * 201, "a%00b", "a%E2%80%8Eb"])
def test_names_of_examples_that_cannot_be_kept(compreface: ComprefaceClient, name: str) -> None:
    status, code, message = compreface.error("POST", f"{FACES}?subject={name}", **picture(RED))
    assert (status, code) == (400, 26)
    assert "name" in message


@pytest.mark.parametrize(
    ("subject", "code", "message"),
    [
        (None, 26, "Subject name cannot be empty"),
        ("", 26, "Subject name cannot be empty"),
        ("a" * 51, 26, "Subject name size must be between 1 and 50"),
        *(
            (
                f"a{mark}b",
                36,
                "The name cannot contain the following special characters: ';', '/', '\\'",
            )
            for mark in ";/\\"
        ),
        ([], 0, GENERIC),
        ("\ud800", 0, GENERIC),
    ],
)
def test_names_of_subjects(
    compreface: ComprefaceClient, subject: object, code: int, message: str
) -> None:
    sent: dict[str, Any] = {"json": {"subject": subject}}
    assert compreface.error("POST", SUBJECTS, **sent) == (400, code, message)
    assert compreface.error("PUT", f"{SUBJECTS}/x", **sent) == (400, code, message)


@pytest.mark.parametrize("body", ["", "{", "[]", "5", '{"subject": NaN}', "[" * 9_000])
def test_json_that_is_none(compreface: ComprefaceClient, body: str) -> None:
    sent = {"data": body, "content_type": "application/json"}
    assert compreface.error("POST", SUBJECTS, **sent) == (400, 0, GENERIC)


def test_a_subject_that_is_there(compreface: ComprefaceClient) -> None:
    compreface.json("POST", SUBJECTS, status=201, json={"subject": "Ann"})
    error = compreface.error("POST", SUBJECTS, json={"subject": "ANN"})
    assert error == (400, 43, "Subject already exists")


def test_a_subject_that_is_not_there(compreface: ComprefaceClient) -> None:
    expected = (404, 42, "Subject nobody not found")
    assert compreface.error("PUT", f"{SUBJECTS}/nobody", json={"subject": "x"}) == expected
    assert compreface.error("DELETE", f"{SUBJECTS}/nobody") == expected


def test_an_image_that_is_not_there(compreface: ComprefaceClient) -> None:
    missing = str(uuid4())
    expected = (404, 44, f"Image {missing} not found")
    assert compreface.error("DELETE", f"{FACES}/{missing}") == expected
    verify = f"{FACES}/{missing}/verify"
    wrong_id = (404, 44, "Image Id is incorrect")
    assert compreface.error("POST", verify, **picture(RED)) == wrong_id
    assert compreface.error("POST", verify, **picture(BLACK)) == NO_FACE  # looked at first
    path = f"/recognition/embeddings/faces/{missing}/verify"
    assert compreface.error("POST", path, json={"embeddings": [[1, 0, 0]]}) == wrong_id


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("DELETE", f"{FACES}/no-uuid"),
        ("GET", f"{FACES}/no-uuid/img"),
        ("POST", f"{FACES}/no-uuid/verify"),
        ("POST", "/recognition/embeddings/faces/no-uuid/verify"),
        ("GET", f"{FACES}?page=a"),
        ("GET", f"{FACES}?size=a"),
    ],
)
def test_ids_and_numbers_that_are_none(
    compreface: ComprefaceClient, method: str, path: str
) -> None:
    assert compreface.error(method, path) == (400, 0, GENERIC)


@pytest.mark.parametrize("body", [{}, ["no-uuid"], [5], None])
def test_ids_to_delete_that_are_none(compreface: ComprefaceClient, body: object) -> None:
    assert compreface.error("POST", f"{FACES}/delete", json=body) == (400, 0, GENERIC)


@pytest.mark.parametrize(
    ("method", "path"), [("GET", ASK), ("PATCH", SUBJECTS), ("GET", f"{FACES}/{uuid4()}")]
)
def test_methods_that_a_path_does_not_have(
    compreface: ComprefaceClient, method: str, path: str
) -> None:
    assert compreface.error(method, path) == (404, 0, GENERIC)


def test_addresses_that_there_are_not(compreface: ComprefaceClient) -> None:
    assert compreface.error("GET", "/recognition/nothing")[:2] == (404, 0)
