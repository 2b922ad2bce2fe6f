"""What face id's protocol refuses."""

from base64 import b64encode
from collections.abc import Callable
from typing import Any

from werkzeug.test import TestResponse

from tests.web.compat.table import BROKEN, HUGE, BadInput


def with_key(key: str) -> dict[str, Any]:
    return {"headers": {"X-Api-Key": key}}


def told(answer: TestResponse) -> None:
    assert isinstance(answer.get_json()["detail"], str)


def listed(*place: str | int) -> Callable[[TestResponse], None]:
    def judge(answer: TestResponse) -> None:
        first = answer.get_json()["detail"][0]
        assert first["loc"] == ["body", *place], first
        assert first.keys() == {"type", "loc", "msg"}

    return judge


def image(data: bytes) -> dict[str, Any]:
    return {"image": b64encode(data).decode()}


def generate(*images: object) -> dict[str, Any]:
    return {"json": {"id": 7, "images": list(images)}}


def rows() -> list[BadInput]:
    infer, make, one = "/infer", "/generate", {"json": image(BROKEN)}
    vectors = "/ids/7/embeddings"
    no_base64 = generate({"image": "*"})
    return [
        BadInput("no key", infer, 401, told, key="none", send=one),
        BadInput("wrong key", infer, 401, told, key="wrong", send=one),
        BadInput("no picture", infer, 422, listed("image"), send={"json": {}}),
        BadInput("no picture, no body", infer, 422, listed()),
        BadInput("no pictures", make, 422, listed("images"), send={"json": {"id": 7}}),
        BadInput("broken picture", infer, 422, listed(), send=one),
        BadInput("broken picture of two", make, 422, listed(), send=generate(image(BROKEN))),
        BadInput("no base64", make, 422, listed("images", 0, "image"), send=no_base64),
        BadInput("huge picture", infer, 422, listed(), send={"json": image(HUGE)}),
        BadInput("huge picture of two", make, 422, listed(), send=generate(image(HUGE))),
        BadInput("wrong types", infer, 422, listed("image"), send={"json": {"image": 1}}),
        BadInput("wrong types: a list", infer, 422, listed(), send={"json": [1]}),
        BadInput("wrong types: a name", make, 422, listed("id"), send={"json": {"id": "Ada"}}),
        BadInput("an id that is a word", "/ids/Ada", 422, listed(), method="DELETE"),
        BadInput("an id that is not there", "/ids/7", 404, told, method="DELETE"),
        BadInput("nobody to merge", "/ids/7/merge", 404, told, send={"json": {"into": 8}}),
        BadInput(
            "vectors of another length",
            vectors,
            422,
            listed(),
            method="PUT",
            send={"json": {"embeddings": [[1.0, 0.0]]}},
        ),
        BadInput(
            "vectors without a direction",
            vectors,
            422,
            listed(),
            method="PUT",
            send={"json": {"embeddings": [[0.0, 0.0, 0.0]]}},
        ),
        BadInput("a wrong method", infer, 405, told, method="GET"),
    ]
