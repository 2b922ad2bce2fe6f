"""Who may have a connection: room is made where one is not used.

Whoever holds connections open without asking for anything must not keep others out. So when there
are too many, of one address or at all, the one that is missed least is closed.
"""

import time
from collections.abc import Iterable, Sequence
from typing import Any

_FRESH_SECONDS = 5.0
"""So long a connection that asks for nothing may just not have got to it."""

_STUCK_SECONDS = 10.0
"""After which a client does not seem to read its answer."""

_CLOSED, _IDLE, _RECEIVING, _STUCK, _FRESH = range(5)
"""The states of connections that are not in use, in the order in which they are closed."""


def one_too_many(channels: Sequence[Any], newest: Any, *, most: int, most_of_place: int) -> Any:
    """The connection to close, None where there is room.

    Args:
        channels: all that are open.
        newest: the one of them that was just accepted.
        most: how many there may be.
        most_of_place: how many of the place of the newest; 0: as many as there are.
    """
    same = [channel for channel in channels if channel.place == newest.place]
    if most_of_place and len(same) > most_of_place:
        return _missed_least(same, newest)
    return _missed_least(channels, newest) if len(channels) > most else None


def _missed_least(channels: Iterable[Any], newest: Any) -> Any:
    ranked = [
        (rank, since, number)
        for number, channel in enumerate(channels)
        if channel is not newest
        for rank, since in [_rank(channel)]
        if rank is not None
    ]
    if not ranked:
        return newest
    return list(channels)[min(ranked)[2]]


def _rank(channel: Any) -> tuple[int | None, float]:
    """How little a connection is missed, the least first, and since when; None if it is in use."""
    quiet = time.time() - channel.last_activity
    since = time.monotonic() - quiet
    if channel.lingering_since is not None:
        return _CLOSED, channel.lingering_since
    if (channel.total_outbufs_len and not channel.requests) or channel.is_postponed:
        return (_STUCK if quiet > _STUCK_SECONDS else None), since
    if channel.requests or (channel.request is not None and channel.request.judged):
        return None, since
    if channel.request is not None:
        return _RECEIVING, channel.receiving_since or since
    return (_IDLE if quiet > _FRESH_SECONDS else _FRESH), since
