"""Opens a data folder: one process alone holds it, and what was cut off in it is undone first."""

import logging
from contextlib import ExitStack
from pathlib import Path

from faceserver.errors import StoreMismatch
from faceserver.layout import COMMITS, FACES
from faceserver.runtime.atomic_files import file_errors, make_folder, sync
from faceserver.runtime.folder_lock import folder_lock
from faceserver.store.base import DEFAULT
from faceserver.store.index.snapshot import allow_copies
from faceserver.store.options import Options
from faceserver.store.sqlite.commits import CommitFile
from faceserver.store.sqlite.database import gallery_database
from faceserver.store.sqlite.leftovers import undo_unfinished
from faceserver.store.sqlite.privacy import tighten_data
from faceserver.store.sqlite.store import DurableStore
from faceserver.store.sweeping import remove_own_temporaries

_log = logging.getLogger(__name__)


def open_store(
    folder: Path, *, model: str, dims: int, options: Options | None = None
) -> DurableStore:
    """Open a data folder, or make it.

    Args:
        folder: the data folder; this process alone holds it until the store is closed.
        model: whose embeddings the default collection holds.
        dims: their length.
        options: how it behaves.

    Raises:
        StoreLocked: another process holds the folder.
        StoreCorrupt: SQLite's file is damaged; it is left as it was.
        StoreTooNew: it was written by a later version; it is left as it was.
        StoreMismatch: the default collection holds faces of another model.
        StoreFull: no space left on the device.
        StoreError: the system refused.
    """
    allow_copies()
    make_folder(folder)
    with ExitStack() as held:
        held.enter_context(folder_lock(folder))
        tighten_data(folder)
        undo_unfinished(folder)
        remove_own_temporaries(folder)
        commits = CommitFile(folder / COMMITS)
        held.callback(commits.close)
        database = gallery_database(folder / FACES, commits=commits)
        held.callback(database.close)
        if commits.loss:
            _log.error("%s: %s", database.path, commits.loss)
        with file_errors(folder):
            sync(folder)
        store = DurableStore(folder, database, options or Options(), loss=commits.loss)
        held.callback(store.stop)
        _bind_default(store, model=model, dims=dims)
        if not store.options.any_model:
            _check_default(store, database.path, model=model, dims=dims)
        store.release = held.pop_all()
        return store


def _bind_default(store: DurableStore, *, model: str, dims: int) -> None:
    if DEFAULT not in store.collections():
        store.create(DEFAULT, model=model, dims=dims)


def _check_default(store: DurableStore, path: Path, *, model: str, dims: int) -> None:
    held = store.collection()
    if (held.model, held.dims) != (model, dims):
        raise StoreMismatch(
            f"{path} holds faces of the model {held.model} ({held.dims} numbers), not of "
            f"{model} ({dims}): go back to that model, choose another folder with "
            "FACESERVER_DATA_DIR, or change the gallery to the new model: "
            "`faceserver change-model` does it at once, FACESERVER_CHANGE_MODEL=true while the "
            "server runs"
        )
