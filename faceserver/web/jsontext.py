"""JSON bodies as UTF-8, whatever they came in."""

import json
import math
from contextlib import AbstractContextManager, nullcontext
from threading import Lock

from flask import request

from faceserver.errors import InvalidRequest
from faceserver.web import charsets

_MARK = b"\xef\xbb\xbf"
_LARGE = 65_536
_LARGE_ONES = Lock()


def one_large_at_a_time(data: bytes) -> AbstractContextManager[object]:
    """Held while a body is parsed, if it is large.

    Each step keeps the interpreter to itself until it is done: several large bodies at a time
    would let everybody else wait for all of them.
    """
    return _LARGE_ONES if len(data) > _LARGE else nullcontext()


def strict_json(text: str | bytes) -> object:
    """What a text holds as JSON: every number is finite, and every text can be stored.

    Raises:
        ValueError: it is none. Python itself would take ``NaN`` and make infinity of ``1e999``.
        RecursionError: it is too deep.
    """
    found: object = json.loads(text, parse_constant=_refuse, parse_float=_finite, parse_int=_whole)
    json.dumps(found, ensure_ascii=False).encode()  # half a character is no text
    return found


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"{text[:20]} is too large a number")
    return number


def _whole(text: str) -> int:
    _finite(text)  # what is to become a float later must be able to
    return int(text)


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def utf8_json(data: bytes) -> bytes:
    """The request's body in UTF-8, from the charset that its ``Content-Type`` names.

    JSON on the wire is UTF-8 (RFC 8259), so nothing is guessed; what is UTF-16 or UTF-32 is seen
    from its first bytes, which are a mark or an ASCII character. A byte order mark is left out.

    Args:
        data: the body, which the caller has bounded.

    Raises:
        InvalidRequest: it is in no charset that is known, or in another one than it says.
    """
    charset = request.mimetype_params.get("charset", "").strip("'\" ") or json.detect_encoding(data)
    if charset.lower() in {"utf-8", "utf-8-sig", "utf8"}:
        return data.removeprefix(_MARK)
    if not charsets.is_known(charset):
        raise InvalidRequest(f"the charset {charset!r} is not known: send UTF-8")
    try:
        return data.decode(charset).removeprefix("\ufeff").encode()
    except (LookupError, ValueError) as error:
        raise InvalidRequest(f"the body is not in {charset} as declared: send UTF-8") from error
