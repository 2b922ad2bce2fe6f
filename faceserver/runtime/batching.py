"""Makes one call of many: what several threads ask for at the same time is done together."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Condition
from time import monotonic
from typing import Any, Generic, Protocol, TypeVar, cast

from faceserver.runtime import deadline


class Sliced(Protocol):
    """What can be cut into parts: a list, or an array by its first axis."""

    def __getitem__(self, part: slice, /) -> Any:
        """A part of it."""
        ...


Item = TypeVar("Item")
Results = TypeVar("Results", bound=Sliced)


@dataclass(eq=False)
class _Job(Generic[Item, Results]):
    """What one caller asks for until when, and what became of it."""

    items: Sequence[Item]
    until: float
    results: Results | None = None
    error: BaseException | None = None
    done: bool = False


class Batcher(Generic[Item, Results]):
    """Joins the calls of several threads. Safe to call from all of them.

    There is no thread of its own, and so nothing to shut down. A caller who finds nobody at work
    begins at once. Who comes meanwhile stands in line; when the work is done, the first in line
    does the next batch: all that stands in line by then. So batches grow with the load, and a
    caller who is alone waits for nothing.
    """

    def __init__(self, run: Callable[[Sequence[Item]], Results], *, most: int, wait: float) -> None:
        """Take the work.

        Args:
            run: turns items into as many results, in order; called by one thread at a time.
            most: items of several callers in one batch; the items of one caller stay together,
                however many they are.
            wait: seconds that a batch of several callers may wait to become full.
        """
        self._run = run
        self._most = most
        self._wait = wait
        self._line: deque[_Job[Item, Results]] = deque()
        self._busy = False
        self._changed = Condition()

    def __call__(self, items: Sequence[Item]) -> Results:
        """The results of these items, in order: a part of what ``run`` returned.

        Raises:
            BaseException: what ``run`` raised for these items; others in the batch do not see it.
        """
        job: _Job[Item, Results] = _Job(items, deadline.end())
        batch = self._stand_in_line(job)
        if batch:
            self._work(batch)
            with self._changed:
                self._busy = False
                self._changed.notify_all()
        try:
            if job.error:
                raise job.error
            return cast("Results", job.results)
        finally:
            del job, batch  # the error holds this frame: without it there is no circle

    def waiting(self) -> int:
        """How many callers stand in line."""
        with self._changed:
            return len(self._line)

    def _stand_in_line(self, job: _Job[Item, Results]) -> list[_Job[Item, Results]]:
        """Wait until a job is done by somebody else, or it is its turn to do the next batch."""
        with self._changed:
            self._line.append(job)
            self._changed.notify_all()
            self._changed.wait_for(lambda: job.done or (not self._busy and self._line[0] is job))
            if job.done:
                return []
            self._busy = True
            self._fill_up()
            return self._take_batch()

    def _fill_up(self) -> None:
        """Where several stand in line, wait a little for more."""
        until = monotonic() + self._wait
        while len(self._line) > 1 and sum(len(job.items) for job in self._line) < self._most:
            if not self._changed.wait(until - monotonic()):
                return

    def _take_batch(self) -> list[_Job[Item, Results]]:
        """The first in line, and those behind it that fit in."""
        batch = [self._line.popleft()]
        size = len(batch[0].items)
        while self._line and size + len(self._line[0].items) <= self._most:
            batch.append(self._line.popleft())
            size += len(batch[-1].items)
        return batch

    def _work(self, batch: Sequence[_Job[Item, Results]]) -> None:
        """Do a batch; where it fails, each job by itself, so that only the guilty one fails."""
        try:
            with deadline.until(max(job.until for job in batch)):
                results = self._run([item for job in batch for item in job.items])
        except BaseException as error:  # noqa: BLE001 - whoever waits for it must hear of it
            if len(batch) == 1:
                batch[0].error = error
            else:
                for job in batch:
                    self._work([job])
        else:
            start = 0
            for job in batch:
                job.results = results[start : start + len(job.items)]
                start += len(job.items)
        for job in batch:
            job.done = True
