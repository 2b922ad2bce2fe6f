"""What PhotoPrism's protocol refuses."""

import base64
from typing import Any

from tests.web.compat.table import BROKEN, HUGE, BadInput, json_with

FACE = "/api/v1/vision/face"


def with_key(key: str) -> dict[str, Any]:
    return {"headers": {"Authorization": f"Bearer {key}"}}


def bad(name: str, status: int, images: object, **fields: object) -> BadInput:
    judge = json_with(id="7", code=status)
    return BadInput(
        name, FACE, status, judge, send={"json": {"id": "7", "images": images, **fields}}
    )


def as_text(data: bytes) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(data).decode()


def rows() -> list[BadInput]:
    return [
        BadInput("no key", FACE, 401, json_with(code=401), key="none", send={"json": {}}),
        BadInput("wrong key", FACE, 401, json_with(code=401), key="wrong", send={"json": {}}),
        bad("no picture", 400, []),
        bad("no picture at all", 400, None),
        bad("broken picture", 415, [as_text(BROKEN)]),
        bad("huge picture", 413, [as_text(HUGE)]),
        bad("wrong types", 400, [1]),
        bad("wrong types of images", 400, "data:image/jpeg;base64,AAAA"),
        bad("no base64", 400, ["faces/1.jpg"]),
        bad("a URL of this machine", 422, ["http://127.0.0.1/a.jpg"]),
        bad("too many", 413, [""] * 1_000),
        BadInput("wrong types of JSON", FACE, 400, json_with(code=400), send={"data": b"["}),
    ]
