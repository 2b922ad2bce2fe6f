"""Cursors: where the next page of a list begins, as a text that says nothing to its holder."""

from base64 import urlsafe_b64decode, urlsafe_b64encode

from faceserver.errors import InvalidCursor

_MARK = b"after:"


def cursor_after(row: int) -> str:
    """The cursor of the page that begins after a row."""
    return urlsafe_b64encode(_MARK + str(row).encode()).decode().rstrip("=")


def row_of(cursor: str | None) -> int:
    """The row after which the page begins, 0 for the first page.

    Raises:
        InvalidCursor: it is no cursor.
    """
    if cursor is None:
        return 0
    try:
        mark, number = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).split(b":")
        row = int(number)
    except ValueError as error:
        raise InvalidCursor("the cursor is not one that came with a page") from error
    if mark + b":" != _MARK or not 0 < row < 2**63:
        raise InvalidCursor("the cursor is not one that came with a page")
    return row
