"""Collects all that a converter cannot take, so that it is said at once."""

from collections.abc import Sequence

from faceserver.errors import ModelError

_MOST_NAMED = 12


class Unsupported(Exception):
    """An op is not known, or is used in a way that is not supported."""


def refusal(found: Sequence[str]) -> ModelError:
    """Make the error that names everything that was found, on one line."""
    named = "; ".join(found[:_MOST_NAMED])
    more = len(found) - _MOST_NAMED
    return ModelError(f"{named}; and {more} more" if more > 0 else named)
