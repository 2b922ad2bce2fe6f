"""The one way in for pictures: found, embedded, stored, some at a time.

The steps overlap: while one group's faces are embedded and stored, those of the next are found.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from contextvars import copy_context
from hashlib import sha256
from itertools import islice

from faceserver.errors import InputError, SeveralFaces
from faceserver.pictures import codec
from faceserver.runtime import deadline
from faceserver.services.context import Context
from faceserver.services.gating import ANYTHING, LeftOut, sorted_out
from faceserver.services.known import Known, keys_of
from faceserver.services.outcomes import (
    Examined,
    Found,
    NewPicture,
    Outcome,
    Passed,
    Refused,
    Rules,
)
from faceserver.services.storing import SavePicture, Storing, checked
from faceserver.services.thumbnails import thumbnails_of
from faceserver.store.base import Collection
from faceserver.vision.analyzer import FoundFace

_BATCH = 16  # pictures: enough to fill the embedder, few enough to show progress


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
            outcomes = work.storing.store(group, [work.examine(item, save) for item in group])
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
        self.storing = Storing(
            collection, self._analyzer, self._known, rules, claims, pictures=context.pictures
        )

    def begin(self, pool: ThreadPoolExecutor, items: Sequence[NewPicture]) -> _Group:
        """Have pictures searched for faces; each thread hears of the request's deadline."""
        batch = ExitStack()
        save = batch.enter_context(self._context.pictures.batch(self._collection.lifetime))
        pending = [pool.submit(copy_context().run, self.examine, item, save) for item in items]
        return _Group(items, pending, batch)

    def finish(self, ahead: deque[_Group]) -> list[Outcome]:
        """Store the first of the groups that have begun."""
        outcomes = self.storing.store(ahead[0].items, ahead[0].found())
        ahead.popleft().close()
        return outcomes

    def examine(self, item: NewPicture, save: SavePicture) -> Found:
        """Load a picture, find its faces, and keep of it what is to be kept."""
        deadline.check()
        may_pass = not self._rules.complete
        try:
            item = checked(item)
            name = self._collection.name
            by_name = keys_of(name, item, "") if may_pass and item.by_name else None
            if by_name and (faces := self._known.faces(by_name)):
                return Passed(item.source, faces)
            data = item.load()
            keys = keys_of(name, item, sha256(data).hexdigest())
            if may_pass and (faces := self._known.faces(keys)):
                return Passed(item.source, faces)
            wanted = (
                *item.attributes,
                *item.needed.attributes(),
                *self._context.attributes,
            )
            picture, found = self._context.find(data, self._analyzer, wanted, item.choice)
            good, left_out = self._good(item, found)
        except InputError as error:
            return Refused(item.source, error)
        keep = self._context.pictures.keep
        kept = [face for _, face in good]
        return Examined(
            item=item,
            picture=save(codec.encode(picture)) if keep == "originals" else None,
            width=picture.width,
            height=picture.height,
            faces=kept,
            crops=[
                save(codec.encode_jpeg(face.crop)) if keep == "crops" else None for face in kept
            ],
            ids=[keys.all_ids(place) for place, _ in good],
            notes=picture.notes,
            left_out=left_out,
            thumbnails=thumbnails_of(picture, kept, keep),
        )

    def _good(
        self, item: NewPicture, faces: Sequence[FoundFace]
    ) -> tuple[list[tuple[int, FoundFace]], tuple[LeftOut, ...]]:
        """The faces that are good enough, with their places among all, and those that are not."""
        if item.person is not None:
            if len(faces) > 1 and not self._rules.largest:
                raise SeveralFaces(
                    f"the picture holds {len(faces)} faces, and it is not clear "
                    f"which of them is {item.person}"
                )
            faces = faces[:1]
        if item.needed == ANYTHING:
            return list(enumerate(faces)), ()
        told = self._analyzer.tell(faces) if item.needed.attributes() else [{} for _ in faces]
        places, left_out = sorted_out(faces, told, item.needed)
        return [(place, faces[place]) for place in places], left_out
