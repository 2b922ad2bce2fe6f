"""Pictures into a collection, by whatever door they come: found, embedded, none of them twice.

The steps overlap: while one group's faces are embedded and stored, those of the next are found.

A face gets an id that follows from the collection, the SHA-256 of the picture's bytes and the
face's place in it; see :mod:`faceserver.services.known`. So the ids alone tell which pictures are
in, and there is no moment at which a crash could make a picture come twice.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from contextvars import copy_context
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from itertools import islice

from faceserver.api.pictures import Credentials
from faceserver.api.urls import tellable
from faceserver.errors import InputError, InvalidCombination, NotFound, SeveralFaces
from faceserver.pictures import codec
from faceserver.runtime import deadline
from faceserver.runtime.threads import pictures_at_once
from faceserver.services.context import ALL_FACES, DEFAULT, Choice, Context, chosen
from faceserver.services.gating import ANYTHING, LeftOut, keep_best, sorted_out
from faceserver.services.known import Keys, Known, keys_of
from faceserver.services.outcomes import (
    Examined,
    Found,
    NewPicture,
    Outcome,
    Passed,
    Refused,
    Registered,
    Rules,
)
from faceserver.services.storing import SavePicture, Storing, checked
from faceserver.store.base import Collection
from faceserver.vision.analyzer import FoundFace

_BATCH = 16  # pictures: enough to fill the embedder, few enough to show progress
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


def run(
    context: Context,
    collection: Collection,
    pictures: Iterable[NewPicture],
    rules: Rules,
    claims: dict[str, str] | None = None,
) -> Iterator[Outcome]:
    """Register pictures; yield what became of each, in order.

    Each batch is stored as a whole before its outcomes are yielded.

    Args:
        context: does the work.
        collection: where to.
        pictures: loaded a few at a time.
        rules: how.
        claims: by face, which picture said first whom it shows; to be kept where an import goes on
            with another call.

    Raises:
        StoreMismatch: the collection's model is not loaded.
        ModelChanged: the collection is of another model now; what was yielded is in.
        StoreFull: no space left on the device; what was yielded is in.
    """
    work = _Work(context, collection, rules, {} if claims is None else claims)
    source = iter(pictures)
    size = max(2, rules.batch or max(_BATCH, 4 * rules.at_once))
    group = list(islice(source, size))
    if len(group) <= 1:  # it needs no other thread
        with context.pictures.batch(collection.lifetime) as save:
            outcomes = work.now(group, save)
        yield from outcomes
        return
    ahead: deque[_Group] = deque()
    with ThreadPoolExecutor(rules.at_once, thread_name_prefix="register") as pool:
        try:
            while group:
                ahead.append(work.begin(pool, group))
                if len(ahead) > 1:
                    yield from work.finish(ahead)
                group = list(islice(source, size))
            while ahead:
                yield from work.finish(ahead)
        finally:
            for begun in ahead:
                begun.close()


class _Group:
    """Pictures that are being searched for faces, until they are stored."""

    def __init__(
        self, items: Sequence[NewPicture], pending: Sequence[Future[Found]], batch: ExitStack
    ) -> None:
        self.items = items
        self._pending = pending
        self._batch = batch

    def found(self) -> list[Found]:
        return [future.result() for future in self._pending]

    def close(self) -> None:
        """Search no further; what is saved and not stored goes."""
        for future in self._pending:
            future.cancel()
        wait(self._pending)
        self._batch.close()


class _Work:
    """One call of :func:`run`."""

    def __init__(
        self, context: Context, collection: Collection, rules: Rules, claims: dict[str, str]
    ) -> None:
        self._context = context
        self._collection = collection
        self._analyzer = context.analyzer_of(collection)
        self._rules = rules
        self._known = Known(collection, largest=rules.largest, update=rules.update)
        self._storing = Storing(collection, self._analyzer, self._known, rules, claims)

    def now(self, items: Sequence[NewPicture], save: SavePicture) -> list[Outcome]:
        """Register pictures in this thread."""
        return self._storing.store(items, [self._examine(item, save) for item in items])

    def begin(self, pool: ThreadPoolExecutor, items: Sequence[NewPicture]) -> _Group:
        """Have pictures searched for faces; each thread hears of the request's deadline."""
        batch = ExitStack()
        save = batch.enter_context(self._context.pictures.batch(self._collection.lifetime))
        pending = [pool.submit(copy_context().run, self._examine, item, save) for item in items]
        return _Group(items, pending, batch)

    def finish(self, ahead: deque[_Group]) -> list[Outcome]:
        """Store the first of the groups that have begun."""
        outcomes = self._storing.store(ahead[0].items, ahead[0].found())
        ahead.popleft().close()
        return outcomes

    def _examine(self, item: NewPicture, save: SavePicture) -> Found:
        """Load a picture, find its faces, and keep of it what is to be kept."""
        deadline.check()
        may_pass = not self._rules.complete
        try:
            item = checked(item)
            if may_pass and item.by_name and (faces := self._known.faces(self._keys(item, ""))):
                return Passed(item.source, faces)
            data = item.load()
            keys = self._keys(item, sha256(data).hexdigest())
            if may_pass and (faces := self._known.faces(keys)):
                return Passed(item.source, faces)
            choice = Choice(min_score=item.min_score) if item.min_score else ALL_FACES
            wanted = (
                *item.attributes,
                *item.needed.attributes(),
                *self._context.attributes,
            )
            picture, found = self._context.find(data, self._analyzer, wanted, choice)
            good, left_out = self._good(item, self._meant(item, found))
        except InputError as error:
            return Refused(item.source, error)
        keep = self._context.pictures.keep
        return Examined(
            item=item,
            picture=save(codec.encode(picture)) if keep == "originals" else None,
            width=picture.width,
            height=picture.height,
            faces=[face for _, face in good],
            crops=[
                save(codec.encode_jpeg(face.crop)) if keep == "crops" else None for _, face in good
            ],
            ids=[keys.all_ids(place) for place, _ in good],
            notes=picture.notes,
            left_out=left_out,
        )

    def _keys(self, item: NewPicture, digest: str) -> Keys:
        return keys_of(self._collection.name, item, digest)

    def _good(
        self, item: NewPicture, meant: Sequence[FoundFace]
    ) -> tuple[list[tuple[int, FoundFace]], tuple[LeftOut, ...]]:
        """The faces that are good enough, with their places among all, and those that are not."""
        if item.needed == ANYTHING:
            return list(enumerate(meant)), ()
        told = self._analyzer.tell(meant) if item.needed.attributes() else [{} for _ in meant]
        places, left_out = sorted_out(meant, told, item.needed)
        return [(place, meant[place]) for place in places], left_out

    def _meant(self, item: NewPicture, faces: Sequence[FoundFace]) -> Sequence[FoundFace]:
        if item.person is None:
            return chosen(faces, largest=item.largest)
        if len(faces) > 1 and not self._rules.largest:
            raise SeveralFaces(
                f"the picture holds {len(faces)} faces, and it is not clear "
                f"which of them is {item.person}"
            )
        return faces[:1]


def _as_registered(outcome: Outcome) -> Registered:
    """A picture that is in, whether it was before or not."""
    if isinstance(outcome, Registered):
        return outcome
    if isinstance(outcome, Refused):
        raise outcome.error
    if outcome.known is None:
        raise NotFound("the faces of this picture have just been deleted")
    return replace(outcome.known, is_new=False)
