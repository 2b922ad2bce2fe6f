"""CompreFace's API before a real gallery; faces are coloured tiles."""

from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from faceserver import web
from tests.services.test_facade import png
from tests.web.v1.conftest import app, service, settings

__all__ = ["app", "service", "settings"]

Colour = tuple[int, int, int]


class ComprefaceClient:
    """Sends what CompreFace's clients send, with a key as they have them."""

    def __init__(self, http: FlaskClient, key: str) -> None:
        self._http = http
        self.key = key

    def send(self, method: str, path: str, **more: Any) -> TestResponse:
        headers = {"x-api-key": self.key, **more.pop("headers", {})}
        address = f"/as/compreface/api/v1{path}"
        return self._http.open(address, method=method, headers=headers, buffered=True, **more)

    def json(self, method: str, path: str, *, status: int = 200, **more: Any) -> Any:
        """What is answered, which must have this status."""
        answer = self.send(method, path, **more)
        assert answer.status_code == status, answer.text
        return answer.get_json()

    def error(self, method: str, path: str, **more: Any) -> tuple[int, int, str]:
        """Status, code and message of an error."""
        answer = self.send(method, path, **more)
        assert set(answer.get_json()) == {"message", "code"}
        told = answer.get_json()
        return answer.status_code, told["code"], told["message"]

    def add(self, subject: str, *tiles: Colour) -> str:
        """Add an example; return its id."""
        answer = self.json(
            "POST", f"/recognition/faces?subject={subject}", status=201, **picture(*tiles)
        )
        assert answer["subject"] == subject
        return str(answer["image_id"])


def picture(*tiles: Colour, part: str = "file", name: str = "a.png") -> dict[str, Any]:
    """A form with a picture."""
    return form(png(*tiles), part=part, name=name)


def form(data: bytes, *, part: str = "file", name: str = "a.png") -> dict[str, Any]:
    """A form with a file."""
    return {"data": {part: (BytesIO(data), name)}}


@pytest.fixture
def compreface(app: Flask) -> ComprefaceClient:
    app.testing = False
    _, key = web.gate_of(app).keys.create("client", "write", kind="uuid")
    return ComprefaceClient(app.test_client(), key)
