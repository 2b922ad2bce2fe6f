"""Bytes to text, for what clients call their files: UTF-8, and what older systems write instead."""

import re
from codecs import getincrementaldecoder
from contextlib import suppress

_KNOWN = re.compile(
    r"(?i)utf-?(8|16|32)([-_]?[lb]e)?|(us-?)?ascii|latin-?[1-9]|iso[-_]?8859[-_]?\d{1,2}"
    r"|(windows|cp)-?\d{3,4}|gb(2312|k|18030)|big5(-?hkscs)?|shift[-_]?jis|sjis|euc[-_]?(jp|kr|cn)"
    r"|koi8[-_][ru]"
)
"""Charsets of texts. Python knows others that are none, or take long to read."""

_JUDGED_BYTES = 1000
"""So many are looked at, from the first character beyond ASCII on."""

_BEYOND_ASCII = re.compile(rb"[\x80-\xff]+")
_EASTERN = ("gb2312", "cp932", "gbk", "big5", "gb18030")
"""The narrow ones first: the wide ones read nearly everything."""

_LATIN_LETTERS = frozenset(range(0xC0, 0x100)) - {0xD7, 0xF7} | {
    *(0x8A, 0x8C, 0x8E, 0x9A, 0x9C, 0x9E, 0x9F),  # those that Windows has put in
    *(0x91, 0x92, 0x96, 0x97),  # its apostrophes and dashes
}


def decode(data: bytes, declared: str | None = None) -> str:
    """Text that is UTF-8, as a rule.

    What is no UTF-8 is read in the declared charset; where that fails too, in the likeliest one.
    Which one it is can only be guessed from so few bytes, but never fails: a name that is read
    wrongly is better than a picture that is lost.

    Args:
        data: the bytes.
        declared: the charset that the sender named, if any.
    """
    for charset in ("utf-8", declared):
        if charset is not None and is_known(charset):
            with suppress(LookupError, UnicodeDecodeError):
                return data.decode(charset)
    with suppress(UnicodeDecodeError):
        return data.decode(likely_charset(data))
    return data.decode("latin-1")


def is_known(charset: str) -> bool:
    """Whether a charset is one of texts, by its name."""
    return _KNOWN.fullmatch(charset) is not None


def likely_charset(data: bytes) -> str:
    """The charset of a text that is no UTF-8: of western Europe, Japan, China or Taiwan.

    Accented letters stand alone among those of ASCII; Chinese has two bytes for each character,
    both above ASCII's for the common ones; what is neither, and can be Japanese, is.
    """
    first = _BEYOND_ASCII.search(data)
    start = max(first.start() - 1, 0) if first else 0
    data = data[start : start + _JUDGED_BYTES]
    if all(_is_accented(data, *run.span()) for run in _BEYOND_ASCII.finditer(data)):
        return "cp1252"
    return next((name for name in _EASTERN if _fits(data, name)), "latin-1")


def _fits(data: bytes, charset: str) -> bool:
    try:
        # The last character may be cut off, and is no reason against it then.
        getincrementaldecoder(charset)().decode(data, final=len(data) < _JUDGED_BYTES)
    except UnicodeDecodeError:
        return False
    return True


def _is_accented(data: bytes, start: int, end: int) -> bool:
    """Whether bytes beyond ASCII are letters of a word that is written in Latin letters."""
    if end - start > 2 or not _LATIN_LETTERS.issuperset(data[start:end]):
        return False
    beside = data[max(start - 1, 0) : start] + data[end : end + 1]
    return end - start == 1 or any(bytes([byte]).isalpha() for byte in beside)
