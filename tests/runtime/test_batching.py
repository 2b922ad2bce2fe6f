"""Batches of several threads, formed without a clock: threads are let on by events."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event

import pytest

from faceserver.runtime import deadline
from faceserver.runtime.batching import Batcher

LONG = 60.0
"""A time that no test reaches."""


class Work:
    """Doubles numbers; the first batch stays at work until it is let go."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.begun = Event()
        self.go = Event()

    def __call__(self, items: Sequence[int]) -> Sequence[int]:
        self.batches.append(list(items))
        self.begun.set()
        assert self.go.wait(LONG)
        if -1 in items:
            raise ValueError("-1 cannot be doubled")
        return [2 * item for item in items]


@contextmanager
def callers(
    batcher: Batcher[int, Sequence[int]], work: Work
) -> Iterator[Callable[..., Future[Sequence[int]]]]:
    """Starts callers one after the other: each stands in line before the next comes."""
    with ThreadPoolExecutor(16) as pool:

        def call(*items: int) -> Future[Sequence[int]]:
            if not work.begun.is_set():
                future = pool.submit(batcher, items)
                assert work.begun.wait(LONG)
                return future
            before = batcher.waiting()
            future = pool.submit(batcher, items)
            while batcher.waiting() == before:
                assert not future.done()
            return future

        try:
            yield call
        finally:
            work.go.set()


def test_a_caller_who_is_alone_waits_for_nothing() -> None:
    work = Work()
    work.go.set()
    assert Batcher(work, most=16, wait=LONG)([1, 2]) == [2, 4]
    assert work.batches == [[1, 2]]


def test_who_comes_meanwhile_is_served_together() -> None:
    work = Work()
    batcher = Batcher(work, most=8, wait=0)
    with callers(batcher, work) as call:
        futures = [call(number) for number in range(8)]
        work.go.set()
    assert [future.result() for future in futures] == [[2 * number] for number in range(8)]
    assert work.batches == [[0], [1, 2, 3, 4, 5, 6, 7]]


def test_a_batch_has_its_limit_and_keeps_callers_whole() -> None:
    work = Work()
    batcher = Batcher(work, most=4, wait=0)
    with callers(batcher, work) as call:
        futures = [call(*items) for items in ([0], [1, 2, 3], [4, 5], [6], [7] * 9, [8])]
        work.go.set()
    assert [len(future.result()) for future in futures] == [1, 3, 2, 1, 9, 1]
    assert work.batches == [[0], [1, 2, 3], [4, 5, 6], [7] * 9, [8]]


def test_several_wait_until_their_batch_is_full() -> None:
    work = Work()
    batcher = Batcher(work, most=3, wait=LONG)
    with callers(batcher, work) as call, ThreadPoolExecutor(1) as late:
        first = [call(number) for number in range(3)]
        work.go.set()
        assert first[0].result() == [0]
        # Two stand in line now, and a third makes the batch full.
        assert late.submit(batcher, [3]).result(LONG) == [6]
        assert [future.result() for future in first[1:]] == [[2], [4]]
    assert work.batches == [[0], [1, 2, 3]]


def test_waiting_ends_when_nobody_comes() -> None:
    work = Work()
    batcher = Batcher(work, most=3, wait=0.001)
    with callers(batcher, work) as call:
        futures = [call(number) for number in range(3)]
        work.go.set()
    assert [future.result() for future in futures] == [[0], [2], [4]]
    assert work.batches == [[0], [1, 2]]


def test_an_error_reaches_the_caller_that_caused_it_alone() -> None:
    work = Work()
    batcher = Batcher(work, most=16, wait=0)
    with callers(batcher, work) as call:
        futures = [call(number) for number in (0, 1, -1, 3)]
        work.go.set()
    assert [future.result() for future in (futures[0], futures[1], futures[3])] == [[0], [2], [6]]
    with pytest.raises(ValueError, match="-1 cannot be doubled"):
        futures[2].result()
    assert work.batches == [[0], [1, -1, 3], [1], [-1], [3]]


def test_the_batcher_works_on_after_an_error() -> None:
    work = Work()
    work.go.set()
    batcher = Batcher(work, most=16, wait=0)
    with pytest.raises(ValueError, match="cannot"):
        batcher([-1])
    assert batcher([4]) == [8]
    assert batcher.waiting() == 0


def test_a_batch_may_take_as_long_as_the_most_patient_of_its_callers() -> None:
    ends: list[float] = []

    class Told(Work):
        def __call__(self, items: Sequence[int]) -> Sequence[int]:
            ends.append(deadline.end())
            return super().__call__(items)

    def ask(item: int, end: float) -> Sequence[int]:
        with deadline.until(end):
            return batcher([item])

    work = Told()
    batcher = Batcher(work, most=8, wait=0)
    with ThreadPoolExecutor(4) as pool:
        futures = [pool.submit(ask, 0, 10.0)]
        assert work.begun.wait(LONG)
        for number, end in enumerate((30.0, 50.0, 20.0), start=1):
            futures.append(pool.submit(ask, number, end))
            while batcher.waiting() < number:
                assert not futures[-1].done()
        work.go.set()
    assert [future.result() for future in futures] == [[0], [2], [4], [6]]
    assert ends == [10.0, 50.0]
