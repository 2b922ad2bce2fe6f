"""What is refused over and over does not fill the audit log."""

import pytest

from faceserver.access import repeats
from faceserver.access.event import Event
from faceserver.access.repeats import KINDS, TOLD, Repeats


class Clock:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr(repeats, "monotonic", lambda: self.now)


def refusal(address: str = "192.0.2.1", result: str = "untrusted_host") -> Event:
    return Event("anonymous", "GET /", result, 400, {"host": "x"}, address, "r")


def test_the_first_are_written_and_the_others_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, written = Clock(monkeypatch), list[Event]()
    log = Repeats(written.append)
    for _ in range(1000):
        log.write(refusal())
    assert written == [refusal()] * TOLD
    clock.now += repeats.SECONDS + 1
    log.write(refusal("192.0.2.2"))
    summary, other = written[TOLD:]
    assert (summary.repeats, summary.target, summary.address) == (1000 - TOLD, {}, "192.0.2.1")
    assert other == refusal("192.0.2.2")
    log.write(refusal())
    assert written[-1] == refusal()


def test_what_is_counted_is_written_in_the_end() -> None:
    written = list[Event]()
    log = Repeats(written.append)
    for _ in range(TOLD + 3):
        log.write(refusal())
    log.flush()
    assert written[-1].repeats == 3
    log.flush()
    assert len(written) == TOLD + 1


def test_few_from_everywhere_are_no_more_than_many_from_one() -> None:
    written = list[Event]()
    log = Repeats(written.append)
    for number in range(50_000):
        log.write(refusal(f"198.{number // 65536}.{number // 256 % 256}.{number % 256}"))
    assert len(written) == KINDS + TOLD
    log.flush()
    assert written[-1].repeats == 50_000 - KINDS - TOLD
    assert written[-1].who == "several"


def test_an_ipv6_network_is_one_address() -> None:
    written = list[Event]()
    log = Repeats(written.append)
    for number in range(100):
        log.write(refusal(f"2001:db8::{number:x}"))
    assert len(written) == TOLD


def test_results_are_told_apart() -> None:
    written = list[Event]()
    log = Repeats(written.append)
    for result in ("untrusted_host", "cross_origin", "rate_limited"):
        log.write(refusal(result=result))
    assert len(written) == 3
