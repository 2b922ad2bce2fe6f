import threading

import pytest

from faceserver.web.guard import ratecounts
from faceserver.web.guard.ratecounts import WindowCounts


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(ratecounts, "time", clock)
    return clock


def test_a_window_begins_with_the_first_count_and_ends_in_time(clock: Clock) -> None:
    counts = WindowCounts()
    assert (counts.get("a"), counts.get_expiry("a")) == (0, 1000)
    assert [counts.incr("a", 60) for _ in range(3)] == [1, 2, 3]
    clock.now = 1059.9
    assert counts.incr("a", 60, amount=2) == 5
    assert (counts.get("a"), counts.get_expiry("a")) == (5, 1060)
    clock.now = 1060.0
    assert counts.get("a") == 0
    assert counts.incr("a", 60) == 1
    assert counts.get_expiry("a") == 1120


def test_keys_are_counted_apart_and_forgotten(clock: Clock) -> None:
    counts = WindowCounts()
    counts.incr("a", 60)
    assert counts.incr("b", 60) == 1
    counts.clear("a")
    counts.clear("a")
    assert (counts.get("a"), counts.get("b")) == (0, 1)
    assert counts.reset() == 1
    assert counts.get("b") == 0
    assert counts.check()
    assert counts.base_exceptions is ValueError


def test_callers_who_do_not_come_back_take_no_memory(clock: Clock) -> None:
    counts = WindowCounts()
    for caller in range(100):
        counts.incr(f"{caller}", 60)
    clock.now += 60
    counts.incr("last", 60)
    assert list(counts._windows) == ["last"]


def test_counting_starts_no_thread() -> None:
    before = threading.enumerate()
    counts = WindowCounts()
    counts.incr("a", 60)
    assert threading.enumerate() == before
