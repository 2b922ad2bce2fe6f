"""Pages of lists that are at hand as a whole, with cursors that say nothing to their holder."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from typing import TypeVar

from faceserver.errors import InvalidCursor
from faceserver.store.results import Page

_MARK = "past:"

Item = TypeVar("Item")


def page_of(
    items: Sequence[Item], key: Callable[[Item], str], *, limit: int, cursor: str | None
) -> Page[Item]:
    """A page of a list that is sorted by its items' keys, in ascending order.

    What is added or deleted meanwhile makes no other item come twice or go missing.

    Raises:
        InvalidCursor: the cursor is none.
    """
    past = "" if cursor is None else _key_of(cursor)
    left = [item for item in items if cursor is None or key(item) > past]
    following = _cursor(key(left[limit - 1])) if len(left) > limit else None
    return Page(tuple(left[:limit]), following)


def _cursor(key: str) -> str:
    return urlsafe_b64encode((_MARK + key).encode()).decode().rstrip("=")


def _key_of(cursor: str) -> str:
    try:
        text = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except ValueError as error:
        raise InvalidCursor("the cursor is not one that came with a page") from error
    if not text.startswith(_MARK):
        raise InvalidCursor("the cursor is not one that came with a page")
    return text.removeprefix(_MARK)
