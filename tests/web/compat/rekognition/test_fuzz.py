"""Whatever the members of a request are, it is answered, and never by an error of the server."""

import json
from base64 import b64encode
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from faceserver.web.compat.rekognition import operations, routes
from tests.services.test_facade import BLACK, BLUE, RED, png
from tests.web.compat.rekognition.conftest import Rekognition

assert routes.PARTS

FACE = "00000000-0000-4000-8000-000000000000"
MEMBERS = (
    *("CollectionId", "UserId", "FaceId", "FaceIds", "Image", "SourceImage", "TargetImage"),
    *("MaxFaces", "MaxUsers", "MaxResults", "NextToken", "QualityFilter", "ExternalImageId"),
    *("FaceMatchThreshold", "UserMatchThreshold", "SimilarityThreshold", "ClientRequestToken"),
    *("Attributes", "DetectionAttributes", "Tags"),
)
PICTURES = [b64encode(data).decode() for data in (png(RED, BLUE), png(BLACK), b"no picture", b"")]
IMAGES = st.one_of(
    *(st.just({"Bytes": picture}) for picture in PICTURES),
    st.just({"S3Object": {"Bucket": "bucket", "Name": "a"}}),
)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=20)
    | st.sampled_from(["default", "ann", FACE, "NONE", "ALL", "YWZ0ZXI6MQ", "\x00", "\u202e"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
USUAL: dict[str, st.SearchStrategy[Any]] = {
    "CollectionId": st.sampled_from(["default", "other"]),
    "UserId": st.sampled_from(["ann", "bob"]),
    "FaceId": st.just(FACE),
    "FaceIds": st.lists(st.just(FACE), max_size=2),
    "QualityFilter": st.sampled_from(["NONE", "AUTO", "HIGH"]),
    **dict.fromkeys(("Image", "SourceImage", "TargetImage"), IMAGES),
    **dict.fromkeys(("MaxFaces", "MaxUsers", "MaxResults"), st.integers(0, 500)),
    **dict.fromkeys(
        ("FaceMatchThreshold", "UserMatchThreshold", "SimilarityThreshold"), st.floats(0, 100)
    ),
}
ASKED = st.fixed_dictionaries({}, optional={name: USUAL.get(name, JSON) | JSON for name in MEMBERS})


@pytest.mark.parametrize("operation", operations.names())
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(members=ASKED)
def test_members_of_any_kind(
    rekognition: Rekognition, operation: str, members: dict[str, Any]
) -> None:
    answer = rekognition.ask(operation, **members)
    assert answer.status_code in {200, 400}, answer.text
    body = answer.get_json(force=True)
    assert isinstance(body, dict)
    if answer.status_code == 400:
        assert body["__type"].endswith("Exception")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"text"',
        b"\xff\xfe",
        b'{"CollectionId": "\\ud800"}',
        b'{"CollectionId": "default", "CollectionId": 1}',
        b'{"Image": {"Bytes": "' + b"A" * 70_000 + b'"}, "CollectionId": "default"}',
        b"[" * 5_000,
        json.dumps({"FaceIds": [[]] * 20_000}).encode(),
        b'{"MaxResults": 1e999, "MaxFaces": ' + b"9" * 5_000 + b"}",
    ],
    ids=range(12),
)
def test_bodies_of_any_kind(app: Flask, body: bytes) -> None:
    app.testing = False
    client = app.test_client()
    for name in operations.names():
        answer = client.post(
            "/as/rekognition",
            data=body,
            headers={"X-Amz-Target": f"RekognitionService.{name}"},
        )
        assert answer.status_code in {200, 400}, (name, answer.text)
        assert isinstance(answer.get_json(force=True), dict)
