"""A thread works while there is something to do, and rests until it is woken or time has come."""

from collections.abc import Callable
from contextlib import closing
from queue import Queue

import pytest

from faceserver.runtime.turns import Turns

TOO_LONG = 60.0
"""Seconds after which a test fails that waits for what does not happen."""


class Work:
    """Does turns, each of which returns what it is told to."""

    def __init__(self) -> None:
        self.rests: Queue[float | None] = Queue()
        self.done: Queue[int] = Queue()
        self._count = 0

    def __call__(self) -> float | None:
        self._count += 1
        self.done.put(self._count)
        return self.rests.get(timeout=TOO_LONG)

    def wait_for(self, turn: int) -> None:
        """Wait until a turn has begun."""
        assert self.done.get(timeout=TOO_LONG) == turn


def nothing(_: Turns) -> None:
    """Nobody does anything."""


@pytest.mark.parametrize(
    ("rest", "then"),
    [(0, nothing), (0.001, nothing), (None, Turns.wake), (TOO_LONG * 10, Turns.wake)],
)
def test_the_next_turn_comes_when_it_is_due_or_wanted(
    rest: float | None, then: Callable[[Turns], None]
) -> None:
    work = Work()
    with closing(Turns("test", work)) as turns:
        turns.start()
        work.wait_for(1)
        work.rests.put(rest)
        then(turns)  # while it works or rests: both count
        work.wait_for(2)
        turns.stop()
        work.rests.put(None)
    assert work.done.empty()


def test_stopping_waits_for_nothing_and_closing_for_the_turn_under_way() -> None:
    work = Work()
    turns = Turns("test", work)
    turns.start()
    work.wait_for(1)
    turns.stop()
    assert turns.is_stopping
    work.rests.put(None)  # it would rest without end
    turns.close()
    assert work.done.empty()


def test_what_was_never_started_is_closed_at_once() -> None:
    work = Work()
    Turns("test", work).close()
    assert work.done.empty()
