"""What DeepStack's protocol refuses."""

from io import BytesIO
from typing import Any

from tests.web.compat.table import BROKEN, HUGE, BadInput, json_with


def with_key(key: str) -> dict[str, Any]:
    return {"headers": {"Authorization": f"Bearer {key}"}}


def files(*datas: bytes, **fields: str) -> dict[str, Any]:
    sent = {f"image{at}": (BytesIO(data), f"{at}.jpg") for at, data in enumerate(datas, start=1)}
    return {"data": {**fields, **sent}, "content_type": "multipart/form-data"}


def rows() -> list[BadInput]:
    face, faces = "/v1/vision/face", "/v1/vision/face/register"
    no_key = json_with(success=False, error="Incorrect api key", code=401, duration=0)
    invalid = json_with(success=False, error="invalid image", code=400)
    missing = json_with(success=False, error="No valid image file found", code=400)
    nobody = json_with(success=False, error="userid not specified", code=400)
    one = json_with(success=False, error="expected two image files, only one found")
    three = json_with(success=False, error="only two images allowed")
    no_number = json_with(success=False, error="Invalid value for min_confidence")
    too_great = json_with(success=False, error="min_confidence cannot be greater than 1")
    form = {"content_type": "multipart/form-data", "data": {"api_key": ""}}
    at_bar = files(min_confidence="1.1")
    return [
        BadInput("no key", face, 401, no_key, key="none", send=form),
        BadInput("no key, and none is good", face, 401, no_key, key="none", send=files(b"x")),
        BadInput("wrong key", face, 401, no_key, key="none", send=files(b"x", api_key="secret")),
        BadInput("wrong key in a header", face, 401, no_key, key="wrong", send=files(b"x")),
        BadInput("no picture", face, 400, missing, send=form),
        BadInput("no picture, but JSON", face, 400, missing, send={"json": {"image": "eA=="}}),
        BadInput("no picture to register", faces, 400, missing, send={"data": {"userid": "Ada"}}),
        BadInput("broken picture", face, 400, invalid, send=files(BROKEN)),
        BadInput("broken picture to register", faces, 400, invalid, send=files(BROKEN, userid="A")),
        BadInput("broken picture of two", f"{face}/match", 400, invalid, send=files(BROKEN, HUGE)),
        BadInput("huge picture", face, 400, invalid, send=files(HUGE)),
        BadInput("huge picture to register", faces, 400, invalid, send=files(HUGE, userid="A")),
        BadInput("wrong types", face, 400, no_number, send=files(b"x", min_confidence="high")),
        BadInput("wrong types: NaN", face, 400, no_number, send=files(b"x", min_confidence="nan")),
        BadInput("too great", f"{face}/recognize", 400, too_great, send=at_bar),
        BadInput("nobody is named", faces, 400, nobody, send=files(b"x")),
        BadInput("nobody is to be deleted", f"{face}/delete", 400, nobody, send=form),
        BadInput("one picture alone", f"{face}/match", 400, one, send=files(b"x")),
        BadInput("three pictures", f"{face}/match", 400, three, send=files(b"x", b"y", b"z")),
        BadInput(
            "a name that nobody has",
            faces,
            400,
            json_with(success=False, code=400),
            send=files(b"x", userid="a\u202eb"),
        ),
        BadInput("an unknown call", f"{face}/erase", 404, json_with(success=False), send=files()),
        BadInput("what is not about faces", "/v1/vision/detection", 404, json_with(success=False)),
        BadInput("a wrong method", face, 405, json_with(success=False), method="GET"),
    ]
