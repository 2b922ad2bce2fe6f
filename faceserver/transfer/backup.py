"""A backup of a data folder while a server runs on it, and the way back.

A picture may go while it is copied, because its last face is deleted. So the pictures that a
snapshot of SQLite names are linked beside the backup first; where one is gone already, a new
snapshot no longer names it. Each round takes less time than the one before.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import file_digest
from pathlib import Path
from tempfile import mkdtemp
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from faceserver.errors import AlreadyExists, InvalidArchive, StoreError, StoreFull
from faceserver.layout import COMMITS, FACES, GALLERY, PICTURES, TEMPORARY
from faceserver.pictures.zips import ZipReader
from faceserver.runtime.atomic_files import file_errors, make_folder, sync
from faceserver.runtime.folder_lock import folder_lock
from faceserver.runtime.private_files import FOLDER, private
from faceserver.runtime.progress import Advance, Begin, copy, unseen
from faceserver.store.pictures import PictureFolder, Pictures, is_picture_name
from faceserver.store.sqlite.database import gallery_database
from faceserver.store.sqlite.leftovers import folder_before_restore, restoring_folder
from faceserver.store.sqlite.maintenance import count_faces, pictures_named, snapshot
from faceserver.transfer.exporting import new_member, new_zip
from faceserver.transfer.folder import database_in
from faceserver.transfer.format import MANIFEST as ARCHIVE

MANIFEST = "faceserver-backup.json"

_ROUNDS = 20


class BackupManifest(BaseModel):
    """What a backup holds."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    kind: Literal["faceserver-backup"] = "faceserver-backup"
    format: Literal[1] = 1
    created: datetime
    database_sha256: str
    pictures: Annotated[int, Field(ge=0)]
    missing: tuple[str, ...]


@dataclass(frozen=True)
class BackedUp:
    """What a backup got; ``missing`` are pictures that rows name but that are lost."""

    faces: int
    pictures: int
    missing: tuple[str, ...]


@dataclass(frozen=True)
class Restored:
    """What came back; ``aside`` is where the old gallery is now, None if there was none."""

    faces: int
    pictures: int
    aside: Path | None


def back_up(
    data_dir: Path, path: Path, *, pictures: Pictures | None = None, begin: Begin = unseen
) -> BackedUp:
    """Write a backup of a data folder, whether or not a server runs on it.

    Args:
        data_dir: the data folder; nothing in it is changed.
        path: of the backup; it appears when it is complete.
        pictures: where the gallery's pictures are kept; None for the folder itself.
        begin: told of each stage and its bytes.

    Raises:
        NotFound: there is no gallery in the folder.
        AlreadyExists: there is a file of that name.
        StoreFull: no space left on the device.
        StoreUnavailable: what holds the pictures does not answer.
        StoreError: the system or SQLite refused.
    """
    database_in(data_dir)
    with new_zip(path) as archive, _work_folder(path.resolve().parent) as work:
        names, missing = _stage(data_dir, pictures or PictureFolder(data_dir), work, begin)
        with (work / FACES).open("rb") as file:
            digest = file_digest(file, "sha256").hexdigest()
        manifest = BackupManifest(
            created=datetime.now(UTC),
            database_sha256=digest,
            pictures=len(names),
            missing=tuple(missing),
        )
        archive.writestr(MANIFEST, manifest.model_dump_json(indent=2))
        members = {FACES: work / FACES}
        members |= {f"{PICTURES}/{name}": work / PICTURES / name for name in names}
        advance = begin("Writing", sum(staged.stat().st_size for staged in members.values()))
        for member, staged in members.items():
            with staged.open("rb") as file, new_member(archive, member) as target:
                copy(file, target, advance)
        faces = count_faces(work / FACES)
    return BackedUp(faces=faces, pictures=len(names), missing=tuple(missing))


def restore(
    path: Path,
    data_dir: Path,
    *,
    pictures: Pictures | None = None,
    force: bool = False,
    begin: Begin = unseen,
) -> Restored:
    """Put a backup in place of a data folder.

    The backup is unpacked and checked inside the folder first; the old gallery is only moved then.

    Args:
        path: the backup.
        data_dir: where to; no server runs on it.
        pictures: where the gallery's pictures are kept; None for the folder itself. Those that
            the old gallery alone shows go with the next sweep.
        force: move a gallery that is there aside.
        begin: told of the unpacking and its bytes.

    Raises:
        InvalidArchive: it is no backup, or it is damaged; the folder is as it was.
        AlreadyExists: there is a gallery, and ``force`` is not set.
        StoreLocked: a server runs on the folder.
        StoreTooNew: the backup was made by a later version.
        StoreFull: no space left on the device; the folder is as it was.
        StoreError: the system refused.
    """
    with ZipReader(path) as archive:
        manifest = _manifest(archive)
        make_folder(data_dir)
        with folder_lock(data_dir), restoring_folder(data_dir) as work:
            old = [data_dir / name for name in GALLERY if (data_dir / name).exists()]
            if any(part.name != COMMITS for part in old) and not force:
                raise AlreadyExists(f"{data_dir} contains a gallery: use --force to move it aside")
            _unpack(archive, manifest, work, begin)
            faces = count_faces(work / FACES)
            if pictures:
                _send(PictureFolder(work), pictures, begin)
            with file_errors(data_dir):
                aside = _move_aside(data_dir, old)
                for name in (FACES,) if pictures else (PICTURES, FACES):
                    (work / name).replace(data_dir / name)
                sync(data_dir)
    return Restored(faces=faces, pictures=manifest.pictures, aside=aside)


def _send(unpacked: PictureFolder, pictures: Pictures, begin: Begin) -> None:
    """Save pictures that a backup has brought where the gallery keeps them."""
    names = list(unpacked.names())
    advance = begin("Pictures", len(names))
    for name in names:
        with unpacked.open(name) as stream:
            pictures.save(stream.read())
        advance(1)


def _stage(
    data_dir: Path, pictures: Pictures, work: Path, begin: Begin
) -> tuple[list[str], list[str]]:
    """A snapshot and links to the pictures it names: those that are there, and the lost ones."""
    (work / PICTURES).mkdir(FOLDER)
    lost: set[str] = set()
    for _ in range(_ROUNDS):
        snapshot(data_dir / FACES, work / FACES, _Stage("Faces", begin))
        names = set(pictures_named(work / FACES))
        gone = {name for name in names if not pictures.share(name, PictureFolder(work))}
        if gone <= lost:  # a new snapshot still names them: they are not being deleted
            return sorted(names - gone), sorted(gone)
        lost = gone
        (work / FACES).unlink()
    raise StoreError(f"{data_dir} is changing too fast to be backed up")


class _Stage:
    """Tells of a stage by what is done so far."""

    def __init__(self, what: str, begin: Begin) -> None:
        self._what = what
        self._begin = begin
        self._advance: Advance | None = None
        self._done = 0

    def __call__(self, done: int, total: int) -> None:
        self._advance = self._advance or self._begin(self._what, total)
        self._advance(done - self._done)
        self._done = done


def _unpack(archive: ZipReader, manifest: BackupManifest, work: Path, begin: Begin) -> None:
    archive.refuse_flaws()
    size = sum(map(archive.size, archive.names()))
    if size > shutil.disk_usage(work).free:
        raise StoreFull(f"there is not enough space for {archive.path}")
    advance = begin("Unpacking", size - archive.size(MANIFEST))
    (work / PICTURES).mkdir(FOLDER)
    if _extract(archive, FACES, work / FACES, advance) != manifest.database_sha256:
        raise InvalidArchive(f"{archive.path}: {FACES} has been changed since it was written")
    gallery_database(work / FACES).close()  # raises where it is damaged or too new
    names = [name for name in pictures_named(work / FACES) if name not in manifest.missing]
    expected = {MANIFEST, FACES, *(f"{PICTURES}/{name}" for name in names)}
    for member in sorted(expected ^ set(archive.names())):
        raise InvalidArchive(f"{archive.path}: {member!r} is missing or does not belong there")
    for name in names:
        if not is_picture_name(name):
            raise InvalidArchive(f"{archive.path}: {name!r} is not a valid picture name")
        digest = _extract(archive, f"{PICTURES}/{name}", work / PICTURES / name, advance)
        if name != f"{digest}.jpg":
            raise InvalidArchive(f"{archive.path}: {name} does not match its name")
    with file_errors(work):
        sync(work / PICTURES)


def _manifest(archive: ZipReader) -> BackupManifest:
    if ARCHIVE in archive.names():
        raise InvalidArchive(f"{archive.path} is an export: use `faceserver import`")
    try:
        return BackupManifest.model_validate_json(archive.read(MANIFEST, max_bytes=100_000_000))
    except ValidationError as error:
        raise InvalidArchive(f"{archive.path}: its {MANIFEST} is not that of a backup") from error


def _extract(archive: ZipReader, member: str, target: Path, advance: Advance) -> str:
    """Write a member to a file; return the SHA-256 of what was written."""
    with (
        archive.open(member) as source,
        file_errors(target),
        open(target, "x+b", opener=private) as file,
    ):
        copy(source, file, advance)
        file.flush()
        os.fsync(file.fileno())
        file.seek(0)
        return file_digest(file, "sha256").hexdigest()


def _move_aside(data_dir: Path, old: list[Path]) -> Path | None:
    if not old:
        return None
    aside = folder_before_restore(data_dir)
    for part in reversed(old):  # SQLite's file first: without it nothing is taken for a gallery
        part.replace(aside / part.name)
    sync(aside)
    return aside


@contextmanager
def _work_folder(parent: Path) -> Iterator[Path]:
    with file_errors(parent):
        work = Path(mkdtemp(prefix="faceserver-", suffix=TEMPORARY, dir=parent))
    try:
        yield work
    finally:
        with suppress(OSError):
            shutil.rmtree(work)
