"""CompreFace's core service, key by key."""

import base64
import math
from collections.abc import Mapping
from io import BytesIO
from typing import Any

import pytest
from flask.testing import FlaskClient

from faceserver import __version__
from faceserver.config import load_settings
from faceserver.lifecycle import Services
from tests.services.test_facade import BLACK, BLUE, GREEN, RED, png
from tests.web.fakes import FakeBackend, make_app
from tests.web.v1.conftest import CURVE, app, http, service, settings

__all__ = ["app", "http", "service", "settings"]

BOX = {"probability": 0.99, "x_max": 16, "y_max": 16, "x_min": 0, "y_min": 0}
CALCULATOR = "faceserver.Calculator@colour"
DETECTOR = "faceserver.FaceDetector@mtcnn"


def ask(
    http: FlaskClient, path: str, *tiles: tuple[int, int, int], **fields: str
) -> tuple[int, Any]:
    form: Mapping[str, Any] = {"file": (BytesIO(png(*tiles)), "a.png"), **fields}
    answer = http.post(f"/as/core/{path}", data=form)
    return answer.status_code, answer.get_json()


def test_health(http: FlaskClient) -> None:
    assert http.get("/as/core/healthcheck").get_json() == {"status": "OK"}


def test_status(http: FlaskClient) -> None:
    answer = http.get("/as/core/status").get_json()
    middle, steepness = answer.pop("similarity_coefficients")
    assert answer == {
        "status": "OK",
        "build_version": __version__,
        "calculator_version": CALCULATOR,
        "available_plugins": {
            "detector": DETECTOR,
            "calculator": CALCULATOR,
            "landmarks": "faceserver.LandmarksDetector@landmarks",
            "pose": "faceserver.PoseEstimator@pose",
        },
    }
    assert middle == pytest.approx(math.sqrt(0.1))  # similarity 1/2 at the threshold
    assert steepness == pytest.approx(CURVE.steepness * middle)


def test_without_plugins_box_and_time_alone(http: FlaskClient) -> None:
    code, answer = ask(http, "find_faces", RED)
    assert (code, answer["plugins_versions"]) == (200, {"detector": DETECTOR})
    (face,) = answer["result"]
    assert (set(face), face["box"]) == ({"box", "execution_time"}, BOX)
    assert set(face["execution_time"]) == {"detector"}
    assert face["execution_time"]["detector"] >= 0


def test_with_plugins(http: FlaskClient) -> None:
    code, answer = ask(http, "find_faces?face_plugins=landmarks,calculator,mask,nonsense", RED)
    assert code == 200
    assert set(answer["plugins_versions"]) == {"detector", "calculator", "landmarks"}
    (face,) = answer["result"]
    assert set(face) == {"box", "execution_time", "landmarks", "embedding"}
    assert set(face["execution_time"]) == {"detector", "calculator", "landmarks"}
    assert [len(point) for point in face["landmarks"]] == [2] * 5
    assert math.hypot(*face["embedding"]) == pytest.approx(1)


def test_parameters_in_the_form_and_in_the_query(http: FlaskClient) -> None:
    tiles = (RED, GREEN, BLUE)
    assert len(ask(http, "find_faces", *tiles, limit="2")[1]["result"]) == 2
    assert len(ask(http, "find_faces?limit=2", *tiles)[1]["result"]) == 2
    assert len(ask(http, "find_faces?limit=0", *tiles)[1]["result"]) == 3
    (face, *_) = ask(http, "find_faces", *tiles, limit="", face_plugins="pose")[1]["result"]
    assert set(face["pose"]) == {"pitch", "roll", "yaw"}


def test_base64(http: FlaskClient) -> None:
    sent = {"file": base64.b64encode(png(RED, BLUE)).decode()}
    answer = http.post("/as/core/find_faces_base64?face_plugins=calculator&limit=1", json=sent)
    (face,) = answer.get_json()["result"]
    assert len(face["embedding"]) == 3


def test_scan(http: FlaskClient) -> None:
    code, answer = ask(http, "scan_faces", RED, BLUE)
    assert (code, answer["calculator_version"]) == (200, CALCULATOR)
    for face in answer["result"]:
        assert set(face) == {"box", "embedding", "execution_time"}
        assert set(face["execution_time"]) == {"detector", "calculator"}


def test_without_detection_the_picture_is_the_face(http: FlaskClient) -> None:
    _, answer = ask(http, "scan_faces?detect_faces=false", RED, BLACK)
    (face,) = answer["result"]
    assert face["box"] == {"probability": 1, "x_max": 32, "y_max": 16, "x_min": 0, "y_min": 0}
    assert ask(http, "scan_faces?detect_faces=False", BLACK)[0] == 400  # exactly that text


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("limit=a", "Limit format is invalid (limit >= 0)"),
        ("limit=1.5", "Limit format is invalid (limit >= 0)"),
        ("limit=--1", "Limit format is invalid (limit >= 0)"),
        ("limit=-1", "Limit value is invalid (limit >= 0)"),
        *(
            (
                f"det_prob_threshold={value}",
                "Detection threshold incorrect (0 <= det_prob_threshold <= 1)",
            )
            for value in ("-0.1", "1.1", "nan", "a")
        ),
        ("det_prob_threshold=0.999", "No face is found in the given image"),
    ],
)
def test_parameters_that_are_none(http: FlaskClient, query: str, text: str) -> None:
    for path in ("find_faces", "scan_faces"):
        answer = ask(http, f"{path}?{query}", RED)
        assert answer == (400, {"message": f"400 Bad Request: {text}"})


def test_the_limit_is_looked_at_after_the_faces(http: FlaskClient) -> None:
    message = "400 Bad Request: No face is found in the given image"
    assert ask(http, "find_faces?limit=a", BLACK) == (400, {"message": message})


def test_at_the_root_browsers_keep_the_page(service: Services, tmp_path: Any) -> None:
    made = load_settings(data_dir=tmp_path / "other", max_file_bytes=10_000)
    client = make_app(FakeBackend(made, real=service), compat=("core",)).test_client()
    program = client.get("/status", headers={"Accept": "*/*"})
    assert program.get_json()["status"] == "OK"
    page = client.get("/status", headers={"Accept": "text/html"})
    assert (page.status_code, page.mimetype) == (200, "text/html")
    assert client.get("/healthcheck").get_json() == {"status": "OK"}


def test_without_core_at_the_root_the_page_is_everybodys(service: Services, tmp_path: Any) -> None:
    made = load_settings(data_dir=tmp_path / "other", max_file_bytes=10_000)
    client = make_app(FakeBackend(made, real=service), compat=("original",)).test_client()
    assert client.get("/status", headers={"Accept": "*/*"}).mimetype == "text/html"
