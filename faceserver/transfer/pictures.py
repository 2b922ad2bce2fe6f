"""Many pictures into a collection: found in threads, embedded in batches, none of them twice.

The steps overlap: while one group's faces are embedded and stored, those of the next are found.

A face gets an id that follows from the collection, the SHA-256 of the picture's bytes and the
face's place in it; see :mod:`faceserver.transfer.known`. So a later run sees by the ids alone which
pictures are in, and there is no moment at which a crash could make a picture come twice.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from hashlib import sha256
from itertools import islice

from faceserver.errors import InputError, NotFound, SeveralFaces
from faceserver.services.registering import Examined, Refused, Registered, Registrar, SavePicture
from faceserver.store.faces import sorted_tags
from faceserver.store.names import check_external_id, check_name
from faceserver.transfer.items import Found, InAlready, Item, Outcome, Present
from faceserver.transfer.known import Keys, Known, keys_of
from faceserver.types import Face
from faceserver.vision.analyzer import FoundFace

_TRIES = 3
"""Of storing a batch whose people are being deleted."""

_AT_ONCE = 16  # pictures in one batch: enough to fill the embedder, few enough to show progress


class _Group:
    """Pictures that are being searched for faces, until they are stored."""

    def __init__(
        self, items: Sequence[Item], pending: Sequence[Future[Found]], batch: ExitStack
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


class PictureImporter:
    """Takes pictures into a registrar's collection."""

    def __init__(
        self,
        registrar: Registrar,
        *,
        jobs: int = 1,
        largest: bool = False,
        update: bool = False,
        said: dict[str, str] | None = None,
    ) -> None:
        """Take the parts.

        Args:
            registrar: stores the faces.
            jobs: so many pictures are read and searched for faces at the same time.
            largest: of a picture with a person's name the largest face is that person; otherwise
                one with several faces is refused, for nobody said which of them it is.
            update: where another person or other tags are said of a picture that is in, these
                count; otherwise what is stored stays, and the difference is told.
            said: by face, which picture said first whom it shows; to be kept where an import goes
                on with another importer.
        """
        self._registrar = registrar
        self._collection = registrar.collection
        self._jobs = jobs
        self._largest = largest
        self._known = Known(registrar.collection, largest=largest, update=update)
        self._subjects: dict[str, str] = {}
        self._said = {} if said is None else said

    def run(self, items: Iterable[Item]) -> Iterator[Outcome]:
        """Import pictures; yield what became of each, in order.

        Each batch is stored as a whole before its outcomes are yielded.

        Raises:
            StoreFull: no space is left; what was yielded is in.
        """
        source = iter(items)
        size = max(_AT_ONCE, 4 * self._jobs)
        ahead: deque[_Group] = deque()
        with ThreadPoolExecutor(self._jobs, thread_name_prefix="import") as pool:
            try:
                while group := list(islice(source, size)):
                    ahead.append(self._begin(pool, group))
                    if len(ahead) > 1:
                        yield from self._finish(ahead)
                while ahead:
                    yield from self._finish(ahead)
            finally:
                for begun in ahead:
                    begun.close()

    def _begin(self, pool: ThreadPoolExecutor, items: Sequence[Item]) -> "_Group":
        batch = ExitStack()
        pictures = self._registrar.pictures
        save = batch.enter_context(pictures.batch(self._collection.lifetime))
        examine = partial(self._examine, save=save)
        return _Group(items, [pool.submit(examine, item) for item in items], batch)

    def _finish(self, ahead: "deque[_Group]") -> list[Outcome]:
        """Store the first of the groups that have begun."""
        outcomes = self._store(ahead[0].items, ahead[0].found())
        ahead.popleft().close()
        return outcomes

    def _examine(self, item: Item, *, save: SavePicture) -> Found:
        try:
            item = _checked(item)
            if item.by_name and (faces := self._known.faces(self._keys(item, ""))):
                return InAlready(item.source, tuple(faces))
            data = item.load()
        except InputError as error:
            return Refused(item.source, error)
        keys = self._keys(item, sha256(data).hexdigest())
        if faces := self._known.faces(keys):
            return InAlready(item.source, tuple(faces))
        examined = self._registrar.examine(item.source, data, save, partial(self._choose, item))
        return examined if isinstance(examined, Refused) else self._unless_in(item, examined, keys)

    def _unless_in(self, item: Item, examined: Examined, keys: Keys) -> Found:
        """The picture with the ids of its faces, unless it is in as another file."""
        if self._known.has_any(keys, range(1, len(examined.faces))):
            return InAlready(item.source)  # the first was deleted: what the user has tidied up
        faces = self._known.of_picture(examined)
        if faces is not None:
            return InAlready(item.source, tuple(faces))
        ids = keys.ids(len(examined.faces))
        return replace(examined, ids=ids, tags=item.tags, external_id=item.external_id)

    def _store(self, group: Sequence[Item], found: Sequence[Found]) -> list[Outcome]:
        fresh: dict[int, Examined] = {}
        seen: set[str] = set()
        for at, result in enumerate(found):
            # Asked once more: the group before may have stored the same picture meanwhile.
            if isinstance(result, Examined) and not seen.intersection(_marks(result)):
                if self._faces(result) is not None:
                    continue
                seen.update(_marks(result))
                fresh[at] = result
        people = [group[at].person for at in fresh]
        stored = dict(zip(fresh, self._stored(list(fresh.values()), people), strict=True))
        for at, done in stored.items():
            if isinstance(done, Registered):
                self._first_to_say(group[at], done.faces[0].id)
        return [
            stored[at] if at in stored else self._compared(item, result)
            for at, (item, result) in enumerate(zip(group, found, strict=True))
        ]

    def _stored(
        self, fresh: Sequence[Examined], people: Sequence[str | None]
    ) -> list[Registered | Refused]:
        """Store pictures. A person who was deleted meanwhile is somebody new of that name."""
        tries = _TRIES
        while True:
            named = [
                replace(examined, subject=self._subject(person))
                for examined, person in zip(fresh, people, strict=True)
            ]
            try:
                return self._registrar.store(named)
            except NotFound:
                tries -= 1
                if not tries:
                    raise
                self._subjects.clear()

    def _choose(self, item: Item, faces: Sequence[FoundFace]) -> Sequence[FoundFace]:
        if item.person is None:
            return faces
        if len(faces) > 1 and not self._largest:
            raise SeveralFaces(
                f"the picture holds {len(faces)} faces, and nothing says which is {item.person}"
            )
        return faces[:1]

    def _subject(self, name: str | None) -> str | None:
        if name is None:
            return None
        if name not in self._subjects:
            known = self._collection.subject_named(name)
            self._subjects[name] = (known or self._collection.add_subject(name)).id
        return self._subjects[name]

    def _keys(self, item: Item, digest: str) -> Keys:
        return keys_of(self._collection.name, item, digest)

    def _compared(self, item: Item, result: Found) -> Outcome:
        """What became of a picture that was not stored now."""
        if isinstance(result, Refused):
            return result
        faces = self._faces(result) if isinstance(result, Examined) else result.faces
        if not faces:
            return Present(item.source)
        rival = self._first_to_say(item, faces[0].id)
        # What was seen in another thread may be out of date by now.
        return self._known.compare(item, self._known.again(faces) or faces, rival=rival)

    def _first_to_say(self, item: Item, face_id: str) -> str | None:
        """What this import called the picture when something was said of it first, if not now."""
        if face_id not in self._said and (item.person or item.tags or item.external_id):
            self._said[face_id] = item.source
            return None
        return self._said.get(face_id)

    def _faces(self, examined: Examined) -> Sequence[Face] | None:
        """The first of the faces of a picture that has come meanwhile, None if it has not."""
        return self._known.with_ids(examined.ids) or self._known.of_picture(examined)


def _checked(item: Item) -> Item:
    """The item, with texts that can be stored.

    Raises:
        InvalidRequest: one breaks the rule; see :mod:`faceserver.texts`.
    """
    return replace(
        item,
        person=None if item.person is None else check_name(item.person),
        tags=sorted_tags(item.tags),
        external_id=None if item.external_id is None else check_external_id(item.external_id),
    )


def _marks(examined: Examined) -> set[str]:
    """What two pictures share where they are the same."""
    return {examined.ids[0], examined.picture or examined.ids[0]}
