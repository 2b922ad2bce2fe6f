"""Where jobs are handed in, asked about and cancelled."""

import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from hashlib import file_digest, sha256
from pathlib import Path
from threading import Lock
from typing import IO

from faceserver.errors import Conflict, InvalidArchive, TooManyItems
from faceserver.jobs.records import Job, JobItem, NewItem, Request
from faceserver.jobs.sources import ZipFolder
from faceserver.jobs.table import KEPT_FOR, JobTable
from faceserver.jobs.worker import Worker, tell_end
from faceserver.layout import JOB_ZIPS
from faceserver.runtime.atomic_files import file_errors
from faceserver.runtime.private_files import private
from faceserver.services.context import Context
from faceserver.store.base import Page
from faceserver.transfer.leftout import LeftOut, told


class Jobs:
    """The jobs of a data folder. Safe to call from several threads at once."""

    def __init__(
        self,
        folder: Path,
        context: Context,
        *,
        max_items: int,
        open_table: Callable[[Path, ZipFolder], JobTable] = lambda folder, _: JobTable(folder),
    ) -> None:
        """Open the jobs; :meth:`start` goes on with those that an earlier process left.

        Args:
            folder: the data folder.
            context: what does the work.
            max_items: most pictures of one job.
            open_table: opens the table of jobs, by default that of the data folder.

        Raises:
            StoreError: the folder cannot be used.
        """
        self._store = context.store
        self._context = context
        self._max_items = max_items
        self._submitting = Lock()
        self._being_deleted: Counter[str] = Counter()
        self._zips = ZipFolder(folder / JOB_ZIPS, max_bytes=context.limits.max_bytes)
        self._table = open_table(folder, self._zips)
        self._worker = Worker(self._table, self._zips, context)

    def start(self) -> None:
        """Begin to work."""
        self._expire()
        if self._table.poll_seconds is None:  # nobody else puts zips there
            self._zips.keep_only(self._table.open_ids())
        self._worker.start()

    def count_open(self) -> int:
        """How many jobs wait or run."""
        return len(self._table.open_ids())

    def stop(self) -> None:
        """Begin nothing after the next safe point; does not wait for it."""
        self._worker.stop()

    def close(self) -> None:
        """Stop at the next safe point; what is left is done by the next process."""
        self._worker.close()
        self._table.close()

    def submit_urls(
        self,
        collection: str,
        items: Sequence[NewItem],
        *,
        largest: bool,
        key: str | None,
        update: bool = False,
    ) -> tuple[Job, bool]:
        """Have pictures fetched and taken in.

        What their hosts ask for is kept until each has been fetched, and does not count when
        requests are compared: the hash of a password would be kept as long as the job.

        Returns:
            The job, and whether it is new: the same key finds the same job.

        Raises:
            NotFound: there is no such collection.
            TooManyItems: there are more pictures than a job takes.
            KeyReused: the key came with another request.
        """
        self._store.collection(collection)
        listed = [[item.source, item.person, item.tags, item.external_id] for item in items]
        fingerprint = sha256(json.dumps([largest, listed]).encode()).hexdigest() + _also(update)
        request = Request(collection, "urls", largest, fingerprint, key, update=update)
        return self._submit(request, items)

    def submit_zip(
        self,
        collection: str,
        file: IO[bytes],
        *,
        largest: bool,
        key: str | None,
        update: bool = False,
    ) -> tuple[Job, bool]:
        """Have the pictures of a zip taken in; the folders in it name the people.

        Returns:
            The job, and whether it is new: the same key finds the same job.

        Raises:
            NotFound: there is no such collection.
            InvalidArchive: it is no zip, or holds no picture.
            TooManyItems: it holds more pictures than a job takes.
            KeyReused: the key came with another request.
            StoreFull: no space left on the device.
        """
        self._store.collection(collection)
        digest = file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
        file.seek(0)
        fingerprint = f"{digest} {largest}{_also(update)}"
        request = Request(collection, "zip", largest, fingerprint, key, update=update)
        path = self._zips.path(request.id)
        with ExitStack() as undo:
            undo.callback(path.unlink, missing_ok=True)
            with file_errors(path), open(path, "xb", opener=private) as copy:
                shutil.copyfileobj(file, copy)
            with self._zips.opened(request.id) as found:
                items = [NewItem(item.source, item.person) for item in found.items]
                left_out = found.left_out
            if not items:
                hint = f"; left out: {told(left_out)}" if left_out else ""
                raise InvalidArchive(f"the zip contains no pictures{hint}")
            job, is_new = self._submit(request, items, left_out)
            if is_new:
                undo.pop_all()
        return job, is_new

    def get(self, collection: str, job_id: str) -> Job:
        """One job.

        Raises:
            NotFound: the collection has none of that id.
        """
        return self._table.get(collection, job_id)

    def page(
        self, collection: str, *, limit: int, cursor: str | None, newest: bool = False
    ) -> Page[Job]:
        """Some of a collection's jobs, in the order they came, or the newest first.

        Raises:
            NotFound: there is no such collection.
            InvalidCursor: the cursor is none.
        """
        self._store.collection(collection)
        return self._table.page(collection, limit=limit, cursor=cursor, newest=newest)

    def items(
        self,
        collection: str,
        job_id: str,
        *,
        limit: int,
        cursor: str | None,
        state: str | None = None,
    ) -> Page[JobItem]:
        """Some of a job's pictures and what became of them.

        Raises:
            NotFound: the collection has no job of that id.
            InvalidCursor: the cursor is none.
        """
        job = self._table.get(collection, job_id)
        return self._table.items(job, limit=limit, cursor=cursor, state=state)

    def cancel(self, collection: str, job_id: str) -> Job:
        """Stop a job at the next safe point; what is stored stays.

        Raises:
            NotFound: the collection has none of that id.
            Conflict: it has ended.
        """
        job = self._table.get(collection, job_id)
        if not self._table.finish(job, "cancelled"):
            raise Conflict(f"the job is {self._table.get(collection, job_id).state}")
        self._zips.remove(job.id)
        tell_end(self._context, self._table, job)
        return self._table.get(collection, job_id)

    def delete(self, collection: str, job_id: str) -> None:
        """Forget a job that has ended; its faces stay.

        Raises:
            NotFound: the collection has none of that id.
            Conflict: it has not ended.
        """
        job = self._table.get(collection, job_id)
        if job.is_open:
            raise Conflict(f"the job is {job.state}: cancel it first")
        self._table.delete(job)

    @contextmanager
    def forgetting(self, collection: str) -> Iterator[None]:
        """Cancel and forget all jobs of a collection; the block deletes it.

        None is taken in meanwhile, so that no job from before stores anything afterwards.
        """
        with self._submitting:
            self._being_deleted[collection] += 1
        try:
            self._forget(collection)
            yield
        finally:
            with self._submitting:
                self._being_deleted -= Counter([collection])

    def _forget(self, collection: str) -> None:
        jobs = self._table.of_collection(collection)
        for job in jobs:
            self._table.delete(job)
            self._zips.remove(job.id)
        if jobs:
            self._table.scrub()

    def _submit(
        self, request: Request, items: Sequence[NewItem], left_out: Sequence[LeftOut] = ()
    ) -> tuple[Job, bool]:
        if len(items) > self._max_items:
            raise TooManyItems(
                f"{len(items)} pictures are too many: at most {self._max_items} a job"
            )
        self._expire()
        with self._submitting:
            if self._being_deleted[request.collection]:
                raise Conflict(f"the collection {request.collection!r} is being deleted")
            self._store.collection(request.collection)
            job, is_new = self._table.add(request, items, left_out)
        self._worker.wake()
        return job, is_new

    def _expire(self) -> None:
        for job in self._table.finished_before(datetime.now(UTC) - KEPT_FOR):
            self._table.delete(job)


def _also(update: bool) -> str:
    return " update" if update else ""
