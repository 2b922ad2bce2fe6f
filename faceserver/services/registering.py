"""Pictures into a collection, by whatever door they come: found, embedded, none of them twice.

A face gets an id that follows from the collection, the SHA-256 of the picture's bytes and the
face's place in it; see :mod:`faceserver.services.known`. So the ids alone tell which pictures are
in, and there is no moment at which a crash could make a picture come twice.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from faceserver.api.pictures import Credentials
from faceserver.api.urls import tellable
from faceserver.errors import InvalidCombination, NotFound
from faceserver.runtime.threads import pictures_at_once
from faceserver.services.context import DEFAULT, Context
from faceserver.services.gating import keep_best
from faceserver.services.outcomes import (
    NewPicture,
    Outcome,
    Refused,
    Registered,
    Rules,
)
from faceserver.services.pipeline import run
from faceserver.store.base import Collection

_FETCHED_AT_ONCE = 8


@dataclass(frozen=True)
class Link:
    """A picture that is to be fetched: its URL, and what its host asks for."""

    url: str
    credentials: Credentials | None = None


class Registering:
    """Registers pictures in collections. Safe to call from several threads at once."""

    def __init__(self, context: Context) -> None:
        """Take what the use cases share."""
        self._context = context
        self._at_once = pictures_at_once()

    def add(
        self,
        collection: str,
        picture: NewPicture,
        *,
        update: bool = False,
        best: int | None = None,
    ) -> Registered:
        """Register one picture; of one that is in, the stored faces are returned.

        Args:
            collection: where to.
            picture: and what is said of it.
            update: if it is in, what is said of it now counts.
            best: so many faces of the person whom it shows are kept, the best; None keeps all.

        Raises:
            NotFound: there is no such collection, or no such person.
            ImageError: the picture cannot be used.
            NoFace: it holds none.
            LowQuality: it holds none that is good enough.
            InvalidCombination: the best of a person are to be kept, and nobody says of whom.
            StoreFull: no space left on the device.
        """
        if best is not None and picture.subject is None:
            raise InvalidCombination("keep_best requires a subject")

        def add(held: Collection) -> Registered:
            if picture.subject is not None:
                held.subject(picture.subject)
            rules = Rules(complete=True, update=update)
            (outcome,) = run(self._context, held, [picture], rules)
            made = _as_registered(outcome)
            if best is None or picture.subject is None:
                return made
            return made.without(keep_best(held, picture.subject, best))

        return self._context.on(collection, add)

    def add_all(
        self, pictures: Sequence[NewPicture], *, at_once: int | None = None
    ) -> list[Registered | Refused]:
        """Register pictures in the default collection, as one batch.

        Returns:
            A result for each picture, in order; one that is refused does not affect the others, and
            one that is in already has the faces that are stored.

        Raises:
            TimedOut: the request that this is done for has taken too long; nothing is stored.
        """
        rules = Rules(complete=True, at_once=at_once or self._at_once, batch=len(pictures))
        return [
            outcome if isinstance(outcome, Refused) else _as_registered(outcome)
            for outcome in self.run(DEFAULT, pictures, rules)
        ]

    def add_urls(self, links: Sequence[Link]) -> list[Registered | Refused]:
        """Fetch pictures and register them; like :meth:`add_all`, with URLs as names.

        Raises:
            Busy: too many URLs are being fetched already; nothing was begun.
            TimedOut: the request that this is done for has taken too long; nothing is stored.
        """
        fetch = self._context.fetch
        pictures = [
            NewPicture(tellable(link.url), partial(fetch, link.url, link.credentials))
            for link in links
        ]
        with self._context.outside.waiting(min(len(links), _FETCHED_AT_ONCE) or 1) as at_once:
            return self.add_all(pictures, at_once=at_once)

    def run(
        self,
        collection: str,
        pictures: Sequence[NewPicture],
        rules: Rules,
        claims: dict[str, str] | None = None,
    ) -> list[Outcome]:
        """Register pictures; anew, if the collection's model is switched meanwhile.

        Raises:
            NotFound: there is no such collection.
            StoreFull: no space left on the device.
        """
        return self._context.on(
            collection, lambda held: list(run(self._context, held, pictures, rules, claims))
        )

    def stream(
        self, collection: str, pictures: Iterable[NewPicture], rules: Rules
    ) -> Iterator[Outcome]:
        """Register any number of pictures; yield what became of each as soon as it is stored.

        Raises:
            NotFound: there is no such collection.
            ModelChanged: the collection is of another model now; what was yielded is in.
            StoreFull: no space left on the device; what was yielded is in.
        """
        return run(self._context, self._context.store.collection(collection), pictures, rules)


def _as_registered(outcome: Outcome) -> Registered:
    """A picture that is in, whether it was before or not."""
    if isinstance(outcome, Registered):
        return outcome
    if isinstance(outcome, Refused):
        raise outcome.error
    if outcome.known is None:
        raise NotFound("the faces of this picture have just been deleted")
    return replace(outcome.known, is_new=False)
