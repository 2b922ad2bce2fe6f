"""What names, tags and other texts from outside may hold: one rule, whatever door they come by.

A text is refused that holds control characters (tab, line break and NUL are such), separators of
lines and paragraphs, halves of characters (surrogates), characters that turn the direction of
writing, or characters that nobody sees. Of the latter, scripts and emoji need joiners (U+200C,
U+200D) and selectors of variants, which are let through. Something must be seen: blanks, joiners
and selectors alone are no name. Blanks around a name or tag are taken off, and it is kept in
Unicode's composed form (NFC), so that what looks the same is the same.
"""

import re
from unicodedata import normalize

MAX_NAME = 200
MAX_TEXT = 500
MAX_SOURCE = 2048

_CONTROLS = "\x00-\x1f\x7f-\x9f\u2028\u2029"
_TURNING = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_UNSEEN = (
    "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180e\u200b\u2060-\u2065\u206a-\u206f\u2800\u3164"
    "\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e001f"
)
_BLANKS = " \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"
_BETWEEN = "\u180b-\u180d\u180f\u200c\u200d\ufe00-\ufe0f\U000e0020-\U000e007f\U000e0100-\U000e01ef"

_REFUSED = _CONTROLS + _TURNING + _UNSEEN
NAME_PATTERN = rf"^[^{_REFUSED}]*[^{_REFUSED}{_BLANKS}{_BETWEEN}][^{_REFUSED}]*$"
"""Of names and tags, as JSON Schema has it: nothing that is refused, and something to be seen."""

TEXT_PATTERN = rf"^[^{_CONTROLS}]+$"
"""Of what others call something, such as an external id: it is kept as it came."""

_ANY_REFUSED = re.compile(f"[{_REFUSED}\ud800-\udfff]")
_ANY_CONTROL = re.compile(f"[{_CONTROLS}\ud800-\udfff]")
_ACCENTS = re.compile("[\u0300-\u036f]")
_SOME_SEEN = re.compile(f"[^{_REFUSED}{_BLANKS}{_BETWEEN}]")


def clean_name(name: str) -> str:
    """A name or a tag without blanks around it, composed.

    Raises:
        ValueError: it breaks the rule; the message ends the sentence "a name ...".
    """
    if len(name) > MAX_NAME:
        raise ValueError(f"must not have more than {MAX_NAME} characters")
    refused = _ANY_REFUSED.search(name)
    if refused:
        raise ValueError(f"must not contain the character U+{ord(refused[0]):04X}")
    if not _SOME_SEEN.search(name):
        raise ValueError("must contain a visible character")
    kept = normalize("NFC", name.strip())
    if len(kept) > MAX_NAME:  # some characters have no composed form and become two
        raise ValueError(f"must not have more than {MAX_NAME} characters")
    return kept


def without_accents(text: str) -> str:
    """The text without the marks that stand above, below or through letters: é is e, ü is u."""
    return _ACCENTS.sub("", normalize("NFKD", text))


def mended_name(name: str) -> str:
    """What is nearest to a name and keeps the rule; empty if nothing of it is left."""
    words = _ANY_REFUSED.sub(" ", name).split()
    cut = normalize("NFC", " ".join(words))[:MAX_NAME].strip()
    return cut if _SOME_SEEN.search(cut) else ""


def check_text(text: str) -> str:
    """What others call something, as it came.

    Raises:
        ValueError: it is empty, too long, or holds control characters or halves of characters; the
            message ends the sentence "a text ...".
    """
    refused = _ANY_CONTROL.search(text)
    if refused:
        raise ValueError(f"must not contain the character U+{ord(refused[0]):04X}")
    if not 1 <= len(text) <= MAX_TEXT:
        raise ValueError(f"has 1 to {MAX_TEXT} characters")
    return text


def readable(text: str) -> str:
    """What a sender calls a picture, to be shown: U+FFFD for each character that cannot be."""
    return _ANY_CONTROL.sub("\ufffd", text)[:MAX_SOURCE]
