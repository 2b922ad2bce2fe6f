"""What repair and restore set aside in a data folder, so that a purge finds it again.

::

    damaged/<collection's row id>/   rows and pictures that could not be read
    before-restore-<time>/           the gallery that a backup took the place of
    restore-<random>.tmp/            a backup on its way in; left by a crash alone
"""

import logging
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from tempfile import mkdtemp

from faceserver.errors import StoreCorrupt, StoreTooNew
from faceserver.layout import BEFORE_RESTORE, DAMAGED, FACES, INDEX, LOCK, RESTORING, TEMPORARY
from faceserver.runtime.atomic_files import file_errors, make_folder, sync
from faceserver.runtime.folder_lock import folder_lock
from faceserver.store.pictures import PictureFolder, PictureStore
from faceserver.store.sqlite.collectiontable import CollectionTable
from faceserver.store.sqlite.database import gallery_database

_log = logging.getLogger(__name__)


def damaged_folder(data_dir: Path, collection: int) -> Path:
    """Where repair puts what belongs to a collection, by its row id; made where it is missing.

    Raises:
        StoreError: the system refused.
    """
    make_folder(data_dir / DAMAGED)
    folder = data_dir / DAMAGED / str(collection)
    make_folder(folder)
    return folder


def folder_before_restore(data_dir: Path) -> Path:
    """A new folder for the gallery that a backup takes the place of.

    Raises:
        StoreError: the system refused.
    """
    folder = data_dir / f"{BEFORE_RESTORE}{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}"
    make_folder(folder)
    return folder


@contextmanager
def restoring_folder(data_dir: Path) -> Iterator[Path]:
    """Lend the block a folder to unpack a backup in; it goes with all that is in it.

    What a restore that was killed has left is made up for first.

    Args:
        data_dir: the data folder; this process alone holds it.

    Raises:
        StoreError: the system refused.
    """
    undo_unfinished(data_dir)
    with file_errors(data_dir):
        work = Path(mkdtemp(prefix=RESTORING, suffix=TEMPORARY, dir=data_dir))
    try:
        yield work
    finally:
        with suppress(OSError):
            shutil.rmtree(work)


def is_restore_cut_off(data_dir: Path) -> bool:
    """Whether a restore was killed here, or is just under way."""
    return any(data_dir.glob(f"{RESTORING}*{TEMPORARY}"))


def undo_unfinished(data_dir: Path) -> None:
    """Make up for a restore that was killed: the old gallery comes back, what was unpacked goes.

    Nothing happens where none was. Killed itself, it goes on when it is called again.

    Args:
        data_dir: the data folder; this process alone holds it.

    Raises:
        StoreError: the system refused.
    """
    unpacked = sorted(data_dir.glob(f"{RESTORING}*{TEMPORARY}"))
    if not unpacked:
        return
    if not (data_dir / FACES).exists():
        for old in sorted(data_dir.glob(f"{BEFORE_RESTORE}*/{FACES}"))[-1:]:
            _log.warning("a restore was cut off: the gallery that was there comes back")
            _put_back(old.parent, data_dir)
    for folder in data_dir.glob(f"{BEFORE_RESTORE}*"):
        with suppress(OSError):  # it is not empty: something was moved there by another restore
            folder.rmdir()
    for folder in unpacked:
        _remove(folder)


def _put_back(aside: Path, data_dir: Path) -> None:
    """Move a gallery back in its place; SQLite's file comes last, it makes the rest valid."""
    with file_errors(data_dir):
        for path in sorted(aside.iterdir(), key=lambda path: path.name == FACES):
            if path.name == LOCK:
                continue  # the data folder's own is held just now
            target = data_dir / path.name
            if target.is_dir():  # of the backup
                shutil.rmtree(target)
            path.replace(target)
        sync(data_dir)


def purge_all_aside(data_dir: Path) -> tuple[str, ...]:
    """Remove everything that was set aside; return the names of the folders.

    Raises:
        StoreError: the system refused.
    """
    folders = [*data_dir.glob(DAMAGED), *sorted(data_dir.glob(f"{BEFORE_RESTORE}*"))]
    for folder in folders:
        _remove(folder)
    return tuple(folder.name for folder in folders)


def purge_collection_aside(
    data_dir: Path, collection: int, name: str
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Remove what was set aside of one collection.

    Args:
        data_dir: the data folder.
        collection: the collection's row id.
        name: of the collection; galleries that were set aside know it by that.

    Returns:
        The folders, relative to the data folder, that went or that hold it no more; and those of
        galleries that cannot be opened, so that nobody knows whether they hold it.

    Raises:
        StoreError: the system refused.
    """
    gone, unknown = [], []
    damaged = data_dir / DAMAGED / str(collection)
    if damaged.exists():
        _remove(damaged)
        gone.append(f"{DAMAGED}/{collection}")
    for folder in sorted(data_dir.glob(f"{BEFORE_RESTORE}*")):
        try:
            held = _purge_closed(folder, name)
        except (StoreCorrupt, StoreTooNew):
            unknown.append(folder.name)
            continue
        if held:
            gone.append(folder.name)
    return tuple(gone), tuple(unknown)


def _purge_closed(folder: Path, name: str) -> bool:
    """Purge a collection of a gallery that nobody has open; return whether it was there."""
    if not (folder / FACES).is_file():
        return False  # a restore was cut off here: what is in the folder has no names
    with folder_lock(folder), closing(gallery_database(folder / FACES)) as database:
        table = CollectionTable(database)
        rows = [row for row in table.all() if row.name == name]
        for row in rows:
            for part in (folder / DAMAGED / str(row.id), folder / INDEX / str(row.id)):
                if part.exists():
                    _remove(part)
            table.empty(row.id, drop=True)
            pictures = PictureStore(PictureFolder(folder), in_use=table.shows)
            pictures.discard(pictures.names())
            database.scrub()
    return bool(rows)


def _remove(folder: Path) -> None:
    with file_errors(folder):
        shutil.rmtree(folder)
