"""What the original protocol refuses."""

from collections.abc import Callable
from io import BytesIO
from typing import Any

from werkzeug.test import TestResponse

from tests.web.compat.table import BROKEN, HUGE, BadInput


def with_key(key: str) -> dict[str, Any]:
    return {"headers": {"X-Api-Key": key}}


def refused(code: str) -> Callable[[TestResponse], None]:
    def judge(answer: TestResponse) -> None:
        assert answer.get_json()["error"]["code"] == code

    return judge


def form(data: bytes) -> dict[str, Any]:
    return {"data": {"f": (BytesIO(data), "a.jpg")}}


def rows() -> list[BadInput]:
    retrieve = "/faceRetrieve"
    return [
        BadInput("no key", retrieve, 401, refused("not_authenticated"), key="none"),
        BadInput("wrong key", retrieve, 401, refused("not_authenticated"), key="wrong"),
        BadInput("no picture", retrieve, 400, refused("no_file"), send={"data": {"a": "b"}}),
        BadInput("broken picture", retrieve, 415, refused("not_an_image"), send=form(BROKEN)),
        BadInput("huge picture", retrieve, 413, refused("file_too_large"), send=form(HUGE)),
        BadInput(
            "wrong types", "/faceRegisterBatch", 400, refused("invalid_request"), send={"json": [1]}
        ),
        BadInput(
            "too many values",
            "/faceRegisterBatch",
            413,
            refused("request_too_large"),
            send={"json": {"imageUrls": ["http://a.example/"], "more": [1] * 20_000}},
        ),
    ]
