"""Which names, tags and other texts are taken."""

import re
from unicodedata import normalize

import pytest

from faceserver.texts import (
    MAX_NAME,
    NAME_PATTERN,
    TEXT_PATTERN,
    check_text,
    clean_name,
    mended_name,
    readable,
)

BAD = {
    "nothing": "",
    "blanks": " \u00a0\u3000",
    "tab": "Ann\tB",
    "line break": "Ann\nB",
    "line break at the end": "Ann\n",
    "carriage return": "Ann\rB",
    "NUL": "Ann\x00",
    "NUL alone": "\x00",
    "escape": "\x1b[31mAnn",
    "delete": "Ann\x7f",
    "C1 control": "Ann\x85",
    "line separator": "Ann\u2028B",
    "paragraph separator": "Ann\u2029",
    "half a character": "Ann\ud83d",
    "bidi override": "Ann\u202egnp.exe",
    "bidi isolate": "\u2066Ann\u2069",
    "mark of direction": "Ann\u200f",
    "zero width space alone": "\u200b",
    "zero width space": "An\u200bn",
    "byte order mark": "\ufeffAnn",
    "word joiner": "Ann\u2060",
    "soft hyphen": "An\u00adn",
    "joiner alone": "\u200d",
    "joiners and blanks": " \u200c \u200d ",
    "selector alone": "\ufe0f",
    "tag characters alone": "\U000e0067\U000e0062",
    "Hangul filler": "\u3164",
    "braille blank": "\u2800",
    "no character": "Ann\uffff",
    "mark of language alone": "\U000e0001",
    "mark of music": "Ann\U0001d173",
    "mark of shorthand": "Ann\U0001bca0",
    "too long": "x" * 201,
    "much too long": "x" * 5000,
    "too long once composed": "\u0958" * MAX_NAME,
}
GOOD = {
    "Ann": "Ann",
    "  Ann  ": "Ann",
    "\u3000Ann\u00a0": "Ann",
    "Jose\u0301": "Jos\u00e9",
    "Ann  B.": "Ann  B.",
    "O'Neil <b>&amp;\"/\\": "O'Neil <b>&amp;\"/\\",
    "王小明": "王小明",
    "नर\u200dमदा": "नर\u200dमदा",
    "\u0645\u06cc\u200c\u062e\u0648\u0631\u062f": "\u0645\u06cc\u200c\u062e\u0648\u0631\u062f",
    "👨\u200d👩\u200d👧": "👨\u200d👩\u200d👧",
    "❤\ufe0f": "❤\ufe0f",
    "🏴\U000e0067\U000e0062\U000e007f": "🏴\U000e0067\U000e0062\U000e007f",
    "מרים": "מרים",
    "x" * MAX_NAME: "x" * MAX_NAME,
    ".": ".",
    "-rf *": "-rf *",
}


@pytest.mark.parametrize("name", BAD.values(), ids=BAD)
def test_what_cannot_be_read_or_shown_is_no_name(name: str) -> None:
    with pytest.raises(ValueError, match="character"):
        clean_name(name)
    matches = re.search(NAME_PATTERN, name.rstrip("\ud83d")) and "\ud83d" not in name
    assert not matches or len(normalize("NFC", name)) > MAX_NAME or name.endswith("\n")
    mended = mended_name(name)
    assert mended == "" or clean_name(mended) == mended


@pytest.mark.parametrize(("name", "kept"), GOOD.items())
def test_names_of_all_scripts_are_kept(name: str, kept: str) -> None:
    assert clean_name(name) == kept
    assert clean_name(kept) == kept
    assert mended_name(kept) == " ".join(kept.split())
    assert re.search(NAME_PATTERN, name)


@pytest.mark.parametrize(
    ("name", "mended"),
    [
        ("Ann\tB\n", "Ann B"),
        ("\x00", ""),
        ("\u200b", ""),
        ("An\u200bn", "An n"),
        ("x" * 5000, "x" * 200),
        ("\u202eAnn", "Ann"),
    ],
)
def test_a_name_is_mended_to_the_nearest(name: str, mended: str) -> None:
    assert mended_name(name) == mended


def test_what_others_call_something_stays_as_it_came() -> None:
    for text in (" a ", "e\u0301", "\u200b", "x" * 500):
        assert check_text(text) == text
        assert re.search(TEXT_PATTERN, text)
    for text in ("", "a\tb", "a\x00", "a\u2028", "\ud800", "x" * 501):
        with pytest.raises(ValueError, match="character"):
            check_text(text)


def test_the_name_of_a_picture_is_made_readable() -> None:
    assert readable("a\tb\x00\ud800.jpg") == "a\ufffdb\ufffd\ufffd.jpg"
    assert len(readable("x" * 5000)) == 2048
