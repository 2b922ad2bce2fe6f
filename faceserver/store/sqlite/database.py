"""The file of a gallery."""

from pathlib import Path

from faceserver.runtime.database import Database, Transaction
from faceserver.store.sqlite.commits import CommitFile, Committed
from faceserver.store.sqlite.migrations import MIGRATIONS

_COMMITTED = """
    SELECT changes, (SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'faces')
    FROM commits
"""
"""The row ids of faces only ever rise, so that the highest tells how many were ever stored."""


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
    return Database(path, MIGRATIONS, witness=_Counter(commits) if commits else None)


class _Counter:
    """Counts each transaction inside SQLite's file, and then beside it."""

    def __init__(self, commits: CommitFile) -> None:
        self._commits = commits
        self._now = Committed(0, 0)

    def opened(self, transaction: Transaction) -> None:
        self._commits.compare(_committed(transaction))

    def committing(self, transaction: Transaction) -> None:
        transaction.run("UPDATE commits SET changes = changes + 1")
        self._now = _committed(transaction)

    def committed(self) -> None:
        self._commits.note(self._now)


def _committed(transaction: Transaction) -> Committed:
    ((changes, faces),) = transaction.read(_COMMITTED)
    return Committed(changes, faces)
