"""Jobs in the database that several servers share: each is done by one, and by another if it dies.

A server claims a job for half a minute, and again and again while it lives. Jobs whose zip is not
in its data folder it leaves to others; servers that share the folder of zips share all jobs.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from threading import Event, Thread
from uuid import uuid4

from faceserver.errors import AlreadyExists, Conflict, StoreError
from faceserver.jobs.records import Job, NewItem, Request, Result, State
from faceserver.jobs.rows import JOB, job_from_row
from faceserver.jobs.table import JobTable
from faceserver.runtime.postgres import Postgres
from faceserver.runtime.postgres_listening import Listener
from faceserver.runtime.postgres_rows import PostgresRows
from faceserver.transfer.leftout import LeftOut

_log = logging.getLogger(__name__)

LEASE_SECONDS = 30
"""So long a job waits for a server that has died."""

_RENEW_SECONDS = 7.5

_CLAIM = """
    UPDATE jobs SET worker = ?, state = 'running', lease = now() + make_interval(secs => ?)
    WHERE id = (
        SELECT id FROM jobs
        WHERE state IN ('queued', 'running') AND (kind <> 'zip' OR uuid = ANY(?))
            AND (worker IS NULL OR worker = ? OR lease < now())
        ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED
    ) RETURNING id
"""


class SharedJobTable(JobTable):
    """All jobs of all servers. Safe to call from several threads at once."""

    poll_seconds = 2.0

    def __init__(self, database: Postgres, *, zips: Callable[[], list[str]]) -> None:
        """Take the database, which this object closes.

        Args:
            database: with the schema of this version.
            zips: the ids of those jobs whose zips this server can read.
        """
        self._database: PostgresRows = PostgresRows(database)
        self._zips = zips
        self._worker = uuid4().hex
        self._closing = Event()
        self._renewing = Thread(target=self._renew, name="leases", daemon=True)
        self._listener: Listener | None = None

    def listen(self, wake: Callable[[], None]) -> None:
        """Have a function called when a server has added a job, or given one back."""
        self._listener = self._database.listener("jobs", wake)

    def add(
        self, request: Request, items: Iterable[NewItem], left_out: Sequence[LeftOut] = ()
    ) -> tuple[Job, bool]:
        """Add a job; or find the one that the same key has brought before, to any server."""
        listed = list(items)
        try:
            return super().add(request, listed, left_out)
        except AlreadyExists:  # at the same moment: now it is found
            return super().add(request, listed, left_out)

    def next_open(self) -> Job | None:
        """Claim the oldest job with something left to do that no living server does."""
        if self._renewing.ident is None:
            self._renewing.start()
        with self._database.transaction() as transaction:
            claimed = transaction.read(
                _CLAIM, self._worker, LEASE_SECONDS, self._zips(), self._worker
            )
            rows = transaction.read(f"{JOB} WHERE id = ?", claimed[0][0]) if claimed else []
        return job_from_row(rows[0]) if rows else None

    def record(self, job: Job, results: Sequence[Result]) -> None:
        """Keep what became of some pictures.

        Raises:
            Conflict: another server runs this job by now.
        """
        self._check_claim(job)
        super().record(job, results)

    def finish(self, job: Job, state: State, reason: str | None = None) -> bool:
        """End a job, unless it has ended, or another server does it by now."""
        if state != "cancelled" and not self._is_claimed(job):
            return False
        return super().finish(job, state, reason)

    def close(self) -> None:
        """Leave to others what is not done, and let go of the database."""
        if self._closing.is_set():
            return
        self._closing.set()
        if self._renewing.ident is not None:
            self._renewing.join()
        if self._listener is not None:
            self._listener.close()
        try:
            self._run("UPDATE jobs SET worker = NULL, lease = NULL WHERE worker = ?", self._worker)
        except StoreError as error:  # they are left to others a little later
            _log.warning("claims of jobs could not be given back: %s", error)
        self._database.close()

    def _check_claim(self, job: Job) -> None:
        if not self._is_claimed(job):
            raise Conflict("another server runs this job")

    def _is_claimed(self, job: Job) -> bool:
        """Whether this server has the job, or could go on with it; then it has it again."""
        return bool(
            self._run(
                "UPDATE jobs SET worker = ?, lease = now() + make_interval(secs => ?)"
                " WHERE id = ? AND (worker = ? OR worker IS NULL)",
                self._worker,
                LEASE_SECONDS,
                job.row,
                self._worker,
            )
        )

    def _renew(self) -> None:
        while not self._closing.wait(_RENEW_SECONDS):
            try:
                self._run(
                    "UPDATE jobs SET lease = now() + make_interval(secs => ?)"
                    " WHERE worker = ? AND state = 'running'",
                    LEASE_SECONDS,
                    self._worker,
                )
            except StoreError as error:
                _log.warning("claims of jobs could not be renewed: %s", error)

    def _run(self, statement: str, *values: object) -> int:
        with self._database.transaction() as transaction:
            return transaction.run(statement, *values)


def purge_shared_jobs(url: str, collection: str | None) -> int:
    """Forget all jobs of a collection, or all; return how many there were.

    Raises:
        StoreError: the database refused.
    """
    table = SharedJobTable(Postgres(url, connections=2), zips=list)
    try:
        jobs = table.all() if collection is None else table.of_collection(collection)
        for job in jobs:
            table.delete(job)
        return len(jobs)
    finally:
        table.close()
