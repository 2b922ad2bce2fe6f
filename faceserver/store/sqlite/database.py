"""The file of a gallery."""

from pathlib import Path

from faceserver.runtime.database import Database
from faceserver.store.sqlite.commits import CommitFile
from faceserver.store.sqlite.migrations import MIGRATIONS


def gallery_database(path: Path, *, commits: CommitFile | None = None) -> Database:
    """Open the file of a gallery, or make it; see :class:`~faceserver.runtime.database.Database`.

    Args:
        path: of the file.
        commits: where transactions are counted; tells now what is lost of them.

    Raises:
        StoreCorrupt: the file is damaged; it is left as it was.
        StoreTooNew: its schema is one of a later version; it is left as it was.
        StoreFull: no space left on the device.
        StoreError: SQLite refused for another reason.
    """
    return Database(path, MIGRATIONS, witness=commits)
