"""What the API has for pages above all: pictures that a browser may keep, and the calibration."""

from io import BytesIO
from typing import Any

from flask.testing import FlaskClient

from faceserver.models.distances import Rate
from tests.services.test_facade import GREEN, RED, png
from tests.web.v1.conftest import CURVE, CalibratedEmbedder

FACES = "/v1/collections/default/faces"


def added(http: FlaskClient, tile: tuple[int, int, int] = RED) -> dict[str, Any]:
    """A stored face."""
    answer = http.post(FACES, data={"file": (BytesIO(png(tile)), "red.png")})
    found: dict[str, Any] = answer.get_json()["faces"][0]
    return found


def test_a_crop_is_sent_again_only_when_it_has_changed(http: FlaskClient) -> None:
    crop = added(http)["crop"]
    first = http.get(crop)
    assert (first.status_code, first.mimetype) == (200, "image/jpeg")
    assert first.headers["Cache-Control"] == "private, no-cache"
    again = http.get(crop, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    assert http.get(crop, headers={"If-None-Match": '"another"'}).data == first.data
    other = http.get(added(http, GREEN)["crop"])
    assert other.headers["ETag"] != first.headers["ETag"]


def test_a_crop_of_a_deleted_face_is_not_kept(http: FlaskClient) -> None:
    face = added(http)
    tag = http.get(face["crop"]).headers["ETag"]
    http.delete(f"{FACES}/{face['id']}")
    assert http.get(face["crop"], headers={"If-None-Match": tag}).status_code == 404


def test_a_picture_is_sent_again_only_when_it_has_changed(http: FlaskClient) -> None:
    picture = added(http)["picture"]
    with http.get(picture) as first:
        assert first.headers["Cache-Control"] == "private, no-cache"
        tag = first.headers["ETag"]
    with http.get(picture, headers={"If-None-Match": tag}) as again:
        assert again.status_code == 304


def test_a_collection_tells_its_calibration(http: FlaskClient, monkeypatch: Any) -> None:
    rates = (
        Rate(threshold=0.3, false_match=0.25, false_non_match=0.0),
        Rate(threshold=0.1, false_match=0.0, false_non_match=0.5),
    )
    measured = CURVE.model_copy(update={"rates": rates})
    distances = CalibratedEmbedder.distances.model_copy(update={"similarity": measured})
    monkeypatch.setattr(CalibratedEmbedder, "distances", distances)
    assert http.get("/v1/collections/default").get_json()["calibration"] == {
        "midpoint": 0.1,
        "steepness": 20.0,
        "same_pairs": 9,
        "different_pairs": 9,
        "rates": [
            {"threshold": 0.1, "false_match": 0.0, "false_non_match": 0.5},
            {"threshold": 0.3, "false_match": 0.25, "false_non_match": 0.0},
        ],
    }


def test_a_model_that_nobody_measured_has_none(http: FlaskClient, monkeypatch: Any) -> None:
    distances = CalibratedEmbedder.distances.model_copy(update={"similarity": None})
    monkeypatch.setattr(CalibratedEmbedder, "distances", distances)
    described = http.get("/v1/collections/default").get_json()
    assert (described["threshold"], described["calibration"]) == (0.1, None)
