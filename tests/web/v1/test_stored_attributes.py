"""What is told of a face beside is answered with it."""

import json
import sqlite3
from contextlib import closing

from flask.testing import FlaskClient

from faceserver.config import Settings
from tests.web.v1.test_for_pages import FACES, added


def test_a_face_s_attributes_are_answered_and_its_quality_beside(
    http: FlaskClient, settings: Settings
) -> None:
    face = added(http)
    assert (face["attributes"], face["quality"]) == ({}, None)
    told = {"quality": 0.1 + 0.2, "pose": {"yaw": -3}, "points": [[1.5, 2]]}
    with closing(sqlite3.connect(settings.data_dir / "faces.sqlite")) as rows, rows:
        rows.execute("UPDATE faces SET attributes = ?", (json.dumps(told),))
    for answer in (
        http.get(f"{FACES}/{face['id']}").get_json(),
        http.get(FACES).get_json()["items"][0],
    ):
        assert (answer["attributes"], answer["quality"]) == (told, 0.1 + 0.2)


def test_a_picture_is_sent_in_parts_to_whoever_asks(http: FlaskClient) -> None:
    picture = added(http)["picture"]
    with http.get(picture) as whole:
        assert int(whole.headers["Content-Length"]) == len(whole.data)
    with http.get(picture, headers={"Range": "bytes=2-5"}) as part:
        assert (part.status_code, part.data) == (206, whole.data[2:6])
