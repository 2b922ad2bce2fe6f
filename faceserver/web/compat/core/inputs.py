"""What CompreFace's back end sends its core: a picture, and what is to be told of its faces."""

import math
from collections.abc import Mapping

from flask import Request
from pydantic import TypeAdapter, ValidationError

from faceserver.api.pictures import Base64
from faceserver.services.context import Choice
from faceserver.web.compat.compreface.bodies import json_object
from faceserver.web.compat.compreface.inputs import parameters
from faceserver.web.compat.core.errors import Refusal
from faceserver.web.forms import file_bytes

_BASE64: TypeAdapter[bytes] = TypeAdapter(Base64)


def form_picture(request: Request) -> tuple[bytes, Mapping[str, str]]:
    """The picture of a form, and the parameters of the query and the form.

    Raises:
        Refusal: there is none, or it has no name.
        FileTooLarge: it has too many bytes.
        RequestTooLarge: the form is over its limit.
    """
    given = parameters(request)
    file = request.files.get("file")
    if file is None:
        raise Refusal("No file is attached")
    if not file.filename:
        raise Refusal("No file is selected")
    return file_bytes(file), given


def json_picture(request: Request) -> tuple[bytes, Mapping[str, str]]:
    """The picture of a JSON object, in base64, and the parameters of the query.

    Raises:
        Refusal: there is none, or it is no base64.
        RequestTooLarge: the body is over its limit.
    """
    given = parameters(request)
    text = json_object(request).get("file")
    if not isinstance(text, str) or not text:
        raise Refusal("No file is attached")
    try:
        return _BASE64.validate_python(text), given
    except ValidationError as error:
        raise Refusal("Image has incorrect format or is broken") from error


def choice(given: Mapping[str, str]) -> Choice:
    """Which faces are meant; a limit that is none is told later, see :func:`check_limit`.

    Raises:
        Refusal: the threshold is none.
    """
    limit = given.get("limit", "").strip()
    most = int(limit) if limit.isascii() and limit.isdecimal() and len(limit) < 10 else 0
    return Choice(
        most=most or None,
        min_score=_threshold(given),
        whole=given.get("detect_faces") == "false",
    )


def check_limit(given: Mapping[str, str]) -> None:
    """Refuse a limit that is none; the core looks at it when the faces are found.

    Raises:
        Refusal: it is none.
    """
    limit = given.get("limit", "").strip()
    if not limit:
        return
    digits = limit.lstrip("+-")
    if not (digits.isascii() and digits.isdecimal()) or len(limit) > len(digits) + 1:
        raise Refusal("Limit format is invalid (limit >= 0)")
    if limit.startswith("-") and digits.strip("0"):
        raise Refusal("Limit value is invalid (limit >= 0)")


def _threshold(given: Mapping[str, str]) -> float:
    text = given.get("det_prob_threshold", "").strip()
    if not text:
        return 0.0
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= 1:  # written so that NaN is refused as well
        raise Refusal("Detection threshold incorrect (0 <= det_prob_threshold <= 1)")
    return value
