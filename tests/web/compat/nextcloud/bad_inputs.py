"""What Nextcloud's protocol refuses: any status but 200 is a failure there."""

from collections.abc import Callable
from io import BytesIO
from typing import Any

from werkzeug.test import TestResponse

from tests.services.test_facade import RED, png
from tests.web.compat.table import BROKEN, HUGE, BadInput, json_with


def with_key(key: str) -> dict[str, Any]:
    return {"headers": {"x-api-key": key}}


def refused(code: str) -> Callable[[TestResponse], None]:
    return json_with(code=code)


def sent(data: bytes, face: str | None = None) -> dict[str, Any]:
    form: dict[str, Any] = {"file": (BytesIO(data), "phpA1b2C3")}
    if face is not None:
        form["face"] = face
    return {"data": form}


def rows() -> list[BadInput]:
    detect, compute, good = "/detect", "/compute", png(RED)
    box = '{"left": %s, "top": 1, "right": 2, "bottom": 2}'
    places = [box % left for left in ('"1"', "9", "true", "-1e300")]
    wrong: list[str | None] = [None, "", "{", "[]", "{}", *places]
    return [
        BadInput("no key", detect, 401, refused("not_authenticated"), key="none"),
        BadInput("wrong key", detect, 401, refused("not_authenticated"), key="wrong"),
        BadInput("no key to open", "/open", 401, refused("not_authenticated"), "GET", "none"),
        BadInput("no picture", detect, 400, refused("no_file"), send={"data": {"a": "b"}}),
        BadInput("no picture to compute", compute, 400, refused("no_file"), send={"data": {}}),
        BadInput("broken picture", detect, 415, refused("not_an_image"), send=sent(BROKEN)),
        BadInput("huge picture", detect, 412, refused("file_too_large"), send=sent(HUGE)),
        *(
            BadInput(
                f"wrong types {number}",
                compute,
                400,
                refused("invalid_request"),
                send=sent(good, face),
            )
            for number, face in enumerate(wrong)
        ),
    ]
