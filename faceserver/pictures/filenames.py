"""File names whose encoding nobody wrote down: zips of old programs, disks of old systems."""

import re
from collections.abc import Iterable, Sequence

_SHIFT_JIS = re.compile(
    rb"(?P<often>\x82[\x9f-\xf1]|\x83[\x40-\x7e\x80-\x96]|[\x88-\x97][\x40-\x7e\x80-\xfc])"
    rb"|\x81[\x40-\x7e\x80-\xac]|\x82[\x4f-\x9a]|[\x98-\x9f\xe0-\xea][\x40-\x7e\x80-\xfc]"
)
"""Kana and kanji; often: kana, and the kanji that everybody learns (JIS X 0208, level 1)."""
_GBK = re.compile(
    rb"(?P<often>[\xb0-\xd7][\xa1-\xfe])|[\xa1\xa3][\xa1-\xfe]|[\xd8-\xf7][\xa1-\xfe]"
)
"""Chinese characters; often: the frequent ones (GB 2312, level 1)."""
_LETTER = re.compile(rb"[A-Za-z]")
_HIGH = re.compile(rb"[\x80-\xff]")


def encoding_of(names: Iterable[bytes], *, narrow: Sequence[str] = ("cp437", "cp1252")) -> str:
    """Guess the one encoding of some file names; it decodes all of them, with ``replace`` at worst.

    UTF-8 where all are UTF-8, for hardly anything else is by chance. Shift-JIS and GBK where all
    that is not ASCII makes frequent characters of these, in words of two or beside no Latin letter.
    Otherwise the single-byte encoding that makes the most letters of it.

    Args:
        names: as they were found.
        narrow: encodings with a byte a character; the first wins where two make as many letters.
    """
    foreign = [name for name in names if _HIGH.search(name)]
    if all(_decodes(name, "utf-8") for name in foreign):
        return "utf-8"
    for encoding, characters in (("cp932", _SHIFT_JIS), ("gbk", _GBK)):
        if _is_wide(foreign, characters) and all(_decodes(name, encoding) for name in foreign):
            return encoding
    return max(narrow, key=lambda encoding: sum(_letters(name, encoding) for name in foreign))


def decoded(name: bytes, *, narrow: Sequence[str] = ("cp1252", "cp437")) -> str:
    """A file name as text that can be stored, whatever its bytes are."""
    return name.decode(encoding_of([name], narrow=narrow), errors="replace")


def _decodes(name: bytes, encoding: str) -> bool:
    try:
        name.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _letters(name: bytes, encoding: str) -> int:
    return sum(
        letter.isalpha() and ord(letter) < 0x250
        for letter in name.decode(encoding, errors="replace")
        if ord(letter) > 0x7F
    )


def _is_wide(names: Iterable[bytes], characters: re.Pattern[bytes]) -> bool:
    """Whether every byte beyond ASCII belongs to a character of two, half of them frequent."""
    often = others = 0
    for name in names:
        at = 0
        while (found := _HIGH.search(name, at)) is not None:
            start = at = found.start()
            while (character := characters.match(name, at)) is not None:
                often, others = often + bool(character["often"]), others + (not character["often"])
                at = character.end()
            beside = name[max(start - 1, 0) : start] + name[at : at + 1]
            # One character between Latin letters is one of theirs, with an accent.
            if at == start or (at == start + 2 and _LETTER.search(beside)):
                return False
    return often >= others
