"""What Facebox's protocol refuses."""

from base64 import b64encode
from io import BytesIO
from typing import Any

from tests.web.compat.table import BROKEN, HUGE, BadInput, json_with


def with_key(key: str) -> dict[str, Any]:
    return {"auth": ("anybody", key)}


def file(data: bytes, **fields: str) -> dict[str, Any]:
    return {"data": {**fields, "file": (BytesIO(data), "a.jpg")}}


def json_of(data: bytes, **fields: object) -> dict[str, Any]:
    return {"json": {**fields, "base64": b64encode(data).decode()}}


def rows() -> list[BadInput]:
    check, teach, prints = "/facebox/check", "/facebox/teach", "/facebox/faceprint/check"
    no = json_with(success=False)
    ada = {"name": "Ada", "id": "1"}
    renamed = {"json": {"from": "A", "to": "B"}}
    unknown = {"json": {"url": "https://faces.example/nobody"}}
    return [
        BadInput("no key", check, 401, no, key="none", send=file(BROKEN)),
        BadInput("no key, to look whether it is there", "/healthz", 401, no, "GET", key="none"),
        BadInput("wrong key", check, 401, no, key="wrong", send=file(BROKEN)),
        BadInput("wrong key, to look whether it is there", "/healthz", 401, no, "GET", key="wrong"),
        BadInput("no picture", check, 400, no, send={"json": {}}),
        BadInput("no picture, no body", check, 400, no),
        BadInput("no picture to teach", teach, 400, no, send={"data": ada}),
        BadInput("broken picture", check, 400, no, send=file(BROKEN)),
        BadInput("broken picture in JSON", teach, 400, no, send=json_of(BROKEN, **ada)),
        BadInput("no base64", check, 400, no, send={"json": {"base64": "*"}}),
        BadInput("huge picture", teach, 400, no, send=file(HUGE, **ada)),
        BadInput("huge picture in JSON", check, 413, no, send=json_of(bytes(1_000_000))),
        BadInput("wrong types", teach, 400, no, send=json_of(BROKEN, name=[1])),
        BadInput("wrong types: a list", check, 400, no, send={"json": [1]}),
        BadInput("wrong types of faceprints", prints, 400, no, send={"json": {"faceprints": [1]}}),
        BadInput("no faceprints", prints, 400, no, send={"json": {"faceprints": []}}),
        BadInput("no name", teach, 400, json_with(error="name required"), send=file(BROKEN)),
        BadInput("no faceprint", teach, 400, no, send={"json": {**ada, "faceprint": "AAAA"}}),
        BadInput("a URL that gives nothing", check, 400, no, send=unknown),
        BadInput("a limit that cannot be", "/facebox/similars?limit=0", 400, no, send=file(BROKEN)),
        BadInput("an id that is not there", f"{teach}/1", 404, no, method="DELETE"),
        BadInput("nobody to rename", f"{teach}/1", 404, no, "PATCH", send={"data": {"name": "B"}}),
        BadInput("no new name", f"{teach}/1", 400, no, method="PATCH", send={"data": {}}),
        BadInput("nobody of that name", "/facebox/rename", 404, no, send=renamed),
        BadInput("nothing is similar", "/facebox/similar?id=1", 404, no, method="GET"),
        BadInput("no state", "/facebox/state", 400, no, send=file(BROKEN)),
        BadInput("a damaged state", "/facebox/state", 400, no, send=file(b'{"format": 1}')),
        BadInput("a wrong method", check, 405, no, method="PUT"),
        BadInput("an unknown call", "/facebox/erase", 404, no),
    ]
