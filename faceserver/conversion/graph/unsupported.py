"""Collects all that a converter cannot take, so that it is said at once."""

from collections.abc import Callable, Sequence

from faceserver.conversion.graph.layers import Layer
from faceserver.errors import ModelError

_MOST_NAMED = 12


class Unsupported(Exception):
    """An op is not known, or is used in a way that is not supported."""


def refusal(found: Sequence[str]) -> ModelError:
    """Make the error that names everything that was found, on one line."""
    named = "; ".join(found[:_MOST_NAMED])
    more = len(found) - _MOST_NAMED
    return ModelError(f"{named}; and {more} more" if more > 0 else named)


def write_each(layers: Sequence[Layer], write: Callable[[Layer], None]) -> None:
    """Write layers in order.

    What reads a layer that cannot be written is tried all the same, so that it is named, too, if
    it is of a type that nobody can write.

    Args:
        layers: each after those that it reads.
        write: writes one; a KeyError says that it misses one that it reads.

    Raises:
        ModelError: layers cannot be written; the message names all of them.
    """
    troubles: list[str] = []
    lost: set[str] = set()
    for layer in layers:
        misses_some = not lost.isdisjoint(layer.bottoms)
        try:
            write(layer)
        except ModelError as error:
            troubles.append(str(error))
            lost.add(layer.name)
        except KeyError:
            if not misses_some:
                raise
        if misses_some:
            lost.add(layer.name)
    if troubles:
        raise refusal(troubles)
