"""Collections into one archive, streamed."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from shutil import copyfileobj
from typing import IO
from uuid import uuid4
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from pydantic import BaseModel

from faceserver.errors import AlreadyExists, NotFound
from faceserver.layout import TEMPORARY
from faceserver.runtime.atomic_files import file_errors, sync
from faceserver.runtime.progress import Advance, Begin, unseen
from faceserver.store.base import Collection, Exemplar, Item, Page, Store
from faceserver.store.exemplars import KINDS, ExemplarKind
from faceserver.store.pictures import PictureStore
from faceserver.transfer.format import (
    MANIFEST,
    CollectionEntry,
    Manifest,
    exemplar_line,
    face_line,
    merge_line,
    subject_line,
    vectors_header,
)
from faceserver.types import Face, Subject

__all__ = [
    "Advance",
    "Exported",
    "all_exemplars",
    "all_faces",
    "all_of",
    "all_subjects",
    "export_archive",
    "new_member",
    "new_zip",
    "refuse_existing",
]

_AT_ONCE = 500


@dataclass(frozen=True)
class Exported:
    """What an archive got; ``missing`` are pictures that rows name but that are not there."""

    collections: int
    subjects: int
    merges: int
    faces: int
    pictures: int
    missing: tuple[str, ...]


def export_archive(
    store: Store,
    pictures: PictureStore,
    path: Path,
    *,
    contracts: Mapping[str, str],
    names: Sequence[str] = (),
    begin: Begin = unseen,
) -> Exported:
    """Write collections to a new archive; memory holds some faces and one picture's part.

    Args:
        store: nobody changes it meanwhile.
        pictures: its pictures.
        path: of the archive; it appears when it is complete.
        contracts: the content of each model's ``model.toml``, by the model's name.
        names: of the collections; all where none is given.
        begin: told of each stage and its pieces: faces, then pictures.

    Raises:
        AlreadyExists: there is a file of that name.
        NotFound: there is no such collection.
        StoreFull: no space left on the device.
        StoreError: the system refused.
    """
    chosen = [store.collection(name) for name in names or store.collections()]
    with new_zip(path) as archive:
        named: dict[str, None] = {}
        advance = begin("Faces", 2 * sum(part.count() for part in chosen))  # lines, then vectors
        entries = [_write(archive, part, contracts, named, advance) for part in chosen]
        missing = _write_pictures(archive, pictures, named, begin("Pictures", len(named)))
        manifest = Manifest(
            created=datetime.now(UTC),
            collections=tuple(entries),
            pictures=len(named) - len(missing),
            missing=missing,
        )
        archive.writestr(ZipInfo(MANIFEST), manifest.model_dump_json(indent=2))
    return Exported(
        collections=len(entries),
        subjects=sum(entry.subjects for entry in entries),
        merges=sum(entry.merges for entry in entries),
        faces=sum(entry.faces for entry in entries),
        pictures=manifest.pictures,
        missing=missing,
    )


def refuse_existing(path: Path) -> None:
    """Refuse to write over a file.

    Raises:
        AlreadyExists: there is a file of that name.
    """
    if path.exists():
        raise AlreadyExists(f"{path} already exists: choose another name, or remove it")


@contextmanager
def new_zip(path: Path) -> Iterator[ZipFile]:
    """Lend the block a zip to fill; under its name it appears complete or not at all.

    Raises:
        AlreadyExists: there is a file of that name.
        StoreFull: no space left on the device.
        StoreError: the system refused.
    """
    refuse_existing(path)
    temporary = path.with_name(f"{path.name}.{uuid4().hex}{TEMPORARY}")
    with file_errors(path):
        try:
            temporary.touch(0o600, exist_ok=False)  # faces are for their owner alone
            with ZipFile(temporary, "w", ZIP_STORED) as archive:
                yield archive
            sync(temporary)
            temporary.replace(path)
            sync(path.resolve().parent)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def new_member(archive: ZipFile, name: str, *, packed: bool = False) -> Iterator[IO[bytes]]:
    """Lend the block a member of an archive to fill."""
    info = ZipInfo(name)
    info.compress_type = ZIP_DEFLATED if packed else ZIP_STORED
    with archive.open(info, "w", force_zip64=True) as file:
        yield file


def all_of(page: Callable[[str | None], Page[Item]]) -> Iterator[Item]:
    """The items of all pages; ``page`` takes a cursor."""
    cursor = None
    while True:
        found = page(cursor)
        yield from found.items
        if found.cursor is None:
            return
        cursor = found.cursor


def all_faces(collection: Collection) -> Iterator[Face]:
    """Every face, in the order they were stored."""
    return all_of(lambda cursor: collection.faces(limit=_AT_ONCE, cursor=cursor))


def all_subjects(collection: Collection) -> Iterator[Subject]:
    """Every person, in the order they were stored."""
    return all_of(lambda cursor: collection.subjects(limit=_AT_ONCE, cursor=cursor))


def all_exemplars(collection: Collection) -> Iterator[Exemplar]:
    """Everything that is remembered beside the faces, by kind."""
    for kind in KINDS:
        yield from all_of(partial(_exemplars, collection, kind))


def _exemplars(collection: Collection, kind: ExemplarKind, cursor: str | None) -> Page[Exemplar]:
    return collection.exemplars(kind, limit=_AT_ONCE, cursor=cursor)


def _write(
    archive: ZipFile,
    collection: Collection,
    contracts: Mapping[str, str],
    named: dict[str, None],
    advance: Advance,
) -> CollectionEntry:
    """Write a collection; add the pictures that its faces name to ``named``."""
    contract = contracts.get(collection.model)
    merges = collection.merge_records()[::-1]
    exemplars = list(map(exemplar_line, all_exemplars(collection)))
    entry = CollectionEntry(
        name=collection.name,
        model=collection.model,
        dims=collection.dims,
        subjects=_write_subjects(archive, collection),
        faces=collection.count(),
        contract=contract is not None,
        merges=len(merges),
        exemplars=len(exemplars),
    )
    if contract is not None:
        archive.writestr(ZipInfo(entry.member("model.toml")), contract)
    if merges:
        _write_lines(archive, entry.member("merges.jsonl"), map(merge_line, merges))
    if exemplars:
        _write_lines(archive, entry.member("exemplars.jsonl"), exemplars)
    with new_member(archive, entry.member("faces.jsonl"), packed=True) as file:
        for face in all_faces(collection):
            line = face_line(face)
            file.write(line.model_dump_json().encode() + b"\n")
            named.update(dict.fromkeys(line.pictures()))
            advance(1)
    with new_member(archive, entry.member("vectors.npy")) as file:
        file.write(vectors_header(entry.faces, entry.dims))
        for face in all_faces(collection):
            file.write(face.embedding.astype("<f4").tobytes())
            advance(1)
    return entry


def _write_subjects(archive: ZipFile, collection: Collection) -> int:
    name = f"collections/{collection.name}/subjects.jsonl"
    return _write_lines(archive, name, map(subject_line, all_subjects(collection)))


def _write_lines(archive: ZipFile, name: str, lines: Iterable[BaseModel]) -> int:
    count = 0
    with new_member(archive, name, packed=True) as file:
        for line in lines:
            file.write(line.model_dump_json().encode() + b"\n")
            count += 1
    return count


def _write_pictures(
    archive: ZipFile, pictures: PictureStore, names: Iterable[str], advance: Advance
) -> tuple[str, ...]:
    """Write pictures; return the names of those that are not there."""
    missing = []
    for name in names:
        if not _write_picture(archive, pictures, name):
            missing.append(name)
        advance(1)
    return tuple(missing)


def _write_picture(archive: ZipFile, pictures: PictureStore, name: str) -> bool:
    try:
        stream = pictures.open(name)
    except NotFound:
        return False
    with stream as source, new_member(archive, f"pictures/{name}") as file:
        copyfileobj(source, file)
    return True
