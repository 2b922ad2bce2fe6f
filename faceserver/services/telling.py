"""What others may want to hear of: matches, strangers, ends of jobs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from faceserver.store.lifetime import Lifetime

EventKind = Literal["match", "stranger", "job", "ping"]
"""``ping`` is sent on request alone, to try a receiver."""


@dataclass(frozen=True)
class Event:
    """Something that has happened in a collection.

    Attributes:
        kind: what.
        collection: where; empty where it concerns none.
        data: what is told of it: JSON values.
        lifetime: of the collection that it happened in: once that is over, nobody is told any more.
            None where it concerns no collection.
    """

    kind: EventKind
    collection: str
    data: Mapping[str, Any]
    lifetime: Lifetime | None = None


Tell = Callable[[Event], None]
"""Takes an event; it must be quick, and never raises."""


def tell_nobody(event: Event) -> None:
    """Let an event pass."""
    del event
