"""How a store behaves."""

from dataclasses import dataclass
from datetime import timedelta

from faceserver.store.pictures import Keep, Pictures

EXACT_UP_TO = 2000
"""So many faces are searched exactly, in about a millisecond; more go through the graph."""

UNDO_FOR = timedelta(days=7)
"""So long a merge can be undone."""


@dataclass(frozen=True)
class Options:
    """How a store behaves.

    Attributes:
        keep: what is kept of pictures.
        exact_up_to: so many faces of a collection are searched exactly.
        undo_for: so long a merge can be undone.
        place: where pictures are kept; None for the data folder.
        any_model: the default collection may hold embeddings of another model than is asked for.
    """

    keep: Keep = "originals"
    exact_up_to: int = EXACT_UP_TO
    undo_for: timedelta = UNDO_FOR
    any_model: bool = False
    place: Pictures | None = None
