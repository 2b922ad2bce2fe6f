"""What Rekognition's protocol refuses; a key of ours stands in for a signature, see test_sigv4."""

from base64 import b64encode
from collections.abc import Callable
from typing import Any

from werkzeug.test import TestResponse

from tests.web.compat.table import BROKEN, HUGE, BadInput


def with_key(key: str) -> dict[str, Any]:
    return {"headers": {"X-Api-Key": key}}


def refused(name: str) -> Callable[[TestResponse], None]:
    def judge(answer: TestResponse) -> None:
        body = answer.get_json(force=True)
        assert (body["__type"], body["Code"]) == (name, name), body
        assert body["Message"]
        assert answer.mimetype == "application/x-amz-json-1.1"
        assert answer.headers["x-amzn-RequestId"]
        assert answer.headers["x-amzn-ErrorType"] == name

    return judge


def asked(operation: str, **members: object) -> dict[str, Any]:
    """A request, with the headers that the table's own keys leave alone."""
    return {
        "json": members,
        "environ_overrides": {"HTTP_X_AMZ_TARGET": f"RekognitionService.{operation}"},
    }


def picture(data: bytes) -> dict[str, str]:
    return {"Bytes": b64encode(data).decode()}


def index(**members: object) -> dict[str, Any]:
    return asked("IndexFaces", **{"CollectionId": "default", **members})


INVALID = refused("InvalidParameterException")


def rows() -> list[BadInput]:
    def row(name: str, judge: Callable[[TestResponse], None], send: Any, **more: Any) -> BadInput:
        return BadInput(name, "/", 400, judge, send=send, **more)

    return [
        row("no key", refused("MissingAuthenticationTokenException"), index(), key="none"),
        row("wrong key", refused("UnrecognizedClientException"), index(), key="wrong"),
        row("no picture", INVALID, index()),
        row("no picture: empty", INVALID, index(Image={"Bytes": ""})),
        row(
            "no picture: in S3", refused("InvalidS3ObjectException"), index(Image={"S3Object": {}})
        ),
        row(
            "broken picture",
            refused("InvalidImageFormatException"),
            index(Image=picture(BROKEN)),
        ),
        row("broken picture: no base64", INVALID, index(Image={"Bytes": "?"})),
        row("huge picture", refused("ImageTooLargeException"), index(Image=picture(HUGE))),
        row("wrong types", INVALID, index(Image=["a"])),
        row("wrong types: a number as text", INVALID, asked("ListCollections", MaxResults="5")),
        row("wrong types: a list", INVALID, asked("ListCollections") | {"json": [1]}),
        row(
            "wrong types: no JSON", INVALID, asked("ListCollections") | {"json": None, "data": "{"}
        ),
        row("an id with blanks", INVALID, asked("CreateCollection", CollectionId="a b")),
        row(
            "no such collection",
            refused("ResourceNotFoundException"),
            asked("DescribeCollection", CollectionId="none"),
        ),
        row("no such operation", refused("UnknownOperationException"), asked("DetectLabels")),
        row("no operation", refused("UnknownOperationException"), {"json": {}}),
        BadInput("no such address", "/x", 400, refused("UnknownOperationException")),
        BadInput("another method", "/", 400, refused("UnknownOperationException"), method="PUT"),
    ]
