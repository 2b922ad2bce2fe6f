"""Shares the parts of one piece of work out among threads."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from faceserver.runtime import deadline

Given = TypeVar("Given")
Made = TypeVar("Made")


class Helpers:
    """Threads that help whoever has several things to do. Safe to call from several threads.

    Callers work as well, and do themselves what no helper has begun. So nobody waits for a helper
    that is busy elsewhere: the more callers there are, the less help is left for each.
    """

    def __init__(self, count: int) -> None:
        """Take the number of helpers; without any, callers do everything themselves."""
        self._count = count
        self._pool = ThreadPoolExecutor(count, "helper") if count else None

    def __len__(self) -> int:
        """How many there are."""
        return self._count

    def map(self, make: Callable[[Given], Made], items: Iterable[Given]) -> list[Made]:
        """Make something of each item, in order.

        Raises:
            BaseException: what ``make`` raised for one of them.
        """
        waiting = list(items)
        if self._pool is None or len(waiting) < 2:
            return [make(item) for item in waiting]
        end = deadline.end()  # it goes along with the work
        futures = [self._pool.submit(_made_until, end, make, item) for item in waiting[1:]]
        try:
            first = make(waiting[0])
            # Helpers go on from the second item, the caller from the last, until they meet.
            others = [
                make(item) if future.cancel() else future.result()
                for item, future in zip(reversed(waiting[1:]), reversed(futures), strict=True)
            ]
        finally:
            for future in futures:
                future.cancel()
        return [first, *reversed(others)]


def _made_until(end: float, make: Callable[[Given], Made], item: Given) -> Made:
    with deadline.until(end):
        return make(item)


NOBODY = Helpers(0)
"""Leaves everything to the caller."""
