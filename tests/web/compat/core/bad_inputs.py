"""What the core service refuses."""

from io import BytesIO
from typing import Any

from tests.web.compat.table import BROKEN, HUGE, BadInput, json_with

FIND = "/find_faces"


def with_key(key: str) -> dict[str, Any]:
    return {"headers": {"x-api-key": key}}


def form(data: bytes, name: str = "a.jpg") -> dict[str, Any]:
    return {"data": {"file": (BytesIO(data), name)}}


def bad(text: str) -> Any:
    return json_with(message=f"400 Bad Request: {text}")


def rows() -> list[BadInput]:
    broken = bad("Image has incorrect format or is broken")
    key = "send `Authorization: Bearer KEY`"
    no_key = json_with(message=f"401 Unauthorized: a key is needed: {key}")
    wrong = json_with(message=f"401 Unauthorized: this key is not good, or not any more: {key}")
    return [
        BadInput("no key", FIND, 401, no_key, key="none"),
        BadInput("wrong key", FIND, 401, wrong, key="wrong"),
        BadInput("no picture", FIND, 400, bad("No file is attached")),
        BadInput(
            "no picture: no name",
            FIND,
            400,
            bad("No file is selected"),
            send={
                "data": b'--b\r\nContent-Disposition: form-data; name=file; filename=""\r\n'
                b"Content-Type: image/jpeg\r\n\r\nabc\r\n--b--\r\n",
                "content_type": "multipart/form-data; boundary=b",
            },
        ),
        BadInput("broken picture", FIND, 400, broken, send=form(BROKEN)),
        BadInput("broken picture: empty", "/scan_faces", 400, broken, send=form(b"")),
        BadInput(
            "huge picture",
            FIND,
            413,
            json_with(
                message="413 Request Entity Too Large: the picture has more than 10000 bytes"
            ),
            send=form(HUGE),
        ),
        BadInput(
            "wrong types: no base64",
            "/find_faces_base64",
            400,
            broken,
            send={"json": {"file": "***"}},
        ),
        BadInput(
            "wrong types: a number",
            "/find_faces_base64",
            400,
            bad("No file is attached"),
            send={"json": {"file": 5}},
        ),
        BadInput(
            "wrong types: a list",
            "/find_faces_base64",
            400,
            bad("Something went wrong, please try again"),
            send={"json": []},
        ),
        BadInput("a wrong method", FIND, 405, lambda _: None, method="GET"),
    ]
