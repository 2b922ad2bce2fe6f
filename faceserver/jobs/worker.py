"""Works the jobs off, one after the other, in a thread of its own."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from faceserver.errors import Conflict, FaceServerError, NotFound, StoreError
from faceserver.jobs.records import Job, JobItem, Result
from faceserver.jobs.sources import ZipFolder, url_item
from faceserver.jobs.table import JobTable
from faceserver.runtime.threads import pictures_at_once
from faceserver.runtime.turns import Turns
from faceserver.services.context import Context
from faceserver.services.outcomes import (
    Changed,
    Differs,
    NewPicture,
    Outcome,
    Refused,
    Registered,
    Rules,
)
from faceserver.services.pipeline import run
from faceserver.services.telling import Event
from faceserver.store.base import Collection
from faceserver.store.cursor import cursor_after

_log = logging.getLogger(__name__)

_AT_ONCE = 16
"""Pictures between two safe points: after a crash so many are looked at again."""

_INTERNAL = "something went wrong inside the server; its log has the details"

ToPicture = Callable[[JobItem], NewPicture]


class Worker:
    """The thread; it holds no state that is not in the table.

    Attributes:
        wake: to be called when there is a new job.
        stop: begins nothing after the next safe point, and does not wait for it.
        close: stops at the next safe point, and waits for it.
    """

    def __init__(self, table: JobTable, zips: ZipFolder, context: Context) -> None:
        """Take the jobs and what does their work; :meth:`start` begins."""
        self._table = table
        self._zips = zips
        self._context = context
        self._turns = Turns("jobs", self._work)
        self.wake = self._turns.wake
        self.stop = self._turns.stop
        self.close = self._turns.close

    def start(self) -> None:
        """Begin to work."""
        self._table.listen(self.wake)
        self._turns.start()

    def _work(self) -> float | None:
        """Work off the next job; return how long to wait for one where there is none."""
        try:
            job = self._table.next_open()
            if job is not None:
                self._run(job)
                return 0
        except StoreError as error:  # a database may come back
            _log.warning("the jobs cannot be reached: %s", error)
        return self._table.poll_seconds

    def _run(self, job: Job) -> None:
        self._table.begin(job)
        try:
            with self._items(job) as to_picture:
                is_over = self._take_in(job, to_picture)
        except FaceServerError as error:
            _log.warning("job %s failed: %s", job.id, error)
            self._end(job, f"{error} ({error.code})")
        except Exception:  # noqa: BLE001 - the thread must live on, for the other jobs
            _log.exception("job %s failed", job.id)
            self._end(job, f"{_INTERNAL} (internal_error)")
        else:
            if is_over:
                self._end(job)

    def _end(self, job: Job, failure: str | None = None) -> None:
        # Where it had ended, who ended it has seen to its zip; or another server does the job.
        if self._table.finish(job, "failed" if failure else "done", failure):
            tell_end(self._context, self._table, job)
            self._zips.remove(job.id)

    @contextmanager
    def _items(self, job: Job) -> Iterator[ToPicture]:
        if job.kind == "urls":
            yield lambda item: url_item(item.item, self._context.fetch)
            return
        with self._zips.opened(job.id) as found:
            yield lambda item: found.item(item.result.number, item.item.source)

    def _take_in(self, job: Job, to_picture: ToPicture) -> bool:
        """Take in what is waiting; return whether nothing is left, or nobody wants it any more."""
        cursor = None
        rules = Rules(largest=job.largest, update=job.update, at_once=pictures_at_once())
        claims: dict[str, str] = {}
        while not self._turns.is_stopping:
            if not self._is_wanted(job):
                return True
            page = self._table.items(job, limit=_AT_ONCE, cursor=cursor, state="waiting")
            if page.items:
                pictures = [to_picture(item) for item in page.items]
                outcomes = self._register(job, pictures, rules, claims)
                self._table.record(
                    job,
                    [
                        _result(item.result.number, outcome)
                        for item, outcome in zip(page.items, outcomes, strict=True)
                    ],
                )
                cursor = cursor_after(page.items[-1].result.number)
            if page.cursor is None:
                return True
        return False

    def _is_wanted(self, job: Job) -> bool:
        return job.id in self._table.open_ids()

    def _register(
        self, job: Job, pictures: Sequence[NewPicture], rules: Rules, claims: dict[str, str]
    ) -> list[Outcome]:
        def act(held: Collection) -> list[Outcome]:
            # Asked once the collection is in hand: a deletion forgets the job before it ends the
            # collection, so that this one is either wanted or refuses what is stored.
            if not self._is_wanted(job):
                raise Conflict("the job was cancelled")
            return list(run(self._context, held, pictures, rules, claims))

        return self._context.on(job.collection, act)


def tell_end(context: Context, table: JobTable, job: Job) -> None:
    """Let those hear of a job's end who want to."""
    try:
        lifetime = context.store.collection(job.collection).lifetime
        ended = table.get(job.collection, job.id)
    except NotFound:  # the collection has just been deleted, and its jobs with it
        return
    data = {
        "id": ended.id,
        "state": ended.state,
        "reason": ended.reason,
        "total": ended.total,
        "stored": ended.stored,
        "present": ended.present,
        "refused": ended.refused,
        "faces": ended.faces,
    }
    context.tell(Event("job", ended.collection, data, lifetime))


def _result(number: int, outcome: Outcome) -> Result:
    if isinstance(outcome, Registered):
        return Result(number, "stored", tuple(face.id for face in outcome.faces))
    if isinstance(outcome, Refused):
        return Result(number, "refused", code=outcome.error.code, reason=str(outcome.error))
    if isinstance(outcome, Changed):
        return Result(number, "present", code="changed", reason=outcome.change)
    if isinstance(outcome, Differs):
        return Result(number, "present", code="differs", reason=outcome.reason)
    return Result(number, "present")
