"""What CompreFace's clients send, read as leniently as it reads it: parameters and pictures."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from flask import Request
from pydantic import TypeAdapter, ValidationError
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import RequestEntityTooLarge

from faceserver.api.pictures import Base64
from faceserver.errors import RequestTooLarge
from faceserver.services.context import Choice
from faceserver.web.compat.compreface import bodies
from faceserver.web.compat.compreface.errors import (
    BAD_FILE,
    BAD_VALUE,
    NO_PARAMETER,
    NO_PART,
    Refusal,
    malformed,
)
from faceserver.web.forms import file_bytes

_KNOWN = (
    "limit|prediction_count|det_prob_threshold|face_plugins|status|detect_faces|subject|page|size"
)
_SECOND_MARK = re.compile(rf"\?(?=(?:{_KNOWN})=)")
"""Some clients begin each parameter with a question mark."""

_WHOLE = re.compile(r"[+-]?[0-9]{1,10}")
_DECIMAL = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
_LARGEST = 2**31 - 1
_MOST_PARAMETERS = 100
_TRUE, _FALSE = {"true", "on", "yes", "1"}, {"false", "off", "no", "0"}
_LARGEST_PAGE = 2_000
_NEVER = 2.0
"""No detector is as sure as that: whoever asks for it gets no face, as there."""

_ENDINGS = frozenset(
    {
        *("tif", "tiff", "jpg", "jpeg", "png", "bmp", "ico", "gif", "webp"),  # CompreFace's own
        *("jpe", "jfif", "heic", "heif", "avif", "jxl"),
    }
)
_BASE64: TypeAdapter[bytes] = TypeAdapter(Base64)


@dataclass(frozen=True)
class Options:
    """How a picture is looked at.

    Attributes:
        choice: which of its faces are meant.
        predictions: so many for each face.
        plugins: what is asked for, as it came; a text.
        status: versions and times are asked for.
    """

    choice: Choice
    predictions: int
    plugins: str
    status: bool

    @property
    def slugs(self) -> list[str]:
        """The names of the plugins that are asked for."""
        return self.plugins.split(",")


@dataclass(frozen=True, eq=False)
class Upload:
    """A picture as it came, and what it is called."""

    name: str
    data: bytes


def parameters(request: Request) -> dict[str, str]:
    """The parameters of the query, and of the form where that is one; the first of a name counts.

    Raises:
        Refusal: there are too many.
        RequestTooLarge: the form is over its limit.
    """
    text = request.query_string.decode(errors="replace")
    try:
        pairs = parse_qsl(
            _SECOND_MARK.sub("&", text), keep_blank_values=True, max_num_fields=_MOST_PARAMETERS
        )
    except ValueError as error:
        raise malformed() from error
    return {**_form(request), **dict(reversed(pairs))}


def options(request: Request) -> Options:
    """How the picture of a request is to be looked at.

    Raises:
        Refusal: a parameter is none of those that it can be.
    """
    given = parameters(request)
    limit = whole_number(given, "limit", 0)
    predictions = whole_number(given, "prediction_count", 1)
    faults = {
        "prediction_count should be equal or greater than 1; ": predictions < 1,
        "Limit should be equal or greater than 0; ": limit < 0,
    }
    if any(faults.values()):
        raise Refusal(BAD_VALUE, "".join(text for text, at_fault in faults.items() if at_fault))
    choice = Choice(
        most=limit or None,
        min_score=min_score(given),
        whole=not _boolean(given, "detect_faces", default=True),
    )
    status = _boolean(given, "status", default=False)
    return Options(choice, predictions, given.get("face_plugins", ""), status)


def min_score(given: Mapping[str, str]) -> float:
    """How sure the detector must be; where that is beyond all bounds, no face is sure enough.

    Raises:
        Refusal: it is no number.
    """
    text = given.get("det_prob_threshold", "").strip()
    if not text:
        return 0.0
    if text.lower().lstrip("+-") in {"nan", "infinity"}:
        return _NEVER
    if not _DECIMAL.fullmatch(text):
        raise malformed()
    value = float(text)
    return value if 0 <= value <= 1 else _NEVER


def whole_number(given: Mapping[str, str], name: str, default: int) -> int:
    """A parameter that is a whole number; empty counts as absent.

    Raises:
        Refusal: it is none.
    """
    text = given.get(name, "").strip()
    if not text:
        return default
    if not _WHOLE.fullmatch(text) or abs(int(text)) > _LARGEST:
        raise malformed()
    return int(text)


def page(given: Mapping[str, str]) -> tuple[int, int]:
    """Number and size of a page; what is out of bounds is brought back.

    Raises:
        Refusal: one is no number.
    """
    size = whole_number(given, "size", 20)
    return max(whole_number(given, "page", 0), 0), min(size if size > 0 else 20, _LARGEST_PAGE)


def subject(given: Mapping[str, str]) -> str:
    """The name of whom a picture shows.

    Raises:
        Refusal: there is none.
    """
    if "subject" not in given:
        raise Refusal(NO_PARAMETER, "Required parameter subject is missing")
    return not_blank(given["subject"])


def not_blank(name: str) -> str:
    """A name with something in it.

    Raises:
        Refusal: it is blank.
    """
    if not name.strip():
        raise Refusal(BAD_VALUE, "Subject name is empty; ")
    return name


def picture(request: Request, part: str = "file") -> Upload:
    """A picture of the request: a file of a form, or base64 in JSON.

    Raises:
        Refusal: it is not there, not called like a picture, or no base64.
        FileTooLarge: it has too many bytes.
        RequestTooLarge: the request is over its limit.
    """
    if request.is_json:
        return Upload(part, _from_json(request, part))
    _form(request)
    file = request.files.get(part)
    if file is None:
        raise Refusal(NO_PART, f"Required part {part} is missing")
    return Upload(_called(file), file_bytes(file))


def _from_json(request: Request, part: str) -> bytes:
    text = bodies.json_object(request).get(part)
    if text is None:
        raise Refusal(NO_PART, f"Required part {part} is missing")
    if not isinstance(text, str):
        raise malformed()
    try:
        return _BASE64.validate_python(text)
    except ValidationError as error:
        raise Refusal(BAD_FILE, "Provided value is not Base64") from error


def _called(file: FileStorage) -> str:
    name = file.filename or ""
    if name.rpartition(".")[2].lower() not in _ENDINGS or "." not in name:
        raise Refusal(BAD_FILE, f"File [{name}] has an unavailable extension")
    return name


def _form(request: Request) -> dict[str, str]:
    try:
        return request.form.to_dict()
    except RequestEntityTooLarge as error:
        raise RequestTooLarge("the form is too large, or has too many parts") from error


def _boolean(given: Mapping[str, str], name: str, *, default: bool) -> bool:
    text = given.get(name, "").strip().lower()
    if not text:
        return default
    if text not in _TRUE | _FALSE:
        raise malformed()
    return text in _TRUE
