"""The headers of a form's parts: their parameters, and what files are called."""

import re
from collections.abc import Mapping
from email.errors import HeaderParseError
from email.header import decode_header
from itertools import islice
from urllib.parse import unquote_to_bytes

from faceserver.web import charsets

MAX_FILE_NAME = 2048

_MAX_PARAMETERS = 10
_NOT_PRINTED = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_PARAMETER = re.compile(
    r";\s*([\w-]+\*?)\s*=\s*"
    r'(?:"((?:\\.|[^\\])*?)"(?=\s*(?:;|$))|([^;]*))'  # quotes within quotes are a name's own
)
_ESCAPED = re.compile(r'\\(["\\])')
_EXTENDED = re.compile(r"([\w.:-]+)'[^']*'(.*)")


def printed(text: str) -> str:
    """A text with a sign in the place of each control character."""
    return _NOT_PRINTED.sub("\ufffd", text)


def parameters(header: str) -> dict[str, str]:
    """What a header says behind its semicolons, by lower-case names."""
    return {
        # A backslash that escapes nothing is one of a path.
        name.lower(): bare.strip(' "')
        if quoted is None
        else _ESCAPED.sub(r"\1", quoted).replace("%22", '"')
        for name, quoted, bare in (
            found.groups() for found in islice(_PARAMETER.finditer(header), _MAX_PARAMETERS)
        )
    }


def file_name(disposition: Mapping[str, str]) -> str | None:
    """What the sender calls a file; None of a part that is none, empty where it has no name.

    It is told back as it came, folders included: it is a label, and never a place on the disk.
    """
    name = disposition.get("filename")
    extended = _EXTENDED.fullmatch(disposition.get("filename*", ""))
    if extended:
        name = charsets.decode(unquote_to_bytes(extended[2]), extended[1])
    elif name is not None and "=?" in name:
        name = _from_encoded_words(name[:MAX_FILE_NAME])  # hostile ones take long to take apart
    return None if name is None else printed(name)[:MAX_FILE_NAME]


def _from_encoded_words(name: str) -> str:
    try:
        words = [
            text if isinstance(text, str) else charsets.decode(text, charset)
            for text, charset in decode_header(name)
        ]
    except (HeaderParseError, ValueError):
        return name
    return "".join(words) or name
