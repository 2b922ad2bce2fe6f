"""In which order people are listed, and the cursors of each order."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime
from typing import Literal

from faceserver.errors import InvalidCursor

Order = Literal["stored", "name", "newest", "faces"]
"""``name`` without regard to case and accents; ``newest`` and ``faces``: the most come first."""

DESCENDING: frozenset[Order] = frozenset({"newest", "faces"})

SORTED_BY = 80
"""So many characters of a name count when names are sorted."""

_MOST = 2**63

Key = str | int
"""What people are sorted by: part of a name, a time as a text, a number."""


def sorted_cursor(order: Order, key: Key, row: int) -> str:
    """The cursor of the page that begins after a person.

    Args:
        order: of the list.
        key: what the person is sorted by.
        row: which of those who have the same key.
    """
    text = json.dumps([order, key, row], separators=(",", ":"))
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def place_of(cursor: str, order: Order) -> tuple[Key, int]:
    """The key and the row after which the page begins.

    Raises:
        InvalidCursor: it is no cursor of this order.
    """
    try:
        found, key, row = json.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if found == order and _is_key(key, order) and type(row) is int and 0 < row < _MOST:
            return key, row
    except (ValueError, TypeError, RecursionError) as error:
        raise InvalidCursor("the cursor is not one that came with a page") from error
    raise InvalidCursor("the cursor is not one that came with a page of this order")


def _is_key(key: object, order: Order) -> bool:
    """Whether people can be sorted by it; raises ValueError where a text cannot be stored."""
    if order == "faces":
        return type(key) is int and 0 <= key < _MOST
    if not isinstance(key, str):
        return False
    if order == "newest":
        datetime.fromisoformat(key)
    return "\0" not in key.encode().decode()
