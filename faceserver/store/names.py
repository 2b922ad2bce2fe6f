"""What collections and people may be called, and which names are the same."""

import re
from unicodedata import normalize

from faceserver.errors import InvalidRequest

_COLLECTION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def check_collection_name(name: str) -> None:
    """Refuse what would not read well in a URL.

    Raises:
        InvalidRequest: the name is empty, too long, or has other characters.
    """
    if not _COLLECTION.fullmatch(name):
        raise InvalidRequest(
            f"{name!r} names no collection: 1 to 64 letters, digits, '.', '_' and '-', "
            "the first a letter or a digit"
        )


def check_name(name: str) -> str:
    """A person's name without blanks around it.

    Raises:
        InvalidRequest: nothing remains.
    """
    if not name.strip():
        raise InvalidRequest("a subject needs a name")
    return name.strip()


def name_key(name: str) -> str:
    """What two names have in common that count as the same."""
    return normalize("NFKC", normalize("NFKC", name).casefold())
