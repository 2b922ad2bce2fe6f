"""Pages follow the order of the commits, however transactions are interleaved."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from faceserver.store.base import Collection
from tests.store.postgres.conftest import Servers
from tests.store.samples import new_face, people

VECTORS = people(3)


def sources(collection: Collection, cursor: str | None = None) -> tuple[list[str], str | None]:
    """What is listed behind a cursor, and the cursor of what comes next."""
    found = []
    while True:
        page = collection.faces(limit=1, cursor=cursor)
        found += [face.source for face in page.items]
        if page.cursor is None:
            return found, cursor
        cursor = page.cursor


def test_a_face_that_began_earlier_and_is_committed_later_is_not_skipped(
    servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = (server.collection() for server in servers)
    here.add([new_face(VECTORS[0], "first")])
    drawn, go_on = Event(), Event()
    order: Callable[..., None] = here.tables.ordered

    def wait(transaction: object) -> None:
        drawn.set()  # its ids are drawn and its vectors are in
        assert go_on.wait(60)
        order(transaction)

    monkeypatch.setattr(here.tables, "ordered", wait)
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(here.add, [new_face(VECTORS[1], "slow")])
        assert drawn.wait(60)
        there.add([new_face(VECTORS[2], "fast")])
        listed, _ = sources(there)
        assert listed == ["first", "fast"]
        cursor = there.faces(limit=1).cursor
        go_on.set()
        slow.result()
    assert sources(there, cursor)[0] == ["fast", "slow"]


def test_nobody_is_committed_before_one_whose_place_is_lower(
    servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    from faceserver.runtime.postgres import Transaction  # noqa: PLC0415 - needs its client

    here, there = (server.collection() for server in servers)
    placed, go_on = Event(), Event()
    run_many = Transaction.run_many

    def wait(self: Transaction, statement: str, rows: list[tuple[object, ...]]) -> None:
        run_many(self, statement, rows)
        if "held" in [row[5] for row in rows if len(row) > 5]:
            placed.set()  # its place is drawn, and it is not committed
            assert go_on.wait(60)

    monkeypatch.setattr(Transaction, "run_many", wait)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(here.add, [new_face(VECTORS[0], "held")])
        assert placed.wait(60)
        second = pool.submit(there.add, [new_face(VECTORS[1], "next")])
        waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        while not servers[0].database.read(lambda t: t.read(waiting))[0][0]:
            assert not second.done(), "it went past one whose place is lower"
        assert sources(there)[0] == []
        go_on.set()
        first.result()
        second.result()
    assert sources(here)[0] == ["held", "next"]
