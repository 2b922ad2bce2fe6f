"""Keeps what is refused over and over from filling the audit log.

Whoever is refused can be refused a thousand times a second. The first few of a kind in a minute are
written one by one; how many more there were is written once the minute is over.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from threading import Lock
from time import monotonic

from faceserver.access.addresses import place_of
from faceserver.access.event import Event

TOLD = 5
"""So many of a kind are written one by one."""

SECONDS = 60.0
"""Then they begin anew."""

KINDS = 200
"""So many are told apart at the same time; the others count together, by their result."""


@dataclass
class _Run:
    event: Event
    ends: float
    count: int = 0

    def summary(self) -> Event | None:
        """What stands for those that were not written; None where all were."""
        if self.count <= TOLD:
            return None
        return replace(self.event, target={}, request_id=None, repeats=self.count - TOLD)


class Repeats:
    """Writes events, of many that are alike only some. Safe to use from several threads."""

    def __init__(self, write: Callable[[Event], None]) -> None:
        """Take what writes an event."""
        self._write = write
        self._runs: dict[object, _Run] = {}
        self._lock = Lock()

    def write(self, event: Event) -> None:
        """Write an event, or count it."""
        with self._lock:
            written = [*self._ended(), *self._added(event)]
        for each in written:
            self._write(each)

    def flush(self) -> None:
        """Write what was counted and is not written yet."""
        with self._lock:
            ended, self._runs = self._runs, {}
        for summary in filter(None, (run.summary() for run in ended.values())):
            self._write(summary)

    def _added(self, event: Event) -> Iterator[Event]:
        key: object = (event.who, event.result, place_of(event.address or ""))
        if key not in self._runs and len(self._runs) >= KINDS:
            key = event.result
            event = Event(who="several", what="several", result=event.result, status=event.status)
        run = self._runs.setdefault(key, _Run(event, monotonic() + SECONDS))
        run.count += 1
        if run.count <= TOLD:
            yield event

    def _ended(self) -> Iterator[Event]:
        now = monotonic()
        for key in [key for key, run in self._runs.items() if run.ends < now]:
            summary = self._runs.pop(key).summary()
            if summary:
                yield summary
