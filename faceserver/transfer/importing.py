"""An archive back into a gallery, with all ids, times and bytes as they were.

The whole archive is read and checked before anything is written. Then it is written in batches,
each of which happens as a whole; after an interruption the next run goes on where this one ended,
because what is in is known by its id.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from faceserver.errors import AlreadyExists, InvalidArchive, NotFound, StoreMismatch
from faceserver.store.base import Collection, Item, Store
from faceserver.store.pictures import PictureStore
from faceserver.transfer.archive import ArchiveReader
from faceserver.transfer.contract import check_contract
from faceserver.transfer.exemplars import check_exemplars, import_exemplars
from faceserver.transfer.exporting import Advance
from faceserver.transfer.format import CollectionEntry, FaceLine, SubjectLine
from faceserver.transfer.mending import has_bad_name, mended_face, mended_person
from faceserver.transfer.merges import check_merges, import_merges
from faceserver.types import Floats

_AT_ONCE = 256


@dataclass(frozen=True)
class Imported:
    """What has been taken from an archive.

    Attributes:
        subjects: people.
        faces: faces.
        present: faces that were in already.
        merges: merges that can be undone.
        mended: people and faces of these whose texts break the rule; see :mod:`.mending`.
    """

    subjects: int
    faces: int
    present: int
    merges: int
    mended: int = 0


def import_archive(
    archive: ArchiveReader,
    store: Store,
    pictures: PictureStore,
    *,
    contracts: Mapping[str, str],
    advance: Advance = lambda _: None,
) -> Imported:
    """Take in what the store does not have yet.

    People and faces that are there under their id stay as they are. Pictures come back whatever
    the store is set to keep.

    Args:
        archive: where from.
        store: where to.
        pictures: the store's.
        contracts: the content of each installed model's ``model.toml``, by the model's name.
        advance: told of each face twice: when it is checked, and when it is in.

    Raises:
        InvalidArchive: it is damaged or hostile; nothing was changed.
        StoreMismatch: its embeddings are of another model; nothing was changed.
        AlreadyExists: a name or an id is taken by somebody else; nothing was changed.
        StoreFull: no space is left; what is in stays, and another run goes on from there.
    """
    check_merges(archive)
    check_exemplars(archive)
    _Check(archive, store).run(contracts, advance)
    subjects = faces = present = mended = 0
    for entry in archive.manifest.collections:
        collection = _made(store, entry)
        for person in _good_names_first(archive, entry):
            taken = _add_subject(collection, person)
            subjects += taken is not None
            mended += taken is not None and taken != person
        for batch in _batches(archive.faces(entry)):
            fresh = [(line, vector) for line, vector in batch if not _has_face(collection, line.id)]
            new = [(mended_face(line), vector) for line, vector in fresh]
            mended += sum(one[0] != other[0] for one, other in zip(fresh, new, strict=True))
            _add_faces(archive, collection, pictures, new)
            faces += len(new)
            present += len(batch) - len(new)
            advance(len(batch))
    import_exemplars(archive, store)
    merges = import_merges(archive, store)
    return Imported(subjects=subjects, faces=faces, present=present, merges=merges, mended=mended)


class _Check:
    """Everything that can be wrong, looked for before the first change."""

    def __init__(self, archive: ArchiveReader, store: Store) -> None:
        self._archive = archive
        self._store = store
        self._ids: set[str] = set()

    def run(self, contracts: Mapping[str, str], advance: Advance) -> None:
        pictures = {*self._archive.pictures(), *self._archive.manifest.missing}
        for entry in self._archive.manifest.collections:
            self._check_model(entry, contracts)
            people = self._check_subjects(entry)
            others = [
                self._store.collection(name)
                for name in self._store.collections()
                if name != entry.name
            ]
            for line, _ in self._archive.faces(entry):
                self._check_face(line, people, pictures)
                for other in others:
                    if _has_face(other, line.id):
                        raise AlreadyExists(
                            f"the face {line.id} of {entry.name!r} is in {other.name!r} already"
                        )
                advance(1)

    def _check_model(self, entry: CollectionEntry, contracts: Mapping[str, str]) -> None:
        check_contract(entry.model, self._archive.contract(entry), contracts)
        collection = _existing(self._store, entry.name)
        if collection and (collection.model, collection.dims) != (entry.model, entry.dims):
            raise StoreMismatch(
                f"the archive's collection {entry.name!r} is of the model {entry.model} "
                f"({entry.dims} numbers), the one that is here of {collection.model} "
                f"({collection.dims}): embeddings of different models cannot be compared"
            )

    def _check_subjects(self, entry: CollectionEntry) -> set[str]:
        collection = _existing(self._store, entry.name)
        people: set[str] = set()
        for person in self._archive.subjects(entry):
            if person.id in people:
                raise InvalidArchive(f"the person {person.id} occurs twice")
            people.add(person.id)
            known = collection.subject_named(person.name) if collection else None
            if known and known.id != person.id:
                raise AlreadyExists(
                    f"{entry.name!r} has another person named {person.name!r}: rename one of them"
                )
        return people

    def _check_face(self, line: FaceLine, people: set[str], pictures: set[str]) -> None:
        if line.id in self._ids:
            raise InvalidArchive(f"the face {line.id} occurs twice")
        self._ids.add(line.id)
        if line.subject is not None and line.subject not in people:
            raise InvalidArchive(f"the face {line.id} is of a person who is not in the archive")
        for name in line.pictures():
            if name not in pictures:
                raise InvalidArchive(
                    f"the face {line.id} is of a picture that is not in the archive"
                )


def _existing(store: Store, name: str) -> Collection | None:
    return store.collection(name) if name in store.collections() else None


def _made(store: Store, entry: CollectionEntry) -> Collection:
    found = _existing(store, entry.name)
    return found or store.create(entry.name, model=entry.model, dims=entry.dims)


def _add_subject(collection: Collection, person: SubjectLine) -> SubjectLine | None:
    """Add a person, unless there already; return who was added."""
    try:
        collection.subject(person.id)
    except NotFound:
        known = mended_person(person, lambda name: collection.subject_named(name) is not None)
        collection.add_subject(
            known.name,
            tags=known.tags,
            metadata=known.metadata,
            subject_id=known.id,
            created=known.created,
            hidden=known.hidden,
            cover=known.cover,
        )
        return known
    return None


def _good_names_first(archive: ArchiveReader, entry: CollectionEntry) -> Iterator[SubjectLine]:
    """All people; those whose names are mended come last, and take no good one's name away."""
    bad = []
    for person in archive.subjects(entry):
        if has_bad_name(person):
            bad.append(person)
        else:
            yield person
    yield from bad


def _add_faces(
    archive: ArchiveReader,
    collection: Collection,
    pictures: PictureStore,
    faces: list[tuple[FaceLine, Floats]],
) -> None:
    lost = set(archive.manifest.missing)
    with pictures.batch(collection.lifetime) as save:
        for name in dict.fromkeys(name for line, _ in faces for name in line.pictures()):
            if name not in lost:
                save(archive.picture(name))
        collection.add([line.to_face(vector) for line, vector in faces])


def _has_face(collection: Collection, face_id: str) -> bool:
    try:
        collection.get(face_id)
    except NotFound:
        return False
    return True


def _batches(items: Iterable[Item]) -> Iterator[list[Item]]:
    """Lists of some items each, until there are no more."""
    source = iter(items)
    while batch := list(islice(source, _AT_ONCE)):
        yield batch
