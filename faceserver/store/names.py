"""What collections and people may be called, and which names are the same."""

import re
from unicodedata import normalize

from faceserver.errors import InvalidRequest
from faceserver.texts import check_text, clean_name, without_accents

_COLLECTION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def check_collection_name(name: str) -> None:
    """Refuse what would not read well in a URL.

    Raises:
        InvalidRequest: the name is empty, too long, or has other characters.
    """
    if not _COLLECTION.fullmatch(name):
        raise InvalidRequest(
            f"{name!r} is not a valid collection name: 1 to 64 letters, digits, '.', '_' and '-', "
            "the first a letter or a digit"
        )


def check_name(name: str) -> str:
    """A person's name without blanks around it; :mod:`faceserver.texts` has the rule.

    Raises:
        InvalidRequest: it breaks the rule.
    """
    try:
        return clean_name(name)
    except ValueError as error:
        raise InvalidRequest(f"a subject's name {error}") from error


def check_tag(tag: str) -> str:
    """A tag without blanks around it, by the same rule.

    Raises:
        InvalidRequest: it breaks the rule.
    """
    try:
        return clean_name(tag)
    except ValueError as error:
        raise InvalidRequest(f"a tag {error}") from error


def check_external_id(text: str) -> str:
    """What another system calls a face.

    Raises:
        InvalidRequest: it is empty, too long, or holds control characters.
    """
    try:
        return check_text(text)
    except ValueError as error:
        raise InvalidRequest(f"an external id {error}") from error


def name_key(name: str) -> str:
    """What two names have in common that count as the same."""
    return normalize("NFKC", normalize("NFKC", name).casefold())


def folded(name: str) -> str:
    """What names are sorted and looked for by: without regard to case and accents."""
    return without_accents(name_key(name))
