"""Rekognition's protocol before a real gallery; faces are coloured tiles, some of poor quality."""

from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from faceserver.config import Settings
from faceserver.lifecycle import Services
from faceserver.models.spec import AttributeSpec
from faceserver.store import open_store
from faceserver.types import Detection, Image
from faceserver.vision.analyzer import Analyzer
from faceserver.vision.attributes.base import Cut, Value
from faceserver.vision.attributes.pool import AttributePool, spec_without_weights
from faceserver.vision.attributes.pose import PoseAttribute
from faceserver.vision.pool import AnalyzerPool
from tests.support.fakes import ColourDetector
from tests.support.services import make_services
from tests.web.v1.conftest import CalibratedEmbedder, app, http, settings

__all__ = ["app", "http", "settings"]  # fixtures

DULL = (60, 60, 10)
"""The colour of a tile that is too dark."""


class Tiles:
    """Tells of a tile how bright it is, an age and a gender, as the real models would."""

    def __init__(self, spec: AttributeSpec) -> None:
        self.name = spec.name

    def cut(self, image: Image, detection: Detection) -> Cut:
        left, top = int(detection.box.x1), int(detection.box.y1)
        return Cut(detection, image[top : top + 16, left : left + 16])

    def tell(self, cuts: Sequence[Cut]) -> list[Value]:
        told: Mapping[str, Value] = {
            "age": {"value": 41.2, "low": 35, "high": 48},
            "gender": {"value": "female", "probability": 0.93},
        }
        if self.name in told:
            return [told[self.name]] * len(cuts)
        return [
            {"value": 0.8, "sharpness": 0.5, "brightness": 0.05 if _is_dull(cut) else 0.6}
            for cut in cuts
        ]


def _is_dull(cut: Cut) -> bool:
    return cut.crop is not None and int(cut.crop.max()) < 100


def load(spec: AttributeSpec) -> Any:
    return PoseAttribute(spec) if spec.name == "pose" else Tiles(spec)


@pytest.fixture
def service(settings: Settings) -> Iterator[Services]:
    embedder = CalibratedEmbedder()
    folder = settings.data_dir
    store = open_store(folder, model=embedder.name, dims=embedder.dims)
    named = [
        spec_without_weights("pose").model_copy(update={"name": name})
        for name in ("age", "gender", "quality")
    ]
    analyzer = Analyzer(ColourDetector(), embedder, attributes=AttributePool(named, load))
    with closing(make_services(folder, AnalyzerPool(analyzer), store, store.pictures)) as made:
        yield made


class Rekognition:
    """Calls operations and hands on what is answered."""

    def __init__(self, client: FlaskClient) -> None:
        self._client = client

    def __call__(self, operation: str, **members: object) -> dict[str, Any]:
        answer = self.ask(operation, **members)
        assert answer.status_code == 200, answer.text
        assert answer.mimetype == "application/x-amz-json-1.1"
        body: dict[str, Any] = answer.get_json(force=True)
        return body

    def error(self, operation: str, **members: object) -> str:
        answer = self.ask(operation, **members)
        assert answer.status_code == 400, answer.text
        name = answer.get_json(force=True)["__type"]
        assert isinstance(name, str)
        return name

    def ask(self, operation: str, **members: object) -> TestResponse:
        return self._client.post(
            "/as/rekognition",
            json=members,
            headers={"X-Amz-Target": f"RekognitionService.{operation}"},
        )

    def index(self, picture: bytes, **members: object) -> dict[str, Any]:
        """IndexFaces, whatever the quality: tiles are small."""
        options = {"CollectionId": "default", "QualityFilter": "NONE", **members}
        return self("IndexFaces", Image=image(picture), **options)

    def face_ids(self, picture: bytes, **members: object) -> list[str]:
        found = self.index(picture, **members)["FaceRecords"]
        return [record["Face"]["FaceId"] for record in found]


def image(data: bytes) -> dict[str, str]:
    return {"Bytes": b64encode(data).decode()}


@pytest.fixture
def rekognition(app: Flask) -> Rekognition:
    app.testing = False
    return Rekognition(app.test_client())
