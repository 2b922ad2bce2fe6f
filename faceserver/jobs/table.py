"""The jobs and their pictures, in ``jobs.sqlite`` in the data folder."""

import json
import logging
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from faceserver.errors import KeyReused, NotFound, StoreCorrupt, StoreError
from faceserver.jobs.records import Job, JobItem, NewItem, Request, Result, State
from faceserver.jobs.rows import ITEM, JOB, item_from_row, job_from_row, time_text
from faceserver.jobs.schema import MIGRATIONS
from faceserver.layout import JOBS
from faceserver.runtime.database import Database, Transaction
from faceserver.store.base import Page
from faceserver.store.cursor import cursor_after, row_of
from faceserver.transfer.leftout import LeftOut

if TYPE_CHECKING:
    from faceserver.runtime.postgres_rows import PostgresRows, RowsTransaction

_log = logging.getLogger(__name__)

KEPT_FOR = timedelta(days=7)
"""So long a job that has ended is remembered."""

_COUNTED = {
    "stored": "UPDATE jobs SET stored = stored + 1, faces = faces + ? WHERE id = ?",
    "present": "UPDATE jobs SET present = present + 1, faces = faces + ? WHERE id = ?",
    "refused": "UPDATE jobs SET refused = refused + 1, faces = faces + ? WHERE id = ?",
}


class JobTable:
    """All jobs. Safe to call from several threads at once.

    Attributes:
        poll_seconds: how often somebody else may have added a job; None if nobody does.
    """

    poll_seconds: float | None = None
    _database: "Database | PostgresRows"

    def __init__(self, folder: Path) -> None:
        """Open the file, or make it.

        Raises:
            StoreCorrupt: it is damaged, and left as it is.
            StoreError: it cannot be used.
        """
        path = folder / JOBS
        try:
            self._database = Database(path, MIGRATIONS)
        except StoreCorrupt as error:
            raise StoreCorrupt(
                f"{path} is damaged: `faceserver check --repair` sets it aside, and the server "
                "creates a new one; submit unfinished jobs again"
            ) from error

    def listen(self, wake: Callable[[], None]) -> None:
        """Have a function called when somebody else may have added a job; here nobody does."""

    def close(self) -> None:
        """Let go of the file; closing twice does nothing."""
        self._database.close()

    def add(
        self, request: Request, items: Iterable[NewItem], left_out: Sequence[LeftOut] = ()
    ) -> tuple[Job, bool]:
        """Add a job; or find the one that the same key has brought before.

        Args:
            request: what is asked for.
            items: the pictures.
            left_out: files that are not tried; they are listed behind the pictures.

        Returns:
            The job, and whether it is new.

        Raises:
            KeyReused: the key came with another request.
            StoreFull: no space left on the device.
        """
        with self._database.transaction() as transaction:
            known = self._of_key(transaction, request)
            if known is not None:
                return known, False
            self._insert(transaction, request, list(items), left_out)
        return self.get(request.collection, request.id), True

    def get(self, collection: str, job_id: str) -> Job:
        """One job.

        Raises:
            NotFound: the collection has none of that id.
        """
        rows = self._database.read(f"{JOB} WHERE collection = ? AND uuid = ?", collection, job_id)
        if not rows:
            raise NotFound(f"there is no job {job_id!r}")
        return job_from_row(rows[0])

    def page(
        self, collection: str, *, limit: int, cursor: str | None, newest: bool = False
    ) -> Page[Job]:
        """Some of a collection's jobs, in the order they came, or the newest first.

        Raises:
            InvalidCursor: the cursor is none.
        """
        beyond = "(? = 0 OR id < ?) ORDER BY id DESC" if newest else "(? = 0 OR id > ?) ORDER BY id"
        row = row_of(cursor)
        rows = self._database.read(
            f"{JOB} WHERE collection = ? AND {beyond} LIMIT ?", collection, row, row, limit + 1
        )
        following = cursor_after(rows[limit - 1][0]) if len(rows) > limit else None
        return Page(tuple(job_from_row(row) for row in rows[:limit]), following)

    def next_open(self) -> Job | None:
        """The oldest job with something left to do."""
        rows = self._database.read(
            f"{JOB} WHERE state IN ('running', 'queued') ORDER BY id LIMIT 1"
        )
        return job_from_row(rows[0]) if rows else None

    def items(
        self, job: Job, *, limit: int, cursor: str | None = None, state: str | None = None
    ) -> Page[JobItem]:
        """Some of a job's pictures, in the order they came.

        Raises:
            InvalidCursor: the cursor is none.
        """
        rows = self._database.read(
            f"{ITEM} AND number > ? AND (CAST(? AS TEXT) IS NULL OR state = ?)"
            " ORDER BY number LIMIT ?",
            job.row,
            row_of(cursor),
            state,
            state,
            limit + 1,
        )
        following = cursor_after(rows[limit - 1][0]) if len(rows) > limit else None
        return Page(tuple(item_from_row(row) for row in rows[:limit]), following)

    def begin(self, job: Job) -> None:
        """It is being worked on, unless it was cancelled."""
        with self._database.transaction() as transaction:
            transaction.run(
                "UPDATE jobs SET state = 'running' WHERE id = ? AND state = 'queued'", job.row
            )

    def record(self, job: Job, results: Sequence[Result]) -> None:
        """Keep what became of some pictures; one that is not waiting any more stays as it is."""
        with self._database.transaction() as transaction:
            for result in results:
                changed = transaction.run(
                    "UPDATE items SET state = ?, faces = ?, code = ?, reason = ?"
                    " WHERE job = ? AND number = ? AND state = 'waiting'",
                    result.state,
                    json.dumps(result.faces),
                    result.code,
                    result.reason,
                    job.row,
                    result.number,
                )
                transaction.run(
                    "DELETE FROM credentials WHERE job = ? AND number = ?",
                    job.row,
                    result.number,
                )
                if changed:
                    transaction.run(_COUNTED[result.state], len(result.faces), job.row)

    def finish(self, job: Job, state: State, reason: str | None = None) -> bool:
        """End a job, unless it has ended; return whether it had not.

        What was kept of passwords is then overwritten in the file, and not in its log any more.
        """
        with self._database.transaction() as transaction:
            transaction.run("DELETE FROM credentials WHERE job = ?", job.row)
            ended = transaction.run(
                "UPDATE jobs SET state = ?, reason = ?, finished = ?"
                " WHERE id = ? AND state IN ('queued', 'running')",
                state,
                reason,
                time_text(datetime.now(UTC)),
                job.row,
            )
        try:
            self._database.empty_log()
        except StoreError as error:  # somebody reads, or the disk is full: a later end does it
            _log.warning("%s", error)
        return bool(ended)

    def delete(self, job: Job) -> None:
        """Forget a job."""
        with self._database.transaction() as transaction:
            transaction.run("DELETE FROM jobs WHERE id = ?", job.row)

    def scrub(self) -> None:
        """Write the file anew, without what deleted jobs have left.

        Raises:
            StoreFull: no space left on the device; the file is as it was.
        """
        self._database.scrub()

    def faults(self) -> list[str]:
        """What SQLite finds wrong with the file."""
        verdicts = [row[0] for row in self._database.read("PRAGMA integrity_check")]
        lacking = [
            f"{table}, row {row}: what it names in {parent} is gone"
            for table, row, parent, _ in self._database.read("PRAGMA foreign_key_check")
        ]
        return [verdict for verdict in verdicts if verdict != "ok"] + lacking

    def all(self) -> list[Job]:
        """Every job, in the order they came."""
        return [job_from_row(row) for row in self._database.read(f"{JOB} ORDER BY id")]

    def of_collection(self, collection: str) -> list[Job]:
        """All jobs of a collection."""
        return [
            job_from_row(row)
            for row in self._database.read(f"{JOB} WHERE collection = ?", collection)
        ]

    def open_ids(self) -> set[str]:
        """The ids of those with something left to do."""
        rows = self._database.read("SELECT uuid FROM jobs WHERE state IN ('running', 'queued')")
        return {row[0] for row in rows}

    def finished_before(self, time: datetime) -> list[Job]:
        """Those that ended before a time."""
        return [
            job_from_row(row)
            for row in self._database.read(f"{JOB} WHERE finished < ?", time_text(time))
        ]

    def _of_key(self, transaction: "Transaction | RowsTransaction", request: Request) -> Job | None:
        if request.key is None:
            return None
        where = (request.collection, request.key)
        rows = transaction.read(f"{JOB} WHERE collection = ? AND key = ?", *where)
        if not rows:
            return None
        ((known,),) = transaction.read(
            "SELECT fingerprint FROM jobs WHERE collection = ? AND key = ?", *where
        )
        if known != request.fingerprint:
            raise KeyReused("this idempotency key was used before, for another request")
        return job_from_row(rows[0])

    def _insert(
        self,
        transaction: "Transaction | RowsTransaction",
        request: Request,
        items: Sequence[NewItem],
        left_out: Sequence[LeftOut],
    ) -> None:
        transaction.run(
            "INSERT INTO jobs (uuid, collection, kind, largest, state, key, fingerprint, created,"
            " total, renew, left_out) VALUES (?, ?, ?, ?, 'queued', ?, ?, ?, ?, ?, ?)",
            request.id,
            request.collection,
            request.kind,
            int(request.largest),
            request.key,
            request.fingerprint,
            time_text(datetime.now(UTC)),
            len(items),
            int(request.update),
            len(left_out),
        )
        ((row,),) = transaction.read("SELECT id FROM jobs WHERE uuid = ?", request.id)
        transaction.run_many(
            "INSERT INTO items (job, number, source, person, tags, external_id)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (
                (row, number, item.source, item.person, json.dumps(item.tags), item.external_id)
                for number, item in enumerate(items, start=1)
            ),
        )
        transaction.run_many(
            "INSERT INTO credentials (job, number, username, password, scheme)"
            " VALUES (?, ?, ?, ?, ?)",
            (
                (row, number, known.username, known.password, known.scheme)
                for number, item in enumerate(items, start=1)
                if (known := item.credentials)
            ),
        )
        transaction.run_many(
            "INSERT INTO items (job, number, source, tags, state, code, reason)"
            " VALUES (?, ?, ?, '[]', 'left_out', 'left_out', ?)",
            (
                (row, number, item.name, f"{item.reason}: {item.detail}".removesuffix(": "))
                for number, item in enumerate(left_out, start=len(items) + 1)
            ),
        )
