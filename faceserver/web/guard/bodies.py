"""How large a request's body may be: by its route, and of JSON by what it is made of.

A value of JSON takes far more memory, and far more time to check, than the byte or two that it is
written with; a long text does not. So the number of values has a limit of its own, which is looked
at before any of them is made.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from flask import Flask, current_app, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import UnsupportedMediaType

from faceserver.api.frames import MAX_FRAMES
from faceserver.config import Settings
from faceserver.errors import RequestTooLarge
from faceserver.runtime.admission import ADMITTED, HEADERS_ALONE
from faceserver.web.context import backend
from faceserver.web.guard.scopes import Body, mark_of

_SMALL = 16_384
_FIELDS = 65_536
_FACES_MOVED = 524_288
_EMBEDDING = 163_840
"""Of 4,096 numbers, indented."""
_URL = 8_192
_JOB_ITEM = 2_500
_FRAMES = MAX_FRAMES

_PICTURE = (b'"base64"',)

_VALUES = 10_000
_FACES_MOVED_VALUES = 12_000
_EMBEDDINGS = 4_194_304
_EMBEDDINGS_VALUES = 210_000
"""Some 400 embeddings of 512 numbers."""
_JOB_ITEM_VALUES = 20


@dataclass(frozen=True)
class BodyLimit:
    """How much a route takes.

    Attributes:
        bytes: of any body.
        json: bytes of one of JSON.
        values: how many brackets, commas and colons it may have outside of texts.
        plain: bytes of one of JSON in which there is no picture.
    """

    bytes: int
    json: int
    values: int
    plain: int | None = None


def limit_of(body: Body, settings: Settings) -> BodyLimit:
    """The limits of a kind of body."""
    most = settings.max_request_bytes
    picture = (
        4 * settings.max_file_bytes // 3 + 2 * _EMBEDDING
    )  # as base64, and what stands beside it
    urls = max(_SMALL, settings.max_urls * _URL)
    job = settings.max_job_items
    limits = {
        "small": BodyLimit(_SMALL, _SMALL, _VALUES),
        "fields": BodyLimit(_FIELDS, _FIELDS, _VALUES),
        "ids": BodyLimit(_FACES_MOVED, _FACES_MOVED, _FACES_MOVED_VALUES),
        "urls": BodyLimit(urls, urls, _VALUES),
        "picture": BodyLimit(picture, picture, _VALUES, 2 * _EMBEDDING),
        "two pictures": BodyLimit(2 * picture, 2 * picture, _VALUES, _FIELDS),
        "frames": BodyLimit(_FRAMES * picture, _FRAMES * picture, _VALUES, _FRAMES * _URL),
        "pictures": BodyLimit(most, _SMALL, _VALUES),
        "pictures in JSON": BodyLimit(most, most, _VALUES),
        "embeddings": BodyLimit(_EMBEDDINGS, _EMBEDDINGS, _EMBEDDINGS_VALUES),
        "job": BodyLimit(most, _FIELDS + job * _JOB_ITEM, _VALUES + job * _JOB_ITEM_VALUES),
    }
    found = limits[body]
    return replace(found, bytes=min(found.bytes, most), json=min(found.json, most))


def register(app: Flask) -> None:
    """Refuse bodies that their route does not take, before they are read.

    Where the server asks about headers alone, it is told how large the body may be.

    Raises (in requests):
        RequestTooLarge: the body has more bytes than its route takes.
        UnsupportedMediaType: it is compressed.
    """

    @app.before_request
    def refuse() -> ResponseReturnValue | None:
        if request.endpoint is None:
            return None  # it goes on to 404 or 405
        if request.headers.get("Content-Encoding", "").strip().lower() not in {"", "identity"}:
            raise UnsupportedMediaType(
                "send the body uncompressed: Content-Encoding is not supported"
            )
        limit = _limit(request.endpoint)
        most = limit.json if request.is_json else limit.bytes
        if (request.content_length or 0) > most:
            raise RequestTooLarge(f"the body is too large: at most {most} bytes are accepted here")
        request.max_content_length = most
        if request.environ.get(HEADERS_ALONE):
            request.environ[ADMITTED] = most
            return "", 204
        return None


def is_question() -> bool:
    """Whether the server has asked about the headers alone, and the request may go on."""
    return ADMITTED in request.environ


def check_json(body: bytes, pictures: Sequence[bytes] = _PICTURE) -> None:
    """Refuse JSON that is more than the request's route takes; it need not be valid.

    Args:
        body: the JSON.
        pictures: the keys, with quotes, under which a picture can stand.

    Raises:
        RequestTooLarge: it has too many values, or as many bytes as only a picture needs.
    """
    limit = _limit(request.endpoint or "")
    if (
        limit.plain is not None
        and len(body) > limit.plain
        and not any(key in body for key in pictures)
    ):
        raise RequestTooLarge(
            f"the body is too large: without a picture at most {limit.plain} bytes "
            "are accepted here"
        )
    check_values(body)


def check_values(body: bytes) -> None:
    """Refuse JSON with more values than the request's route takes; it need not be valid.

    Raises:
        RequestTooLarge: it has too many.
    """
    most = _limit(request.endpoint or "").values
    if len(body) > most and _values(body, most) > most:
        raise RequestTooLarge("the JSON is too large: it holds too many values")


def _values(body: bytes, enough: int) -> int:
    """How many values JSON holds, at least; more than enough are not counted exactly."""
    bare = body.replace(rb"\\", b"").replace(rb"\"", b"")
    if bare.count(b'"') > 2 * enough + 2:  # each text but one has something before it
        return enough + 1
    outside = b"".join(bare.split(b'"')[::2])
    return sum(outside.count(mark) for mark in (b"{", b"[", b",", b":"))


def _limit(endpoint: str) -> BodyLimit:
    return limit_of(mark_of(current_app, endpoint).body or "small", backend().settings)
