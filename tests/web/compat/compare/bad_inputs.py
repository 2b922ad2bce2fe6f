"""What the protocol of ``POST /service`` refuses, or answers with -1."""

import json
from base64 import b64encode
from collections.abc import Callable
from typing import Any

from werkzeug.test import TestResponse

from tests.web.compat.table import BROKEN, HUGE, BadInput


def with_key(key: str) -> dict[str, Any]:
    return {"headers": {"X-Api-Key": key}}


def refused(code: str) -> Callable[[TestResponse], None]:
    def judge(answer: TestResponse) -> None:
        assert answer.text.startswith(f"{code}: ")
        assert answer.mimetype == "text/plain"

    return judge


def nothing(answer: TestResponse) -> None:
    assert answer.text == "-1"


def pair(*datas: bytes) -> dict[str, Any]:
    return {"data": json.dumps({"imgs": [b64encode(data).decode() for data in datas]})}


def rows() -> list[BadInput]:
    at, inner = "/service", "/service/compare"
    no_key = refused("not_authenticated")
    texts = {"data": '{"imgs": ["*", 7]}'}
    missing = refused("no_file")
    two_lists = {"data": '{"a": [], "b": []}'}
    return [
        BadInput("no key", at, 401, no_key, key="none", send=pair(BROKEN)),
        BadInput("wrong key", at, 401, no_key, key="wrong", send=pair(BROKEN)),
        BadInput("no picture", at, 400, missing),
        BadInput("no picture in the list", at, 200, nothing, send=pair()),
        BadInput("no picture to find faces in", f"{at}/detect", 400, missing, send=pair()),
        BadInput("one picture alone", at, 200, nothing, send=pair(BROKEN)),
        BadInput("three pictures", inner, 200, nothing, send=pair(BROKEN, BROKEN, BROKEN)),
        BadInput("two lists", at, 200, nothing, send=two_lists),
        BadInput("broken picture", at, 415, refused("not_an_image"), send={"data": BROKEN}),
        BadInput("broken picture of two", at, 200, nothing, send=pair(BROKEN, BROKEN)),
        BadInput("broken picture of crops", inner, 200, nothing, send=pair(BROKEN, BROKEN)),
        BadInput("huge picture", at, 413, refused("file_too_large"), send={"data": HUGE}),
        BadInput("huge picture of two", inner, 200, nothing, send=pair(HUGE, HUGE)),
        BadInput("wrong types", at, 200, nothing, send=texts),
        BadInput("wrong types inside", f"{at}/detect", 400, refused("invalid_request"), send=texts),
        BadInput("no JSON", at, 400, refused("invalid_request"), send={"data": '{"imgs": ['}),
        BadInput("a wrong method", at, 405, refused("method_not_allowed"), method="GET"),
        BadInput("an unknown call", f"{at}/erase", 404, refused("not_found")),
    ]
