"""Waiting outside: a number for all, a part for each, and somebody who takes over meanwhile."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from faceserver.errors import Busy
from faceserver.runtime.waiting import Outside, place, replaced


def test_no_more_than_there_are() -> None:
    outside = Outside(3)
    with ExitStack() as held:
        for _ in range(3):
            assert held.enter_context(outside.waiting()) == 1
        with pytest.raises(Busy), outside.waiting():
            pass
    with outside.waiting():
        pass


def test_who_wants_many_leaves_some() -> None:
    outside = Outside(8)
    with ExitStack() as held:
        lent = [held.enter_context(outside.waiting(8)) for _ in range(4)]
        assert lent == [4, 2, 1, 1]
        with pytest.raises(Busy), outside.waiting(8):
            pass
    with outside.waiting(3) as few:
        assert few == 3


def test_what_fails_gives_back() -> None:
    outside = Outside(1)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), outside.waiting():
            raise ZeroDivisionError


def test_a_worker_is_replaced_meanwhile() -> None:
    seen = []

    @contextmanager
    def replace() -> Iterator[None]:
        seen.append("begin")
        yield
        seen.append("end")

    token = replaced.set(replace)
    try:
        with Outside(1).waiting():
            seen.append("wait")
    finally:
        replaced.reset(token)
    assert seen == ["begin", "wait", "end"]


def test_one_place_takes_half() -> None:
    outside = Outside(4)
    token = place.set("192.0.2.1")
    try:
        with ExitStack() as held:
            assert held.enter_context(outside.waiting(8)) == 1
            assert held.enter_context(outside.waiting()) == 1
            with pytest.raises(Busy), outside.waiting():
                pass
            place.set("192.0.2.2")
            assert held.enter_context(outside.waiting()) == 1
        place.set("192.0.2.1")
        with outside.waiting(), outside.waiting():
            pass
    finally:
        place.reset(token)
