"""What Immich's protocol refuses."""

from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.web.compat.table import BROKEN, HUGE, BadInput, json_with

FACES = '{"facial-recognition": {"detection": {"modelName": "buffalo_l", "options": {}}}}'


def prepare(patch: pytest.MonkeyPatch) -> None:
    """Take the tests' model, which gives three numbers."""
    patch.setattr("faceserver.web.compat.immich.routes.DIMS", 3)


def with_key(key: str) -> dict[str, Any]:
    return {"headers": {"X-Api-Key": key}}


def refused(code: str) -> Callable[[TestResponse], None]:
    return json_with(code=code)


def sent(entries: str, data: bytes | None = None) -> dict[str, Any]:
    form: dict[str, Any] = {"entries": entries}
    if data is not None:
        form["image"] = (BytesIO(data), "blob")
    return {"data": form}


def rows() -> list[BadInput]:
    invalid = json_with(detail="Invalid request format.")
    return [
        BadInput("no key", "/predict", 401, refused("not_authenticated"), key="none"),
        BadInput("wrong key", "/predict", 401, refused("not_authenticated"), key="wrong"),
        *(
            BadInput(f"wrong types {number}", "/predict", 422, invalid, send=sent(entries, BROKEN))
            for number, entries in enumerate(
                ("", "[]", "{}", "{", '{"facial-recognition": 1}', "NaN", '{"clip": []}')
            )
        ),
        BadInput(
            "wrong types of a score",
            "/predict",
            422,
            invalid,
            send=sent('{"facial-recognition": {"detection": {"options": {"minScore": "a"}}}}'),
        ),
        *(
            BadInput(
                f"wrong types of a number {number[:5]}",
                "/predict",
                422,
                invalid,
                send=sent(FACES.replace("{}", f'{{"minScore": {number}}}'), BROKEN),
            )
            for number in ("NaN", "-Infinity", "1e999", "-1e999", "1" + "0" * 400)
        ),
        BadInput(
            "another task",
            "/predict",
            501,
            refused("not_served"),
            send=sent('{"clip": {"visual": {}}}', BROKEN),
        ),
        BadInput(
            "no picture",
            "/predict",
            400,
            json_with(detail="Either image or text must be provided"),
            send=sent(FACES),
        ),
        BadInput(
            "broken picture",
            "/predict",
            415,
            refused("not_an_image"),
            send=sent(FACES, BROKEN),
        ),
        BadInput(
            "huge picture",
            "/predict",
            413,
            refused("file_too_large"),
            send=sent(FACES, HUGE),
        ),
        BadInput("wrong method", "/predict", 405, refused("method_not_allowed"), "GET"),
    ]
