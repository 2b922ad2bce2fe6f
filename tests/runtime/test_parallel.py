from math import inf
from threading import Barrier, Event, current_thread, main_thread

import pytest

from faceserver.runtime import deadline
from faceserver.runtime.parallel import NOBODY, Helpers


@pytest.mark.parametrize("count", [0, 1, 3])
def test_each_item_is_made_once_and_in_order(count: int) -> None:
    made: list[int] = []

    def make(item: int) -> int:
        made.append(item)
        return item * item

    assert Helpers(count).map(make, range(20)) == [item * item for item in range(20)]
    assert sorted(made) == list(range(20))


def test_without_items_there_is_nothing() -> None:
    assert Helpers(2).map(str, []) == []


def test_helpers_work_at_the_same_time_as_the_caller() -> None:
    together = Barrier(3, timeout=10)
    assert len(Helpers(2).map(lambda _: together.wait(), range(3))) == 3


def test_nobody_helps_where_there_are_no_helpers() -> None:
    assert len(Helpers(2)) == 2
    assert not NOBODY
    assert set(NOBODY.map(lambda _: current_thread(), range(5))) == {main_thread()}


def test_a_caller_does_not_wait_for_a_helper_that_is_busy_elsewhere() -> None:
    helpers, busy, released = Helpers(1), Event(), Event()

    def hold(item: int) -> None:
        if item:
            busy.set()
            assert released.wait(10)
        else:
            assert busy.wait(10)
            assert helpers.map(str, range(10)) == [str(number) for number in range(10)]
            released.set()

    helpers.map(hold, range(2))


def test_an_error_reaches_the_caller_and_ends_the_work() -> None:
    made: list[int] = []

    def make(item: int) -> None:
        made.append(item)
        raise ValueError(item)

    with pytest.raises(ValueError, match="0"):
        NOBODY.map(make, range(5))
    assert made == [0]
    with pytest.raises(ValueError, match=r"\d"):
        Helpers(1).map(make, range(50))


def test_an_error_of_a_helper_reaches_the_caller() -> None:
    begun = Event()

    def make(item: int) -> int:
        if item == 1:
            begun.set()
            raise ValueError(item)
        assert begun.wait(10)
        return item

    with pytest.raises(ValueError, match="1"):
        Helpers(1).map(make, range(2))


def test_the_deadline_goes_along_with_the_work() -> None:
    together = Barrier(3, timeout=10)

    def end(_: int) -> float:
        together.wait()
        return deadline.end()

    helpers = Helpers(2)
    with deadline.until(1234.5):
        assert helpers.map(end, range(3)) == [1234.5] * 3
    assert helpers.map(end, range(3)) == [inf] * 3
