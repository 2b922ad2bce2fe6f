"""What DeepFace's protocol refuses."""

from collections.abc import Callable
from io import BytesIO
from typing import Any

from werkzeug.test import TestResponse

from tests.services.test_facade import BLACK, RED, png
from tests.web.compat.table import BROKEN, HUGE, BadInput, json_with


def with_key(key: str) -> dict[str, Any]:
    return {"headers": {"Authorization": f"Bearer {key}"}}


def told(part: str) -> Callable[[TestResponse], None]:
    def judge(answer: TestResponse) -> None:
        body = answer.get_json()
        assert list(body) == ["error"]
        assert part in body["error"]

    return judge


def sent(data: bytes, **fields: str) -> dict[str, Any]:
    return {"data": {"img": (BytesIO(data), "a.jpg"), **fields}}


def bad(name: str, path: str, part: str, send: dict[str, Any]) -> BadInput:
    return BadInput(name, path, 400, told(part), send=send)


def rows() -> list[BadInput]:
    unknown = json_with(message="Invalid or missing authentication token")
    missing = json_with(exception="'img' not found in either json or form data request")
    good = png(RED)
    return [
        BadInput("no key", "/represent", 401, unknown, key="none"),
        BadInput("wrong key", "/search", 401, unknown, key="wrong"),
        BadInput("no picture", "/represent", 400, missing, send={"json": {}}),
        BadInput("no picture in a form", "/register", 400, missing, send={"data": {"a": "b"}}),
        BadInput("no picture at all", "/analyze", 400, missing),
        BadInput(
            "no picture to compare",
            "/verify",
            400,
            json_with(exception="'img2' not found in either json or form data request"),
            send={"data": {"img1": (BytesIO(good), "a.png")}},
        ),
        bad("broken picture", "/register", "registering: ", sent(BROKEN)),
        BadInput("huge picture", "/register", 413, told("registering: "), send=sent(HUGE)),
        bad("no face", "/register", "no face was found", sent(png(BLACK))),
        bad("no face", "/represent", "could not be", sent(png(BLACK))),
        bad("wrong types", "/register", "must be text", {"json": {"img": 1}}),
        bad("wrong types of JSON", "/register", "not a JSON object", {"json": []}),
        bad("wrong types of text", "/search", "valid JSON", {"data": b"{"}),
        bad("a path", "/register", "paths on the server", {"json": {"img": "a.jpg"}}),
        bad("wrong k", "/search", "'k' must be", sent(good, k="0")),
        bad(
            "wrong metric",
            "/search",
            "one of cosine",
            sent(good, distance_metric="x"),
        ),
        bad(
            "another model",
            "/search",
            "available:",
            sent(good, model_name="OpenFace"),
        ),
        bad("liveness", "/represent", "liveness", sent(good, anti_spoofing="true")),
        bad("an emotion", "/analyze", "emotion", sent(good, actions="[emotion]")),
        bad("an unknown action", "/analyze", "can hold", sent(good, actions="x")),
        BadInput(
            "nothing to delete",
            "/delete",
            400,
            json_with(exception="'id' or 'img_name' not found in either json or form data request"),
            send={"json": {}},
        ),
        BadInput(
            "nobody to delete", "/delete", 404, told("there is no face"), send={"json": {"id": "x"}}
        ),
    ]
