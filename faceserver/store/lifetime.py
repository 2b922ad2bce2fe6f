"""Whether a collection is still the one that somebody began to work on."""

from threading import Event

from faceserver.errors import Conflict


class Lifetime:
    """From a collection's beginning until it is deleted or emptied as a whole.

    A change of the model does not end it. Whoever stores checks it with the lock held under which
    a deletion ends it, so that nothing is added after the deletion by work that began before.
    """

    def __init__(self) -> None:
        """Begin."""
        self._ended = Event()

    @property
    def is_over(self) -> bool:
        """Whether the collection was deleted."""
        return self._ended.is_set()

    def end(self) -> None:
        """The collection is deleted: work that is under way must store nothing any more."""
        self._ended.set()

    def check(self) -> None:
        """Pass while the collection lives.

        Raises:
            Conflict: it was deleted.
        """
        if self._ended.is_set():
            raise Conflict("the collection was deleted in the meantime; nothing was stored")
