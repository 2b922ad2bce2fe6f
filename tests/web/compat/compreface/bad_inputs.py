"""What CompreFace's API refuses; test_refusals.py has every text and number."""

from io import BytesIO
from typing import Any

from tests.web.compat.table import BROKEN, HUGE, KEY, BadInput, json_with

RECOGNIZE = "/api/v1/recognition/recognize"
ADD = "/api/v1/recognition/faces?subject=Ann"


def with_key(key: str) -> dict[str, Any]:
    return {"headers": {"x-api-key": key}}


def form(data: bytes) -> dict[str, Any]:
    return {"data": {"file": (BytesIO(data), "a.jpg")}}


def rows() -> list[BadInput]:
    no_key = json_with(message="Missing header: x-api-key", code=20)
    wrong_key = json_with(
        message=f"Recognition service with API Key {KEY} not found",
        code=10,
    )
    no_part = json_with(message="Required part file is missing", code=34)
    no_face = json_with(message="No face is found in the given image", code=28)
    generic = json_with(message="Something went wrong, please try again", code=0)
    return [
        BadInput("no key", RECOGNIZE, 400, no_key, key="none"),
        BadInput("wrong key", RECOGNIZE, 404, wrong_key, key="wrong"),
        BadInput("no picture", ADD, 400, no_part, send={"data": {"a": "b"}}),
        BadInput("broken picture", ADD, 400, no_face, send=form(BROKEN)),
        BadInput("huge picture", ADD, 413, json_with(code=0), send=form(HUGE)),
        BadInput("wrong types: a list", ADD, 400, generic, send={"json": [1]}),
        BadInput("wrong types: a number", f"{ADD}&det_prob_threshold=x", 400, generic),
        BadInput(
            "wrong types: a subject",
            "/api/v1/recognition/subjects",
            400,
            generic,
            send={"json": {"subject": {}}},
        ),
        BadInput(
            "wrong types: embeddings",
            "/api/v1/recognition/embeddings/recognize",
            400,
            generic,
            send={"json": {"embeddings": [["a"]]}},
        ),
    ]
