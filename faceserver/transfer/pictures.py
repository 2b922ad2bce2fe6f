"""Many pictures into a collection: found in threads, embedded in batches, none of them twice.

The steps overlap: while one group's faces are embedded and stored, those of the next are found.

A face gets an id that follows from the collection, the picture's source name, the SHA-256 of its
bytes and the face's place in it. So a later run sees by the ids alone which pictures are in, and
there is no moment at which a crash could make a picture come twice. Of a URL the address counts
alone, so that it is not fetched again.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from itertools import islice
from uuid import UUID, uuid5

from faceserver.errors import InputError, NotFound, SeveralFaces
from faceserver.services.registering import Examined, Refused, Registered, Registrar, SavePicture
from faceserver.store.faces import sorted_tags
from faceserver.store.names import check_external_id, check_name
from faceserver.vision.analyzer import FoundFace

_AT_ONCE = 16  # pictures in one batch: enough to fill the embedder, few enough to show progress
_FACE_IDS = UUID("7d9a3a5e-3c0f-4a52-9d53-0d8f6d3a1b64")
"""The namespace of the ids; another one would make every picture a new one."""


@dataclass(frozen=True)
class Item:
    """A picture that is to be imported.

    Attributes:
        source: what it is called.
        load: returns its bytes; raises InputError.
        person: name of whom it shows, None if nobody said.
        tags: of its faces.
        external_id: likewise.
        by_name: it is the same picture if it has the same name, whatever its bytes.
    """

    source: str
    load: Callable[[], bytes]
    person: str | None = None
    tags: tuple[str, ...] = ()
    external_id: str | None = None
    by_name: bool = False


@dataclass(frozen=True)
class Present:
    """A picture that was in already."""

    name: str


Outcome = Registered | Refused | Present
Found = Examined | Refused | Present


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

    def __init__(self, registrar: Registrar, *, jobs: int = 1, largest: bool = False) -> None:
        """Take the parts.

        Args:
            registrar: stores the faces.
            jobs: so many pictures are read and searched for faces at the same time.
            largest: of a picture with a person's name the largest face is that person; otherwise
                one with several faces is refused, for nobody said which of them it is.
        """
        self._registrar = registrar
        self._collection = registrar.collection
        self._jobs = jobs
        self._largest = largest
        self._subjects: dict[str, str] = {}

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
            if item.by_name and self._has(self._ids(item, "", 1)):
                return Present(item.source)
            data = item.load()
        except InputError as error:
            return Refused(item.source, error)
        digest = "" if item.by_name else sha256(data).hexdigest()
        if self._has(self._ids(item, digest, 1)):
            return Present(item.source)
        examined = self._registrar.examine(item.source, data, save, partial(self._choose, item))
        if isinstance(examined, Refused):
            return examined
        ids = self._ids(item, digest, len(examined.faces))
        if self._has(ids[1:]):  # the first was deleted: what the user has tidied up stays so
            return Present(item.source)
        return replace(examined, ids=ids, tags=item.tags, external_id=item.external_id)

    def _store(self, group: Sequence[Item], found: Sequence[Found]) -> list[Outcome]:
        fresh: list[Examined] = []
        seen: set[str] = set()
        for item, result in zip(group, found, strict=True):
            # Asked once more: the group before may have stored the same picture meanwhile.
            if (
                isinstance(result, Examined)
                and result.ids[0] not in seen
                and not self._has(result.ids[:1])
            ):
                seen.add(result.ids[0])
                fresh.append(replace(result, subject=self._subject(item.person)))
        stored = iter(self._registrar.store(fresh))
        # The same picture a second time is there by then.
        outcomes: list[Outcome] = []
        for result in found:
            if not isinstance(result, Examined):
                outcomes.append(result)
            elif result.ids[0] in seen:
                seen.remove(result.ids[0])
                outcomes.append(next(stored))
            else:
                outcomes.append(Present(result.name))
        return outcomes

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

    def _ids(self, item: Item, digest: str, count: int) -> list[str]:
        key = f"{self._collection.name}\0{item.source}\0{digest}"
        return [uuid5(_FACE_IDS, f"{key}\0{number}").hex for number in range(count)]

    def _has(self, face_ids: Sequence[str]) -> bool:
        return any(self._is_stored(face_id) for face_id in face_ids)

    def _is_stored(self, face_id: str) -> bool:
        try:
            self._collection.get(face_id)
        except NotFound:
            return False
        return True


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
